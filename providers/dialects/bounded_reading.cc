#include "providers/dialects/bounded_reading.h"

#include "absl/strings/str_cat.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {
namespace {

// Texts of at most so many bytes are not bounded: they cannot outgrow what is
// free.
constexpr size_t kHarmlessBytesMax = 4096;

constinit thread_local size_t counted_bytes = 0;

}  // namespace

absl::Status ReadBounded(size_t text_bytes,
                         absl::FunctionRef<size_t()> allocated,
                         absl::FunctionRef<absl::Status()> read,
                         absl::FunctionRef<absl::Status(size_t limit)> refuse) {
  if (text_bytes <= kHarmlessBytesMax) return read();
  const size_t limit = kReadMemoryBytesFree + kReadMemoryPerByte * text_bytes;
  const size_t before = allocated() + counted_bytes;
  bool too_much = false;
  const auto check_memory = [&]() -> absl::Status {
    too_much = allocated() + counted_bytes - before > limit;
    return too_much ? absl::ResourceExhaustedError("") : absl::OkStatus();
  };
  const JsonVisitCheck::Check check = check_memory;
  const JsonVisitCheck checked(check);
  absl::Status status = read();
  // `status` is whatever the dialect made of the check's error.
  return too_much ? refuse(limit) : status;
}

void CountReadMemory(size_t bytes) { counted_bytes += bytes; }

absl::Status RequestTakesTooMuch(size_t limit) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_REQUEST_TOO_LARGE,
      absl::StrCat("the request is made of so many small values that reading "
                   "it takes more than ",
                   limit, " bytes of memory"));
  AddFaultMetadata(fault, "limit", absl::StrCat(limit));
  return fault;
}

absl::Status AnswerTakesTooMuch(size_t limit) {
  return MakeFault(
      v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
      absl::StrCat("the answer is made of so many small values that reading "
                   "it takes more than ",
                   limit, " bytes of memory"));
}

}  // namespace gateway
