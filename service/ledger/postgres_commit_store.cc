#include "service/ledger/postgres_commit_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/os/logging.h"
#include "base/os/mutex.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/checkpoint_checksum.h"
#include "service/ledger/postgres_tables.h"

namespace gateway {
namespace {

// Between attempts while who appends waits, ...
constexpr absl::Duration kPauseMin = absl::Milliseconds(20);
// ... and while the database counts as away.
constexpr absl::Duration kPauseMax = absl::Seconds(2);
constexpr absl::Duration kKeepAlive = absl::Seconds(5);
// Attempts to take a chain again whose outcome nobody knows.
constexpr size_t kClaimsMax = 64;

// A table's own number and the chain's: nobody else has locks of these.
constexpr char kTryLock[] =
    "SELECT pg_try_advisory_lock('chains'::regclass::oid::int, $1::int)";
constexpr char kUnlock[] =
    "SELECT pg_advisory_unlock('chains'::regclass::oid::int, $1::int)";
constexpr char kReleased[] =
    "SELECT chain FROM chains WHERE released ORDER BY chain";
constexpr char kClaim[] =
    "UPDATE chains SET epoch = epoch + 1, released = false, claim = $2::text "
    "WHERE chain = $1::bigint AND released "
    "RETURNING epoch, commits, entries, last_hash";
// One of the attempts before, `$3`, may have taken it, and nobody was told.
constexpr char kTakeAgain[] =
    "UPDATE chains SET epoch = epoch + 1, released = false, claim = $4::text "
    "WHERE chain = $1::bigint AND (epoch = $2::bigint "
    "OR claim = ANY(string_to_array($3::text, ','))) "
    "RETURNING epoch, commits, entries, last_hash";
constexpr char kBegin[] =
    "INSERT INTO chains (chain, claim) "
    "SELECT coalesce(max(chain), 0) + 1, $1::text FROM chains "
    "RETURNING chain, epoch";
constexpr char kRelease[] =
    "UPDATE chains SET released = true "
    "WHERE chain = $1::bigint AND epoch = $2::bigint";
// The third says whether the server can only be read by now.
constexpr char kKeep[] =
    "SELECT epoch, commits, current_setting('transaction_read_only') "
    "FROM chains "
    "WHERE chain = $1::bigint AND (epoch = $2::bigint "
    "OR claim = ANY(string_to_array($3::text, ',')))";
// Nothing is appended by who does not know where the chain ends, nor by who
// had it before.
constexpr char kAppendToChain[] =
    "WITH head AS ("
    "  UPDATE chains SET commits = $2::bigint, "
    "  entries = $3::bigint + $4::bigint - 1, last_hash = $6::text "
    "  WHERE chain = $1::bigint AND epoch = $9::bigint "
    "  AND commits = $2::bigint - 1 AND last_hash = $10::text "
    "  RETURNING chain) "
    "INSERT INTO commits "
    "(chain, number, first_entry, entries, time, last_hash, texts, notes) "
    "SELECT chain, $2::bigint, $3::bigint, $4::bigint, "
    "'epoch'::timestamptz + $5::bigint * interval '1 microsecond', $6::text, "
    "$7::bytea, $8::bytea FROM head";
constexpr char kLastCommit[] =
    "SELECT r.number, r.first_entry, r.entries, r.last_hash, r.texts "
    "FROM commits r WHERE r.chain = $1::bigint "
    "ORDER BY r.number DESC LIMIT 1";
constexpr char kKeepPostgresCheckpoint[] =
    "INSERT INTO checkpoints "
    "(chain, commits, entries, last_hash, open_dispatches, state) "
    "SELECT chain, $3::bigint, $4::bigint, $5::text, $6::bytea, $7::bytea "
    "FROM chains WHERE chain = $1::bigint AND epoch = $2::bigint "
    "ON CONFLICT (chain) DO UPDATE SET commits = excluded.commits, "
    "entries = excluded.entries, last_hash = excluded.last_hash, "
    "open_dispatches = excluded.open_dispatches, state = excluded.state";
constexpr char kBackendStart[] =
    "SELECT backend_start::text FROM pg_stat_activity "
    "WHERE pid = pg_backend_pid()";
constexpr char kEndBackend[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = $1::int AND backend_start = $2::timestamptz "
    "AND pid <> pg_backend_pid()";

absl::Status TakenOver(int64_t chain) {
  return absl::AbortedError(
      absl::StrCat("another gateway has taken over the chain ", chain,
                   ", since this one was cut off for too long"));
}

absl::Duration StoreNow() { return SystemClock().SteadyTime(); }

// The thread is the ledger's own.
void PauseFor(absl::Duration pause) {
  Mutex mu;
  CondVar never;
  MutexLock lock(mu);
  never.WaitFor(lock, pause);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresCommitStore>> PostgresCommitStore::Claim(
    const PostgresLedger& ledger, Clock& clock, Random& random) {
  std::unique_ptr<PostgresCommitStore> store(
      new PostgresCommitStore(ledger, clock, random));
  GATEWAY_RETURN_IF_ERROR(store->ClaimAny());
  return store;
}

absl::StatusOr<std::unique_ptr<PostgresCommitStore>>
PostgresCommitStore::TakeOver(const PostgresLedger& ledger, int64_t chain,
                              int64_t epoch, Clock& clock, Random& random) {
  std::unique_ptr<PostgresCommitStore> store(
      new PostgresCommitStore(ledger, clock, random));
  GATEWAY_ASSIGN_OR_RETURN(store->db_, ledger.Connect(store->timeout()));
  GATEWAY_ASSIGN_OR_RETURN(const bool is_free, store->TryLock(chain));
  if (!is_free) return absl::NotFoundError("somebody holds the chain");
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult taken,
                           store->Take({chain, epoch}, store->timeout()));
  if (taken.rows() == 0) {
    return absl::NotFoundError("somebody has had the chain meanwhile");
  }
  GATEWAY_RETURN_IF_ERROR(store->RememberSession());
  store->chain_ = chain;
  store->epoch_ = taken.Int64(0, 0);
  return store;
}

PostgresCommitStore::~PostgresCommitStore() {
  if (db_ == nullptr || db_->is_broken() || !is_sound_) return;
  // Otherwise those who are left do it, later.
  db_->Run(kRelease, PostgresParameters().Int64(chain_).Int64(epoch_),
           timeout())
      .IgnoreError();
}

std::string PostgresCommitStore::name() const {
  return absl::StrCat("chain ", chain_.load(), " in the schema ",
                      ledger_.options().schema);
}

std::string_view PostgresCommitStore::remedy() const {
  return "restore the database from a backup, or name another schema and begin "
         "a new ledger";
}

absl::StatusOr<bool> PostgresCommitStore::TryLock(int64_t chain) {
  GATEWAY_ASSIGN_OR_RETURN(
      const PostgresResult locked,
      db_->Run(kTryLock, PostgresParameters().Int64(chain), timeout()));
  return locked.Int64(0, 0) != 0;
}

absl::Status PostgresCommitStore::Unlock(int64_t chain) {
  return db_->Run(kUnlock, PostgresParameters().Int64(chain), timeout())
      .status();
}

absl::Status PostgresCommitStore::ClaimAny() {
  GATEWAY_ASSIGN_OR_RETURN(db_, ledger_.Connect(timeout()));
  // The chain that it had is its own until it has another one.
  Place place;
  const auto claim = [&]() -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(place, ClaimReleased());
    if (place.chain == 0) {
      GATEWAY_ASSIGN_OR_RETURN(place, BeginChain());
    }
    return RememberSession();
  };
  absl::Status status = claim();
  if (!status.ok()) {
    db_.reset();
    return status;
  }
  chain_ = place.chain;
  epoch_ = place.epoch;
  return status;
}

absl::StatusOr<PostgresCommitStore::Place>
PostgresCommitStore::ClaimReleased() {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult released,
                           db_->Run(kReleased, {}, timeout()));
  for (int row = 0; row < released.rows(); ++row) {
    const int64_t chain = released.Int64(row, 0);
    GATEWAY_ASSIGN_OR_RETURN(const bool is_free, TryLock(chain));
    if (!is_free) continue;
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult claimed,
        db_->Run(kClaim, PostgresParameters().Int64(chain).Text(NewClaim()),
                 timeout()));
    if (claimed.rows() > 0) return Place{chain, claimed.Int64(0, 0)};
    // Somebody had it for a moment.
    GATEWAY_RETURN_IF_ERROR(Unlock(chain));
  }
  return Place{};
}

absl::StatusOr<PostgresCommitStore::Place> PostgresCommitStore::BeginChain() {
  const absl::Duration deadline = StoreNow() + timeout();
  while (true) {
    const absl::StatusOr<PostgresResult> begun =
        db_->Run(kBegin, PostgresParameters().Text(NewClaim()), timeout());
    // Another has begun one at this moment.
    if (absl::IsAlreadyExists(begun.status()) && StoreNow() < deadline) {
      PauseFor(kPauseMin * random_.UniformDouble());
      continue;
    }
    GATEWAY_RETURN_IF_ERROR(begun.status());
    const Place place = {begun->Int64(0, 0), begun->Int64(0, 1)};
    GATEWAY_ASSIGN_OR_RETURN(const bool is_free, TryLock(place.chain));
    if (is_free) return place;
    return absl::InternalError(absl::StrCat("somebody holds the chain ",
                                            place.chain,
                                            ", which was begun this moment"));
  }
}

absl::StatusOr<PostgresResult> PostgresCommitStore::Take(
    const Place& known, absl::Duration timeout) {
  const std::string before = absl::StrJoin(claims_, ",");
  if (claims_.size() == kClaimsMax) claims_.pop_front();
  claims_.push_back(NewClaim());
  PostgresParameters parameters;
  parameters.Int64(known.chain)
      .Int64(known.epoch)
      .Text(before)
      .Text(claims_.back());
  absl::StatusOr<PostgresResult> taken =
      db_->Run(kTakeAgain, parameters, timeout);
  if (taken.ok()) claims_.clear();
  return taken;
}

absl::StatusOr<PostgresResult> PostgresCommitStore::FindOwn(
    absl::Duration timeout) {
  PostgresParameters parameters;
  parameters.Int64(chain_).Int64(epoch_).Text(absl::StrJoin(claims_, ","));
  return db_->Run(kKeep, parameters, timeout);
}

std::string PostgresCommitStore::NewClaim() {
  return absl::StrCat(absl::Hex(random_.Bits(), absl::kZeroPad16),
                      absl::Hex(random_.Bits(), absl::kZeroPad16));
}

absl::Status PostgresCommitStore::RememberSession() {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult begun,
                           db_->Run(kBackendStart, {}, timeout()));
  backend_ = db_->backend_pid();
  backend_start_ = begun.rows() == 0 ? "" : begun.Bytes(0, 0);
  return absl::OkStatus();
}

absl::Status PostgresCommitStore::EndSessionBefore() {
  if (backend_start_.empty()) return absl::OkStatus();
  PostgresParameters parameters;
  parameters.Int64(backend_).Text(backend_start_);
  return db_->Run(kEndBackend, parameters, timeout()).status();
}

absl::Status PostgresCommitStore::LockAgain(absl::Duration deadline) {
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool is_free, TryLock(chain_));
    if (is_free) return absl::OkStatus();
    // Of the session before the server may not know that it is over.
    GATEWAY_RETURN_IF_ERROR(EndSessionBefore());
    GATEWAY_ASSIGN_OR_RETURN(const PostgresResult own, FindOwn(timeout()));
    if (own.rows() == 0) return TakenOver(chain_);
    if (StoreNow() >= deadline) {
      return absl::UnavailableError(absl::StrCat(
          "the session before still holds the chain ", chain_.load()));
    }
    PauseFor(kPauseMin * (0.5 + random_.UniformDouble()));
  }
}

absl::Status PostgresCommitStore::EnsureSession(absl::Duration timeout) {
  if (db_ != nullptr && !db_->is_broken()) return absl::OkStatus();
  const absl::Duration deadline = StoreNow() + timeout;
  db_.reset();
  GATEWAY_ASSIGN_OR_RETURN(db_, ledger_.Connect(timeout));
  // Of a session that does not have the chain there is none.
  const auto take = [&]() -> absl::Status {
    GATEWAY_RETURN_IF_ERROR(LockAgain(deadline));
    GATEWAY_RETURN_IF_ERROR(RememberSession());
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult taken,
        Take({chain_, epoch_}, std::max(deadline - StoreNow(), kPauseMin)));
    if (taken.rows() == 0) return TakenOver(chain_);
    epoch_ = taken.Int64(0, 0);
    end_ = {.commits = taken.Int64(0, 1),
            .entries = taken.Int64(0, 2),
            .hash = std::string(taken.Bytes(0, 3))};
    return absl::OkStatus();
  };
  absl::Status status = take();
  if (!status.ok()) db_.reset();
  return status;
}

template <typename Try>
absl::Status PostgresCommitStore::TryUntilTimeout(Try attempt) {
  const absl::Duration begun = StoreNow();
  const absl::Duration deadline = begun + timeout();
  if (is_away_ && begun < next_try_) return away_;
  for (absl::Duration pause = kPauseMin;; pause = 2 * pause) {
    const absl::Duration left = std::max(deadline - StoreNow(), kPauseMin);
    absl::Status status = attempt(left);
    const bool may_work = absl::IsUnavailable(status);
    const absl::Duration wait = pause * (0.5 + random_.UniformDouble());
    if (!may_work || is_away_ || StoreNow() + wait >= deadline) {
      CountOutcome(status);
      return status;
    }
    PauseFor(wait);
  }
}

void PostgresCommitStore::CountOutcome(const absl::Status& status) {
  is_away_ = absl::IsUnavailable(status);
  if (!is_away_) {
    failures_ = 0;
    return;
  }
  const absl::Duration pause =
      std::min(kPauseMax, kPauseMin * (1 << std::min(failures_++, 10)));
  next_try_ = StoreNow() + pause * (0.5 + 0.5 * random_.UniformDouble());
  away_ = status;
}

absl::Status PostgresCommitStore::Append(const NewCommit& commit) {
  return TryUntilTimeout(
      [&](absl::Duration left) { return TryAppend(commit, left); });
}

absl::Status PostgresCommitStore::TryAppend(const NewCommit& commit,
                                            absl::Duration left) {
  const absl::Duration deadline = StoreNow() + left;
  const bool had_session = db_ != nullptr && !db_->is_broken();
  GATEWAY_RETURN_IF_ERROR(EnsureSession(left));
  // An attempt before may have done it, of which nobody was told.
  if (!had_session && end_.commits == commit.commit.number &&
      end_.hash == commit.last_hash) {
    return absl::OkStatus();
  }
  return Insert(commit, std::max(deadline - StoreNow(), kPauseMin));
}

absl::Status PostgresCommitStore::Insert(const NewCommit& commit,
                                         absl::Duration left) {
  const LedgerCommit& row = commit.commit;
  PostgresParameters parameters;
  parameters.Int64(chain_)
      .Int64(row.number)
      .Int64(row.first_entry)
      .Int64(row.entries)
      .Int64(absl::ToUnixMicros(row.time))
      .Text(commit.last_hash)
      .Bytes(row.texts)
      .Bytes(row.notes)
      .Int64(epoch_)
      .Text(commit.previous_hash);
  const std::string partition = PartitionOf(row.time);
  absl::StatusOr<PostgresResult> appended = absl::InternalError("not tried");
  for (const bool again : {false, true}) {
    if (partitions_.count(partition) == 0) {
      GATEWAY_RETURN_IF_ERROR(MakePartition(*db_, row.time, left));
    }
    const bool was_known = !partitions_.insert(partition).second;
    appended = db_->Run(kAppendToChain, parameters, left);
    if (appended.ok()) break;
    partitions_.erase(partition);
    // It may have gone into an archive; with is_broken nobody knows.
    if (again || !was_known || db_->is_broken()) break;
    if (absl::IsUnavailable(appended.status())) break;
  }
  if (!appended.ok()) {
    // A server that can only be read may have another one to write to.
    if (absl::IsUnavailable(appended.status())) db_.reset();
    return appended.status();
  }
  if (appended->changed() != 1) return WhyNotAppended();
  is_sound_ = true;
  known_commits_ = row.number;
  return absl::OkStatus();
}

absl::Status PostgresCommitStore::WhyNotAppended() {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult own, FindOwn(timeout()));
  if (own.rows() == 0) {
    db_.reset();
    return TakenOver(chain_);
  }
  if (own.Int64(0, 1) < known_commits_) return EndsEarlier(own.Int64(0, 1));
  return absl::DataLossError(absl::StrCat(
      name(), " does not end where it did: somebody has changed it; ",
      ToAbsl(remedy())));
}

absl::Status PostgresCommitStore::EndsEarlier(int64_t commits) const {
  return absl::DataLossError(absl::StrCat(name(), " ends with commit ", commits,
                                          ", and had ", known_commits_,
                                          " of them"));
}

absl::StatusOr<LastCommit> PostgresCommitStore::Last() {
  LastCommit last;
  const absl::Status found =
      TryUntilTimeout([&](absl::Duration left) -> absl::Status {
        GATEWAY_RETURN_IF_ERROR(EnsureSession(left));
        GATEWAY_ASSIGN_OR_RETURN(
            const PostgresResult rows,
            db_->Run(kLastCommit, PostgresParameters().Int64(chain_), left));
        last = {};
        if (rows.rows() == 0) {
          GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, Archived());
          last.number = archived.commits;
          last.first_entry = archived.entries + 1;
          last.hash = archived.hash;
          last.is_archived = archived.commits > 0;
          return absl::OkStatus();
        }
        last = {.number = rows.Int64(0, 0),
                .first_entry = rows.Int64(0, 1),
                .entries = rows.Int64(0, 2),
                .hash = std::string(rows.Bytes(0, 3)),
                .texts = std::string(rows.Bytes(0, 4))};
        return absl::OkStatus();
      });
  GATEWAY_RETURN_IF_ERROR(found);
  known_commits_ = last.number;
  return last;
}

absl::StatusOr<LedgerCheckpoint> PostgresCommitStore::LoadCheckpoint() {
  return ledger_.LoadCheckpoint(chain_);
}

absl::Status PostgresCommitStore::KeepCheckpoint(LedgerCheckpoint checkpoint) {
  // What is known now can be known again: nothing is waited for.
  if (db_ == nullptr || db_->is_broken()) {
    return absl::UnavailableError("there is no session");
  }
  checkpoint = WithChecksum(std::move(checkpoint));
  PostgresParameters parameters;
  parameters.Int64(chain_)
      .Int64(epoch_)
      .Int64(checkpoint.end.commits)
      .Int64(checkpoint.end.entries)
      .Text(checkpoint.end.hash)
      .Bytes(checkpoint.open_dispatches)
      .Bytes(checkpoint.state);
  const absl::Status kept =
      db_->Run(kKeepPostgresCheckpoint, parameters, timeout()).status();
  is_sound_ = is_sound_ || kept.ok();
  // As for who appends.
  if (absl::IsUnavailable(kept)) db_.reset();
  return kept;
}

absl::Status PostgresCommitStore::TakeAnotherChain() {
  const int64_t before = chain_;
  GATEWAY_RETURN_IF_ERROR(ClaimAny());
  is_sound_ = false;
  Log(LogLevel::kWarn, "ledger",
      "The ledger goes on in another chain: this one was taken over",
      {{"chain", before}, {"next", chain_.load()}});
  return absl::OkStatus();
}

absl::Duration PostgresCommitStore::keep_alive_interval() const {
  return kKeepAlive;
}

absl::Status PostgresCommitStore::KeepAlive() {
  return TryUntilTimeout([&](absl::Duration left) -> absl::Status {
    GATEWAY_RETURN_IF_ERROR(EnsureSession(left));
    GATEWAY_ASSIGN_OR_RETURN(const PostgresResult own, FindOwn(left));
    if (own.rows() == 0) return TakenOver(chain_);
    // Nobody may write for long, and none is to find it out by a call.
    if (own.Bytes(0, 2) == "on") {
      db_.reset();
      return absl::UnavailableError("the server can only be read");
    }
    // A standby that took over may not have what was committed last.
    if (own.Int64(0, 1) < known_commits_) return EndsEarlier(own.Int64(0, 1));
    is_sound_ = true;
    return absl::OkStatus();
  });
}

}  // namespace gateway
