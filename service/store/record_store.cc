#include "service/store/record_store.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What tells it from other errors of the code.
constexpr char kQuotaUrl[] = "llmgateway/record_quota";
constexpr char kOfCollection[] = "collection";
constexpr char kOfOwner[] = "owner";

}  // namespace

absl::Status CheckCollection(std::string_view collection) {
  const bool is_name =
      !collection.empty() && collection.size() <= kCollectionBytesMax &&
      std::all_of(collection.begin(), collection.end(), [](unsigned char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
      });
  if (is_name) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the name of a collection is 1 to ", kCollectionBytesMax,
                   " of lower-case letters, digits and '_'"));
}

absl::Status CheckRecordKey(std::string_view collection, std::string_view key) {
  GATEWAY_RETURN_IF_ERROR(CheckCollection(collection));
  if (!key.empty() && key.size() <= kRecordKeyBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(collection), ": a key of ", key.size(),
                   " bytes; it has 1 to ", kRecordKeyBytesMax));
}

absl::Status CheckRecordValue(std::string_view collection,
                              std::string_view value) {
  if (value.size() <= kRecordValueBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(collection), ": a value of ", value.size(),
                   " bytes; it has at most ", kRecordValueBytesMax));
}

absl::StatusOr<int> RecordPageLimit(int limit) {
  if (limit >= 1) return std::min(limit, kRecordPageMax);
  return absl::InvalidArgumentError(
      absl::StrCat("a page of ", limit, " records; it has at least 1"));
}

absl::Time RoundedExpireTime(absl::Time expire_time) {
  if (expire_time == absl::InfiniteFuture()) return expire_time;
  return absl::FromUnixMillis(absl::ToUnixMillis(expire_time));
}

absl::Status CheckRecordVersion(std::string_view collection, int64_t actual,
                                std::optional<int64_t> expected) {
  if (!expected.has_value() || *expected == actual) return absl::OkStatus();
  const std::string found =
      actual == 0 ? "there is no such record"
                  : absl::StrCat("the record is of version ", actual);
  const std::string wanted =
      *expected == 0 ? "there was to be none"
                     : absl::StrCat("version ", *expected, " was expected");
  return absl::AbortedError(absl::StrCat(ToAbsl(collection), ": ", found, ", ",
                                         wanted, "; read it again"));
}

absl::Status RefuseByQuota(std::string_view collection, QuotaRefusal refusal) {
  const bool is_full = refusal == QuotaRefusal::kCollection;
  absl::Status refused = absl::ResourceExhaustedError(absl::StrCat(
      ToAbsl(collection),
      is_full ? ": there are as many records as there may be"
              : ": the records that are left are for owners who have fewer"));
  refused.SetPayload(kQuotaUrl, absl::Cord(is_full ? kOfCollection : kOfOwner));
  return refused;
}

std::optional<QuotaRefusal> QuotaRefusalOf(const absl::Status& status) {
  const auto refusal = status.GetPayload(kQuotaUrl);
  if (!refusal.has_value()) return std::nullopt;
  return *refusal == kOfOwner ? QuotaRefusal::kOwner
                              : QuotaRefusal::kCollection;
}

absl::Status CheckRecordSequence(std::string_view collection, int64_t sequence,
                                 int64_t latest) {
  if (sequence >= 0 && sequence <= latest &&
      sequence >= latest - kRecordChangesKept) {
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(absl::StrCat(
      ToAbsl(collection), ": changes since ", sequence,
      " are not known any more, the last is ", latest, "; list it anew"));
}

}  // namespace gateway
