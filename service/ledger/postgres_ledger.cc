#include "service/ledger/postgres_ledger.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "service/ledger/checkpoint_checksum.h"
#include "service/ledger/postgres_tables.h"

namespace gateway {
namespace {

constexpr char kLedgerApplication[] = "llm-gateway ledger";
// What one statement reads: one row first, since many want no more, then as
// many as have this size together, by those before.
constexpr int64_t kBatchBytes = 4 << 20;
constexpr int64_t kBatchRowsMax = 256;
constexpr int64_t kJoinsInABatch = 256;

constexpr char kChains[] =
    "SELECT chain, epoch, released, commits, entries, last_hash, "
    "EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' "
    "AND l.granted AND l.objsubid = 2 "
    "AND l.database = (SELECT oid FROM pg_database "
    "                  WHERE datname = current_database()) "
    "AND l.classid = 'chains'::regclass::oid AND l.objid = chain::oid) "
    "FROM chains ORDER BY chain";
// Rows, and how many there are, as one statement sees them.
constexpr char kCommits[] =
    "SELECT c.commits, r.number, r.first_entry, r.entries, r.micros, r.texts, "
    "r.notes, r.last_hash "
    "FROM chains c LEFT JOIN LATERAL ("
    "  SELECT number, first_entry, entries, "
    "  (extract(epoch FROM time) * 1000000)::bigint AS micros, texts, notes, "
    "  last_hash "
    "  FROM commits WHERE chain = c.chain AND number >= $2::bigint "
    "  ORDER BY number LIMIT $3::bigint) r ON true "
    "WHERE c.chain = $1::bigint ORDER BY r.number";
constexpr char kArchives[] =
    "SELECT chain, month, first_commit, last_commit, first_entry, last_entry, "
    "hash_before, last_hash, merkle_root, file, file_bytes, file_sha256 "
    "FROM archives WHERE chain = $1::bigint OR $1::bigint = 0 "
    "ORDER BY chain, last_commit";
constexpr char kEnds[] =
    "SELECT c.commits, c.entries, c.last_hash, coalesce(r.number, 0), "
    "coalesce(r.first_entry + r.entries - 1, 0), coalesce(r.last_hash, '') "
    "FROM chains c LEFT JOIN LATERAL ("
    "  SELECT number, first_entry, entries, last_hash FROM commits "
    "  WHERE chain = c.chain ORDER BY number DESC LIMIT 1) r ON true "
    "WHERE c.chain = $1::bigint";
constexpr char kArchived[] =
    "SELECT last_commit, last_entry, last_hash FROM archives "
    "WHERE chain = $1::bigint ORDER BY last_commit DESC LIMIT 1";
constexpr char kCheckpoint[] =
    "SELECT commits, entries, last_hash, open_dispatches, state "
    "FROM checkpoints WHERE chain = $1::bigint";
// From each chain to the next, by the index of its commits.
constexpr char kStrayChains[] =
    "WITH RECURSIVE found (chain) AS ("
    "  SELECT min(chain) FROM commits "
    "  UNION ALL "
    "  SELECT (SELECT min(chain) FROM commits WHERE chain > found.chain) "
    "  FROM found WHERE found.chain IS NOT NULL) "
    "SELECT chain FROM found WHERE chain IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM chains c WHERE c.chain = found.chain) "
    "ORDER BY chain LIMIT 1";
constexpr char kLastJoin[] = "SELECT coalesce(max(number), 0) FROM joins";
constexpr char kJoins[] =
    "SELECT number, text, hash, "
    "(extract(epoch FROM time) * 1000000)::bigint "
    "FROM joins WHERE number >= $1::bigint "
    "ORDER BY number LIMIT $2::bigint";

absl::Status NoSuchChain(int64_t chain) {
  return absl::DataLossError(
      absl::StrCat("the chain ", chain, " is not there"));
}

absl::Status NoSuchCommit(int64_t chain, int64_t number) {
  return absl::DataLossError(absl::StrCat("commit ", number, " of the chain ",
                                          chain, " is not there"));
}

}  // namespace

PostgresLedger::PostgresLedger(Options options)
    : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresLedger::Connect(
    absl::Duration timeout) const {
  GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> db,
                           ConnectTo(options_, kLedgerApplication, timeout));
  const ServerTrust trust = db->trust();
  ServerTrust worst = trust_.load();
  while (worst < trust && !trust_.compare_exchange_weak(worst, trust)) {
  }
  return db;
}

absl::Status PostgresLedger::Prepare() {
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresConnection> db,
                           Connect(options_.timeout));
  return MakeLedgerTables(*db, options_.schema, options_.timeout);
}

absl::Status PostgresLedger::CheckVersion() const {
  return Read([&](PostgresConnection& db) {
    return CheckLedgerTables(db, options_.schema, options_.timeout);
  });
}

absl::Status PostgresLedger::Read(Work work) const {
  MutexLock lock(mu_);
  const bool was_there = reader_ != nullptr;
  for (const bool again : {false, true}) {
    if (reader_ == nullptr) {
      GATEWAY_ASSIGN_OR_RETURN(reader_, Connect(options_.timeout));
    }
    absl::Status status = work(*reader_);
    if (!reader_->is_broken()) return status;
    reader_.reset();
    // A server that was restarted closes connections that were there before.
    if (again || !was_there) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PostgresChain>> PostgresLedger::Chains() const {
  std::vector<PostgresChain> chains;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const PostgresResult rows,
                             db.Run(kChains, {}, options_.timeout));
    chains.clear();
    for (int row = 0; row < rows.rows(); ++row) {
      chains.push_back({.number = rows.Int64(row, 0),
                        .epoch = rows.Int64(row, 1),
                        .is_released = rows.Int64(row, 2) != 0,
                        .is_held = rows.Int64(row, 6) != 0,
                        .end = {.commits = rows.Int64(row, 3),
                                .entries = rows.Int64(row, 4),
                                .hash = std::string(rows.Bytes(row, 5))}});
    }
    return absl::OkStatus();
  }));
  return chains;
}

absl::StatusOr<std::vector<ArchivedPiece>> PostgresLedger::Archives(
    int64_t chain) const {
  std::vector<ArchivedPiece> pieces;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult rows,
        db.Run(kArchives, PostgresParameters().Int64(chain), options_.timeout));
    pieces.clear();
    for (int row = 0; row < rows.rows(); ++row) {
      pieces.push_back({.chain = absl::StrCat(rows.Int64(row, 0)),
                        .month = std::string(rows.Bytes(row, 1)),
                        .first_commit = rows.Int64(row, 2),
                        .last_commit = rows.Int64(row, 3),
                        .first_entry = rows.Int64(row, 4),
                        .last_entry = rows.Int64(row, 5),
                        .hash_before = std::string(rows.Bytes(row, 6)),
                        .last_hash = std::string(rows.Bytes(row, 7)),
                        .merkle_root = std::string(rows.Bytes(row, 8)),
                        .file = std::string(rows.Bytes(row, 9)),
                        .file_bytes = rows.Int64(row, 10),
                        .file_sha256 = std::string(rows.Bytes(row, 11))});
    }
    return absl::OkStatus();
  }));
  return pieces;
}

absl::StatusOr<ChainEnds> PostgresLedger::Ends(int64_t chain) const {
  ChainEnds ends;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult rows,
        db.Run(kEnds, PostgresParameters().Int64(chain), options_.timeout));
    if (rows.rows() == 0) return NoSuchChain(chain);
    const auto end_at = [&](int column) {
      return LedgerEnd{.commits = rows.Int64(0, column),
                       .entries = rows.Int64(0, column + 1),
                       .hash = std::string(rows.Bytes(0, column + 2))};
    };
    ends = {.said = end_at(0), .stored = end_at(3)};
    return absl::OkStatus();
  }));
  return ends;
}

absl::StatusOr<LedgerEnd> PostgresLedger::Archived(int64_t chain) const {
  LedgerEnd end;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult rows,
        db.Run(kArchived, PostgresParameters().Int64(chain), options_.timeout));
    end = {};
    if (rows.rows() == 0) return absl::OkStatus();
    end = {.commits = rows.Int64(0, 0),
           .entries = rows.Int64(0, 1),
           .hash = std::string(rows.Bytes(0, 2))};
    return absl::OkStatus();
  }));
  return end;
}

absl::Status PostgresLedger::MissingCommit(int64_t chain,
                                           int64_t number) const {
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, Archived(chain));
  if (number > archived.commits) return NoSuchCommit(chain, number);
  return absl::FailedPreconditionError(absl::StrCat(
      "commit ", number, " of the chain ", chain,
      " is in an archive, as are all of its entries up to ", archived.entries));
}

absl::Status PostgresLedger::ReadCommits(int64_t chain, int64_t first_commit,
                                         VisitCommit visit) const {
  int64_t last = first_commit;  // Known by the first batch.
  int64_t limit = 1;
  bool is_first = true;
  for (int64_t next = first_commit; next <= last || is_first;) {
    PostgresResult rows(nullptr);
    // The visitor may take its time, and others read meanwhile.
    GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
      PostgresParameters parameters;
      parameters.Int64(chain).Int64(next).Int64(limit);
      GATEWAY_ASSIGN_OR_RETURN(rows,
                               db.Run(kCommits, parameters, options_.timeout));
      return absl::OkStatus();
    }));
    if (rows.rows() == 0) return NoSuchChain(chain);
    if (is_first) last = rows.Int64(0, 0);
    is_first = false;
    if (next > last) return absl::OkStatus();
    if (rows.IsNull(0, 1)) return MissingCommit(chain, next);
    int64_t bytes = 0;
    for (int row = 0; row < rows.rows() && next <= last; ++row, ++next) {
      if (rows.Int64(row, 1) != next) return MissingCommit(chain, next);
      const std::string_view texts = rows.Bytes(row, 5);
      bytes += static_cast<int64_t>(texts.size());
      GATEWAY_RETURN_IF_ERROR(
          visit({.number = next,
                 .first_entry = rows.Int64(row, 2),
                 .entries = rows.Int64(row, 3),
                 .time = absl::FromUnixMicros(rows.Int64(row, 4)),
                 .texts = texts,
                 .notes = rows.Bytes(row, 6),
                 .last_hash = rows.Bytes(row, 7)}));
    }
    limit = std::clamp(kBatchBytes * rows.rows() / std::max<int64_t>(bytes, 1),
                       int64_t{1}, std::min(4 * limit, kBatchRowsMax));
  }
  return absl::OkStatus();
}

absl::StatusOr<LedgerCheckpoint> PostgresLedger::LoadCheckpoint(
    int64_t chain) const {
  LedgerCheckpoint last;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult rows,
        db.Run(kCheckpoint, PostgresParameters().Int64(chain),
               options_.timeout));
    if (rows.rows() == 0) return absl::OkStatus();
    last.end = {.commits = rows.Int64(0, 0),
                .entries = rows.Int64(0, 1),
                .hash = std::string(rows.Bytes(0, 2))};
    last.open_dispatches = rows.Bytes(0, 3);
    last.state = rows.Bytes(0, 4);
    return absl::OkStatus();
  }));
  return WholeOrNone(absl::StrCat("chain ", chain), std::move(last));
}

absl::StatusOr<std::string> PostgresLedger::StrayChain() const {
  std::string stray;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const PostgresResult rows,
                             db.Run(kStrayChains, {}, options_.timeout));
    stray = rows.rows() == 0 ? "" : absl::StrCat(rows.Int64(0, 0));
    return absl::OkStatus();
  }));
  return stray;
}

absl::StatusOr<int64_t> PostgresLedger::LastJoin() const {
  int64_t last = 0;
  GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const PostgresResult rows,
                             db.Run(kLastJoin, {}, options_.timeout));
    last = rows.Int64(0, 0);
    return absl::OkStatus();
  }));
  return last;
}

absl::Status PostgresLedger::ReadJoins(int64_t first, VisitJoin visit) const {
  for (int64_t next = first;;) {
    std::vector<StoredJoin> joins;
    GATEWAY_RETURN_IF_ERROR(Read([&](PostgresConnection& db) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(
          const PostgresResult rows,
          db.Run(kJoins, PostgresParameters().Int64(next).Int64(kJoinsInABatch),
                 options_.timeout));
      joins.clear();
      for (int row = 0; row < rows.rows(); ++row) {
        joins.push_back({.number = rows.Int64(row, 0),
                         .text = std::string(rows.Bytes(row, 1)),
                         .hash = std::string(rows.Bytes(row, 2)),
                         .time = absl::FromUnixMicros(rows.Int64(row, 3))});
      }
      return absl::OkStatus();
    }));
    for (const StoredJoin& join : joins) {
      GATEWAY_RETURN_IF_ERROR(visit(join));
      next = join.number + 1;
    }
    if (joins.size() < static_cast<size_t>(kJoinsInABatch)) {
      return absl::OkStatus();
    }
  }
}

}  // namespace gateway
