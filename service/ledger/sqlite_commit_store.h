// SqliteCommitStore keeps a ledger's commits in a file, an SQLite database of
// their own with a row for each (ADR 28).
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<SqliteCommitStore> store,
//       SqliteCommitStore::Open({.path = "ledger.db"}));
//
// As a file of SqliteDatabase it is its owner's alone, and one process appends.
//
// Thread contract: as CommitStore has it.

#ifndef SERVICE_LEDGER_SQLITE_COMMIT_STORE_H_
#define SERVICE_LEDGER_SQLITE_COMMIT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/ledger/commit_store.h"
#include "service/ledger/end_file.h"
#include "service/store/sqlite_database.h"

namespace gateway {

class SqliteCommitStore final : public CommitStore {
 public:
  struct Options {
    std::string path;  // In a folder that is there.
    // As of SqliteDatabase.
    SqliteSync sync = SqliteSync::kFull;
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(1);
  };

  // Blocks. Errors are those of SqliteDatabase::Open and EndFile::Open;
  // DATA_LOSS if the file ends before where the file `PATH.end` says, unless
  // that is what kNormal risks: the machine has started anew since.
  static absl::StatusOr<std::unique_ptr<SqliteCommitStore>> Open(
      const Options& options);

  // What its file holds.
  static SqliteSchema Schema();

  std::string name() const override { return database_->path(); }
  std::string_view remedy() const override;
  absl::Status Append(const NewCommit& commit) override;
  absl::StatusOr<LastCommit> Last() override;
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() override;
  absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) override;
  absl::Status Read(int64_t first_commit, VisitCommit visit) const override;
  // DATA_LOSS if the file is not in its place.
  absl::StatusOr<ChainEnds> Ends() const override;

 private:
  SqliteCommitStore(std::unique_ptr<EndFile> end_file,
                    std::unique_ptr<SqliteDatabase> database)
      : end_file_(std::move(end_file)), database_(std::move(database)) {}

  const std::unique_ptr<EndFile> end_file_;
  const std::unique_ptr<SqliteDatabase> database_;
};

// Where its EndFile is.
std::string LedgerEndPath(const std::string& path);

// Visits all commits of a ledger's file, which is only read, as there were when
// it was called, until `visit` fails. A gateway may go on writing it. Blocks.
// Errors are those of SqliteConnection::Open and CheckSchema.
absl::Status ReadLedgerFile(const std::string& path, VisitCommit visit);

}  // namespace gateway

#endif  // SERVICE_LEDGER_SQLITE_COMMIT_STORE_H_
