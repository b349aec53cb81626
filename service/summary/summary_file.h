// SummaryFile keeps the sums of calls in an SQLite file, so that they outlast
// the process.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<SummaryFile> file,
//                            SummaryFile::Open(path, &history));
//   GATEWAY_RETURN_IF_ERROR(file->Write(history.TakeChanges()));
//
// A write is one transaction, and tells the state of what it names, so that it
// may be repeated. It outlasts the process; the last ones may be lost when the
// machine goes (SqliteSync::kNormal).
//
// A file that is damaged is put aside, with the time in its name, and a new one
// begun.
//
// Blocks. Thread contract: one thread at a time.

#ifndef SERVICE_SUMMARY_SUMMARY_FILE_H_
#define SERVICE_SUMMARY_SUMMARY_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/store/sqlite_database.h"
#include "service/store/sqlite_schema.h"
#include "service/summary/summary_history.h"

namespace gateway {

class SummaryFile {
 public:
  // Opens or makes the file and has `history`, which is empty, restore what it
  // has. Errors are those of SqliteDatabase::Open for a file that is not
  // damaged, or cannot be put aside; then `history` stays empty. `now` names a
  // damaged file.
  static absl::StatusOr<std::unique_ptr<SummaryFile>> Open(
      const std::string& path, absl::Time now, SummaryHistory* history);

  // What the file holds.
  static SqliteSchema Schema();

  // Nothing is written if it fails.
  absl::Status Write(const SummaryChanges& changes);

 private:
  explicit SummaryFile(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  static absl::StatusOr<std::unique_ptr<SummaryFile>> OpenOnce(
      const std::string& path, SummaryHistory* history);

  const std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_SUMMARY_FILE_H_
