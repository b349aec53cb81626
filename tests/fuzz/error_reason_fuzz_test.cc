// Whatever the body of a failed answer is, the failure has a reason, and what
// is told of it is bounded text without the key that stood in it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/error_reason.h"

namespace gateway {
namespace {

constexpr std::string_view kKey = "sk-fuzz0123456789abcdef";

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckFault(const absl::Status& fault) {
  Require(!fault.ok());
  Require(FaultReason(fault) != v1::ERROR_REASON_UNSPECIFIED);
  // The status and its colon stand before the vendor's words.
  Require(fault.message().size() <= kErrorMessageBytesMax + 8);
  const std::string_view message(fault.message().data(),
                                 fault.message().size());
  Require(IsUtf8(message));
  for (const char c : message) {
    Require(static_cast<unsigned char>(c) >= 0x20);
  }
}

void Read(int status, std::string_view body) {
  CheckFault(
      ReadHttpFailure({.status = status, .body = body}, absl::UnixEpoch()));
  CheckFault(ReadErrorReport(body));
}

}  // namespace
}  // namespace gateway

// The first byte says the status, the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const int status = 300 + data[0];
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  gateway::Read(status, body);

  // A key beside the vendor's words never comes out. Behind a letter it would
  // be the end of a word, as in `task-force`.
  const bool tellable =
      gateway::IsUtf8(body) && body.find(gateway::kKey) == std::string::npos;
  std::string told;
  gateway::JsonWriter json(&told);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("message", std::string(gateway::kKey) + " " +
                                  (tellable ? body : ""));
  json.StringField("code", gateway::kKey);
  json.EndObject();
  json.EndObject();
  const absl::Status fault = gateway::ReadHttpFailure(
      {.status = status, .body = told}, absl::UnixEpoch());
  gateway::CheckFault(fault);
  gateway::Require(fault.ToString().find(std::string(gateway::kKey)) ==
                   std::string::npos);
  return 0;
}
