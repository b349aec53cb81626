// ResponseRecords keeps answers that callers go on from as records of a
// RecordStore (service/store), and so as long as that keeps them.
//
//   ResponseRecords responses(records);
//   if (responses.Fits(answer)) {
//     GATEWAY_CO_RETURN_IF_ERROR(
//         co_await responses.Put(answer, expire_time, cancel));
//   }
//   ...
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       std::shared_ptr<const StoredResponse> kept,
//       co_await responses.Find("alice", "resp_1", cancel));
//
// To all but its owner there is no such answer. Errors are STORE_UNAVAILABLE,
// or what `cancel` fired with. Thread-safe: from any event loop.

#ifndef SERVICE_PIPELINE_RESPONSE_RECORDS_H_
#define SERVICE_PIPELINE_RESPONSE_RECORDS_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "service/pipeline/stored_response.h"
#include "service/store/record_store.h"

namespace gateway {

class ResponseRecords {
 public:
  // In the record store.
  static constexpr std::string_view kCollection = "responses";

  // Borrows it.
  explicit ResponseRecords(RecordStore& records) : records_(records) {}
  ResponseRecords(const ResponseRecords&) = delete;
  ResponseRecords& operator=(const ResponseRecords&) = delete;

  // Whether it is small enough for one record.
  static bool Fits(std::string_view owner, std::string_view id,
                   const StoredResponse& kept);

  // Replaces what had the same id. When that is OK, it is kept. REQUIRES: it
  // fits.
  Task<absl::Status> Put(std::string_view owner, std::string_view id,
                         StoredResponse kept, absl::Time expire_time,
                         CancelSignal& cancel);

  // Null if there is none, or no longer.
  Task<absl::StatusOr<std::shared_ptr<const StoredResponse>>> Find(
      std::string_view owner, std::string_view id, CancelSignal& cancel);

  // False if there was none.
  Task<absl::StatusOr<bool>> Remove(std::string_view owner, std::string_view id,
                                    CancelSignal& cancel);

 private:
  RecordStore& records_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESPONSE_RECORDS_H_
