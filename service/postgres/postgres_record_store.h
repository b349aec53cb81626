// PostgresRecordStore is a RecordStore (service/store/record_store.h) in a
// PostgreSQL that several gateways share, in tables that it makes itself
// (postgres_records.h).
//
//   PostgresRecordStore store({.connection = {.conninfo = "host=db"}});
//   ...
//   if (store.fails()) ...;
//
// One session on a thread of its own does one operation after the other, and is
// made with the first: nothing waits for a database that is away but whoever
// asks, and he may leave. So it is for what is asked now and then, as what
// operators say, and not for what each call asks.
//
// It does not count who has how many records: as long as it does not, nothing
// with a quota belongs in it.
//
// Records expire by the time of the database. What has expired, or was deleted,
// is not returned, and goes with later changes of its collection, once their
// tales of it have ended.
//
// What it outlasts is what that PostgreSQL does: the process and the machine,
// and a failover if the one that takes over had heard of the change. Whoever
// mirrors a collection is told OUT_OF_RANGE after each session that was lost,
// and lists it anew.
//
// Errors besides those of the port are PostgresConnection's, and
// FAILED_PRECONDITION where a later gateway has made the tables.
//
// Thread-safe, and from any loop.

#ifndef SERVICE_POSTGRES_POSTGRES_RECORD_STORE_H_
#define SERVICE_POSTGRES_POSTGRES_RECORD_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "service/postgres/postgres_database.h"
#include "service/postgres/postgres_records.h"
#include "service/store/record_store.h"

namespace gateway {

class PostgresRecordStore : public RecordStore {
 public:
  // So many operations wait while another runs; what comes then is
  // RESOURCE_EXHAUSTED.
  static constexpr size_t kWaitingMax = 4096;

  explicit PostgresRecordStore(PostgresDatabase database);
  // Waits for the operation under way: not for longer than its statement, or
  // its way to the database, may take.
  ~PostgresRecordStore() override { records_.End(); }

  // Whether the database could not be asked the last time. Any thread.
  bool fails() const { return fails_.load(std::memory_order_relaxed); }

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
  // Returns what `work` puts into the answer that it is called with, on the
  // thread, unless `cancel` fires before.
  template <typename T, typename Work>
  Task<absl::StatusOr<T>> Ask(Work work, CancelSignal& cancel);
  void SetFails(const absl::Status& outcome);

  std::atomic<bool> fails_ = false;
  PostgresRecords records_;  // The thread's.
  BlockingWorker worker_;    // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_POSTGRES_POSTGRES_RECORD_STORE_H_
