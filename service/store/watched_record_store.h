// WatchedRecordStore is a RecordStore whose failures stand in the log, since
// who asks tells its callers only that it failed.
//
//   WatchedRecordStore store(std::move(opened), SystemClock());
//
// Thread-safe, as the store in it.

#ifndef SERVICE_STORE_WATCHED_RECORD_STORE_H_
#define SERVICE_STORE_WATCHED_RECORD_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "service/store/record_store.h"
#include "service/store/store_watch.h"

namespace gateway {

class WatchedRecordStore : public RecordStore {
 public:
  // Borrows `clock`.
  WatchedRecordStore(std::unique_ptr<RecordStore> store, Clock& clock);

  // Whether reads or writes have failed lately, and have not worked since.
  bool fails() const { return reads_.fails() || writes_.fails(); }

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override;
  Task<absl::StatusOr<std::optional<Record>>> GetFor(
      std::string_view whose, std::string_view collection, std::string_view key,
      CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override;
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key,
                                    DeleteOptions options,
                                    CancelSignal& cancel) override;
  bool counts_owners() const override { return store_->counts_owners(); }
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override;
  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override;

 private:
  template <typename T>
  static Task<absl::StatusOr<T>> Watch(StoreWatch& watch,
                                       Task<absl::StatusOr<T>> asked,
                                       CancelSignal& cancel);

  const std::unique_ptr<RecordStore> store_;
  StoreWatch reads_;
  StoreWatch writes_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_WATCHED_RECORD_STORE_H_
