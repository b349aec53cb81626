#include "service/ledger/postgres_archive.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/postgres/postgres_connection.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/checkpoint_checksum.h"
#include "service/ledger/followed_state.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_walk.h"
#include "service/ledger/postgres_tables.h"

namespace gateway {
namespace {

// For the partitions to be given free; then others have their turn, and it is
// tried again, so often.
constexpr absl::Duration kDetachWait = absl::Milliseconds(500);
constexpr absl::Duration kDetachPause = absl::Milliseconds(250);
constexpr int kDetachAttempts = 40;

constexpr char kTryToArchive[] =
    "SELECT pg_try_advisory_lock('archives'::regclass::oid::int, 0)";
constexpr char kThisMonth[] =
    "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')";
constexpr char kPartitionsBefore[] =
    "SELECT c.relname::text FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'commits'::regclass "
    "AND c.relname ~ '^commits_[0-9]{4}_[0-9]{2}$' AND c.relname < $1 "
    "ORDER BY c.relname";
constexpr char kCommitsBefore[] =
    "SELECT chain, count(*), min(number), max(number) FROM commits "
    "WHERE time < $1::text::timestamptz GROUP BY chain";
constexpr char kAddArchive[] =
    "INSERT INTO archives (chain, month, first_commit, last_commit, "
    "first_entry, last_entry, hash_before, last_hash, merkle_root, file, "
    "file_bytes, file_sha256) VALUES ($1::bigint, $2::text, $3::bigint, "
    "$4::bigint, $5::bigint, $6::bigint, $7::text, $8::text, $9::text, "
    "$10::text, $11::bigint, $12::text)";
constexpr char kBringCheckpoint[] =
    "INSERT INTO checkpoints "
    "(chain, commits, entries, last_hash, open_dispatches, state) VALUES "
    "($1::bigint, $2::bigint, $3::bigint, $4::text, $5::bytea, $6::bytea) "
    "ON CONFLICT (chain) DO UPDATE SET commits = excluded.commits, "
    "entries = excluded.entries, last_hash = excluded.last_hash, "
    "open_dispatches = excluded.open_dispatches, state = excluded.state "
    "WHERE checkpoints.commits < excluded.commits";

std::string MonthOf(absl::Time time) {
  return absl::FormatTime("%Y-%m", time, absl::UTCTimeZone());
}

// What is known of a chain up to where its archive ends.
class ArchivedState {
 public:
  ArchivedState(LedgerCheckpoint from, std::unique_ptr<LedgerState> state)
      : from_(std::move(from)),
        state_(std::move(state)),
        followed_(state_.get()) {}

  absl::Status Restore() { return followed_.Restore(from_); }

  absl::Status Follow(const LedgerCommit& commit) {
    if (commit.number <= from_.end.commits) return absl::OkStatus();
    return followed_.Follow(commit.texts, commit.notes);
  }

  // Up to the end of that piece.
  LedgerCheckpoint At(const ArchivedPiece& piece) const {
    if (piece.last_commit <= from_.end.commits) return from_;
    return followed_.At({.commits = piece.last_commit,
                         .entries = piece.last_entry,
                         .hash = piece.last_hash});
  }

 private:
  const LedgerCheckpoint from_;
  const std::unique_ptr<LedgerState> state_;
  FollowedState followed_;
};

// What is taken of a chain.
struct TakenChain {
  std::vector<ArchivedPiece> pieces;
  LedgerCheckpoint checkpoint;
};

class Archiving {
 public:
  Archiving(const PostgresLedger& ledger, const ArchiveOptions& options)
      : ledger_(ledger),
        options_(options),
        timeout_(ledger.options().timeout) {}

  absl::StatusOr<ArchivedMonths> Run() {
    GATEWAY_RETURN_IF_ERROR(Begin());
    if (partitions_.empty()) return ArchivedMonths();
    GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> chains,
                             ledger_.Chains());
    GATEWAY_RETURN_IF_ERROR(Verify(chains));
    Told("verified");
    for (const PostgresChain& chain : chains) {
      GATEWAY_RETURN_IF_ERROR(WriteChain(chain.number));
    }
    GATEWAY_RETURN_IF_ERROR(ReadAgain());
    Told("read again");
    GATEWAY_RETURN_IF_ERROR(Take());
    Told("committed");
    ArchivedMonths archived{.partitions = partitions_};
    for (const auto& [chain, taken] : chains_) {
      archived.pieces.insert(archived.pieces.end(), taken.pieces.begin(),
                             taken.pieces.end());
    }
    return archived;
  }

 private:
  void Told(std::string_view step) const {
    if (options_.on_step) options_.on_step(step);
  }

  absl::Status Begin();
  absl::Status Verify(const std::vector<PostgresChain>& chains) const;
  absl::Status WriteChain(int64_t chain);
  absl::Status ReadAgain() const;
  absl::Status Take();
  absl::Status TakeInTransaction();
  absl::Status CheckUnchanged();
  absl::Status Record();

  const PostgresLedger& ledger_;
  const ArchiveOptions& options_;
  const absl::Duration timeout_;
  std::unique_ptr<PostgresConnection> db_;
  absl::Time end_;  // The month that is not archived begins then.
  std::vector<std::string> partitions_;
  std::map<int64_t, TakenChain> chains_;
};

absl::Status Archiving::Begin() {
  std::string why;
  if (options_.before.size() != 7 ||
      !absl::ParseTime("%Y-%m", options_.before, &end_, &why)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options_.before, "' is no month such as 2026-09"));
  }
  GATEWAY_ASSIGN_OR_RETURN(db_, ledger_.Connect(timeout_));
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult now,
                           db_->Run(kThisMonth, {}, timeout_));
  if (options_.before > now.Bytes(0, 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.before,
                     " has not begun, by the database's clock: gateways "
                     "still write the month before"));
  }
  // Until the session ends.
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult locked,
                           db_->Run(kTryToArchive, {}, timeout_));
  if (locked.Int64(0, 0) == 0) {
    return absl::FailedPreconditionError(
        "another archives at this moment; wait for it to end");
  }
  GATEWAY_ASSIGN_OR_RETURN(
      const PostgresResult found,
      db_->Run(kPartitionsBefore, PostgresParameters().Text(PartitionOf(end_)),
               timeout_));
  for (int row = 0; row < found.rows(); ++row) {
    partitions_.emplace_back(found.Bytes(row, 0));
  }
  std::error_code failed;
  std::filesystem::create_directories(options_.folder, failed);
  if (failed) {
    return absl::FailedPreconditionError(
        absl::StrCat(options_.folder, ": cannot be made: ", failed.message()));
  }
  return absl::OkStatus();
}

absl::Status Archiving::Verify(const std::vector<PostgresChain>& chains) const {
  std::deque<PostgresCommitSource> sources;
  LedgerWalk::Options options = {.joins = &ledger_};
  for (const PostgresChain& chain : chains) {
    options.chains.push_back(
        {.name = absl::StrCat(chain.number),
         .commits = &sources.emplace_back(ledger_, chain.number)});
  }
  LedgerWalk walk(std::move(options));
  GATEWAY_RETURN_IF_ERROR(walk.Begin());
  while (!walk.is_done()) GATEWAY_RETURN_IF_ERROR(walk.Step());
  if (walk.valid()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the ledger is not what was written, and nothing is archived: ",
      walk.DescribeProblem()));
}

absl::Status Archiving::WriteChain(int64_t chain) {
  TakenChain taken;
  GATEWAY_ASSIGN_OR_RETURN(LedgerEnd end, ledger_.Archived(chain));
  GATEWAY_ASSIGN_OR_RETURN(LedgerCheckpoint checkpoint,
                           ledger_.LoadCheckpoint(chain));
  if (checkpoint.end.commits < end.commits) {
    return absl::DataLossError(absl::StrCat(
        "the checkpoint of chain ", chain,
        " is not what was kept, and what it was made of is in archives: "
        "restore the row of `checkpoints` from a backup"));
  }
  ArchivedState state(std::move(checkpoint), options_.new_state());
  GATEWAY_RETURN_IF_ERROR(state.Restore());
  std::unique_ptr<ArchiveWriter> writer;
  std::string month;
  const auto finish = [&]() -> absl::Status {
    if (writer == nullptr) return absl::OkStatus();
    const auto on_file = [&] { Told("file"); };
    GATEWAY_ASSIGN_OR_RETURN(const ArchivedPiece piece,
                             writer->Finish(on_file));
    Told("manifest");
    writer.reset();
    end = {.commits = piece.last_commit,
           .entries = piece.last_entry,
           .hash = piece.last_hash};
    taken.pieces.push_back(piece);
    return absl::OkStatus();
  };
  const auto add = [&](const LedgerCommit& commit) -> absl::Status {
    // By a clock that was put back one may be before the one before it.
    const std::string of_commit = std::max(month, MonthOf(commit.time));
    if (of_commit >= options_.before) return absl::CancelledError("enough");
    if (writer == nullptr || of_commit != month) {
      GATEWAY_RETURN_IF_ERROR(finish());
      month = of_commit;
      GATEWAY_ASSIGN_OR_RETURN(
          writer, ArchiveWriter::Begin(options_.folder,
                                       {.chain = absl::StrCat(chain),
                                        .month = month,
                                        .first_commit = end.commits + 1,
                                        .first_entry = end.entries + 1,
                                        .hash_before = end.hash}));
    }
    GATEWAY_RETURN_IF_ERROR(writer->Add(commit));
    return state.Follow(commit);
  };
  const absl::Status read = ledger_.ReadCommits(chain, end.commits + 1, add);
  if (!read.ok() && !absl::IsCancelled(read)) return read;
  GATEWAY_RETURN_IF_ERROR(finish());
  if (taken.pieces.empty()) return absl::OkStatus();
  taken.checkpoint = WithChecksum(state.At(taken.pieces.back()));
  chains_.emplace(chain, std::move(taken));
  return absl::OkStatus();
}

absl::Status Archiving::ReadAgain() const {
  for (const auto& [chain, taken] : chains_) {
    for (const ArchivedPiece& piece : taken.pieces) {
      GATEWAY_ASSIGN_OR_RETURN(const std::string fault,
                               FaultOfPiece(options_.folder, piece, {}));
      if (!fault.empty()) return absl::DataLossError(fault);
    }
  }
  return absl::OkStatus();
}

absl::Status Archiving::Take() {
  for (int attempts = 1;; ++attempts) {
    GATEWAY_RETURN_IF_ERROR(db_->Execute("BEGIN", timeout_));
    absl::Status taken = TakeInTransaction();
    if (taken.ok() || db_->is_broken()) return taken;
    GATEWAY_RETURN_IF_ERROR(db_->Execute("ROLLBACK", timeout_));
    if (!absl::IsUnavailable(taken) || attempts == kDetachAttempts)
      return taken;
    Mutex mu;
    CondVar never;
    MutexLock lock(mu);
    never.WaitFor(lock, kDetachPause);
  }
}

absl::Status Archiving::TakeInTransaction() {
  // Who writes into other months goes on while these are counted.
  std::string locks = absl::StrCat("SET LOCAL lock_timeout TO ",
                                   absl::ToInt64Milliseconds(kDetachWait));
  for (const std::string& partition : partitions_) {
    absl::StrAppend(&locks, "; LOCK TABLE ", partition, " IN SHARE MODE");
  }
  GATEWAY_RETURN_IF_ERROR(db_->Execute(locks, timeout_));
  GATEWAY_RETURN_IF_ERROR(CheckUnchanged());
  Told("counted");
  GATEWAY_RETURN_IF_ERROR(Record());
  Told("recorded");
  std::string drops = "LOCK TABLE commits IN ACCESS EXCLUSIVE MODE";
  for (const std::string& partition : partitions_) {
    absl::StrAppend(&drops, "; ALTER TABLE commits DETACH PARTITION ",
                    partition, "; DROP TABLE ", partition);
  }
  GATEWAY_RETURN_IF_ERROR(db_->Execute(drops, timeout_));
  Told("dropped");
  return db_->Execute("COMMIT", timeout_);
}

absl::Status Archiving::CheckUnchanged() {
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult found,
                           db_->Run(kCommitsBefore,
                                    PostgresParameters().Text(absl::StrCat(
                                        options_.before, "-01 00:00:00+00")),
                                    timeout_));
  size_t unchanged = 0;
  for (int row = 0; row < found.rows(); ++row) {
    const int64_t chain = found.Int64(row, 0);
    const auto taken = chains_.find(chain);
    if (taken != chains_.end()) {
      const int64_t first = taken->second.pieces.front().first_commit;
      const int64_t last = taken->second.pieces.back().last_commit;
      if (found.Int64(row, 2) == first && found.Int64(row, 3) == last &&
          found.Int64(row, 1) == last - first + 1) {
        ++unchanged;
        continue;
      }
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the chain ", chain, " has commits of these months, up to number ",
        found.Int64(row, 3),
        ", that stand behind later ones or were written at this moment, as by "
        "a clock that was put back; run it again, or archive the next month "
        "together with these when that is over"));
  }
  if (unchanged == chains_.size()) return absl::OkStatus();
  return absl::AbortedError(
      "commits of these months were removed at this moment: verify the ledger");
}

absl::Status Archiving::Record() {
  for (const auto& [chain, taken] : chains_) {
    for (const ArchivedPiece& piece : taken.pieces) {
      PostgresParameters parameters;
      parameters.Int64(chain)
          .Text(piece.month)
          .Int64(piece.first_commit)
          .Int64(piece.last_commit)
          .Int64(piece.first_entry)
          .Int64(piece.last_entry)
          .Text(piece.hash_before)
          .Text(piece.last_hash)
          .Text(piece.merkle_root)
          .Text(piece.file)
          .Int64(piece.file_bytes)
          .Text(piece.file_sha256);
      GATEWAY_RETURN_IF_ERROR(
          db_->Run(kAddArchive, parameters, timeout_).status());
    }
    const LedgerCheckpoint& checkpoint = taken.checkpoint;
    PostgresParameters parameters;
    parameters.Int64(chain)
        .Int64(checkpoint.end.commits)
        .Int64(checkpoint.end.entries)
        .Text(checkpoint.end.hash)
        .Bytes(checkpoint.open_dispatches)
        .Bytes(checkpoint.state);
    GATEWAY_RETURN_IF_ERROR(
        db_->Run(kBringCheckpoint, parameters, timeout_).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ArchivedMonths> ArchiveMonths(const PostgresLedger& ledger,
                                             const ArchiveOptions& options) {
  return Archiving(ledger, options).Run();
}

}  // namespace gateway
