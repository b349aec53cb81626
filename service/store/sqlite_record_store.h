// SqliteRecordStore is a RecordStore (service/store/record_store.h) in an
// SQLite file: for one gateway, which may be started anew.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<SqliteRecordStore> store,
//       SqliteRecordStore::Open({.path = "/var/lib/llm-gateway/records.db"},
//                               clock));
//
// A change is acknowledged once it is on the disk (`synchronous=FULL`), and so
// outlasts the process and the machine, if the disk keeps what it says that it
// has. Get, List and ChangesSince do not wait for changes under way.
//
// What has expired is not returned, and is removed behind: each change removes
// a few such records, more than it adds, and of what was deleted only the keys
// of the last changes stay. So the file grows to what is alive at the same
// time, and its space is used again. It does not shrink.
//
// What is to be known of the file - its rights, backups, what may go wrong - is
// in service/store/sqlite_database.h.
//
// Thread-safe. It is destroyed after all who wait for it, or while their loops
// run.

#ifndef SERVICE_STORE_SQLITE_RECORD_STORE_H_
#define SERVICE_STORE_SQLITE_RECORD_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "service/store/record_store.h"
#include "service/store/sqlite_database.h"

namespace gateway {

class SqliteRecordStore : public RecordStore {
 public:
  struct Options {
    std::string path;  // In a folder that is there.
    // As of SqliteDatabase.
    SqliteSync sync = SqliteSync::kFull;
    SqliteWorkQueue::Options queue;
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(5);
  };

  // Blocks. Borrows `clock`, by whose wall time records expire. Errors are
  // those of SqliteDatabase::Open.
  static absl::StatusOr<std::unique_ptr<SqliteRecordStore>> Open(
      const Options& options, Clock& clock);

  // What its file holds.
  static SqliteSchema Schema();

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override;
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override;
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override;
  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override;

 private:
  SqliteRecordStore(std::unique_ptr<SqliteDatabase> database, Clock& clock);

  const std::unique_ptr<SqliteDatabase> database_;
  Clock& clock_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_SQLITE_RECORD_STORE_H_
