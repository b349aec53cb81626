#include "service/pipeline/response_records.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/pipeline/response_record.pb.h"
#include "service/store/store_retry.h"

namespace gateway {
namespace {

using ::llmgateway::kept::ResponseRecord;

// What a record has beside the texts in it: the tags and lengths of six fields.
constexpr size_t kRecordFieldsBytes = 6 * 6;

// No caller's name has a zero byte, so that two owners never share a key.
std::string RecordKeyOf(std::string_view owner, std::string_view id) {
  constexpr std::string_view kEnd("\0", 1);
  return std::string(absl::StrCat(ToAbsl(owner), ToAbsl(kEnd), ToAbsl(id)));
}

// What becomes of what the record store says of a read or a change: callers are
// not told of files and servers, which stand in the log
// (service/store/watched_record_store.h).
absl::Status ResponseFault(const absl::Status& store,
                           const CancelSignal& cancel) {
  if (cancel.cancelled()) return store;
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_STORE_UNAVAILABLE,
      absl::IsResourceExhausted(store)
          ? "there is no room in the store of answers; try again later"
          : "the store of answers cannot be read or written at this moment; "
            "try again later");
  SetRetryDelay(fault, kStoreRetryDelay);
  return fault;
}

}  // namespace

bool ResponseRecords::Fits(std::string_view owner, std::string_view id,
                           const StoredResponse& kept) {
  const size_t key_bytes = owner.size() + 1 + id.size();
  return key_bytes <= kRecordKeyBytesMax &&
         kRecordFieldsBytes + key_bytes + kept.provider.size() +
                 kept.credential.size() + kept.before.size() +
                 kept.response.size() <=
             kRecordValueBytesMax;
}

Task<absl::Status> ResponseRecords::Put(std::string_view owner,
                                        std::string_view id,
                                        StoredResponse kept,
                                        absl::Time expire_time,
                                        CancelSignal& cancel) {
  ResponseRecord record;
  record.set_owner(std::string(owner));
  record.set_id(std::string(id));
  record.set_provider(std::move(kept.provider));
  record.set_credential(std::move(kept.credential));
  record.set_before(std::move(kept.before));
  record.set_response(std::move(kept.response));
  const std::string key = RecordKeyOf(owner, id);
  const absl::StatusOr<int64_t> put =
      co_await records_.Put(kCollection, key, record.SerializeAsString(),
                            PutOptions{.expected_version = std::nullopt,
                                       .expire_time = expire_time,
                                       .whose = owner},
                            cancel);
  co_return put.ok() ? absl::OkStatus() : ResponseFault(put.status(), cancel);
}

Task<absl::StatusOr<std::shared_ptr<const StoredResponse>>>
ResponseRecords::Find(std::string_view owner, std::string_view id,
                      CancelSignal& cancel) {
  std::shared_ptr<const StoredResponse> none;
  const std::string key = RecordKeyOf(owner, id);
  // No record has such a key.
  if (key.size() > kRecordKeyBytesMax) co_return none;
  const absl::StatusOr<std::optional<Record>> read =
      co_await records_.GetFor(owner, kCollection, key, cancel);
  if (!read.ok()) co_return ResponseFault(read.status(), cancel);
  if (!read->has_value()) co_return none;
  const std::string& value = (*read)->value;
  ResponseRecord record;
  const auto parse = [&] { return record.ParseFromString(value); };
  const bool parsed = co_await OffLoop(value.size(), parse);
  if (!parsed || record.owner() != owner || record.id() != id) {
    Log(LogLevel::kError, "sessions", "the record of an answer is damaged",
        {{"bytes", value.size()}});
    co_return MakeFault(v1::ERROR_REASON_STORE_UNAVAILABLE,
                        "the record of the answer is damaged; send the whole "
                        "conversation");
  }
  auto kept = std::make_shared<StoredResponse>();
  kept->provider = std::move(*record.mutable_provider());
  kept->credential = std::move(*record.mutable_credential());
  kept->before = std::move(*record.mutable_before());
  kept->response = std::move(*record.mutable_response());
  std::shared_ptr<const StoredResponse> found = std::move(kept);
  co_return found;
}

Task<absl::StatusOr<bool>> ResponseRecords::Remove(std::string_view owner,
                                                   std::string_view id,
                                                   CancelSignal& cancel) {
  const std::string key = RecordKeyOf(owner, id);
  if (key.size() > kRecordKeyBytesMax) co_return false;
  const absl::StatusOr<bool> removed =
      co_await records_.Delete(kCollection, key, DeleteOptions{}, cancel);
  if (!removed.ok()) co_return ResponseFault(removed.status(), cancel);
  co_return *removed;
}

}  // namespace gateway
