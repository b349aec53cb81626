// Whatever a caller sends as a schema and a model as an answer, compiling and
// checking end, within bounds, and always say the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "providers/schema/json_schema.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckAnswer(std::string_view schema_text, std::string_view answer) {
  const absl::StatusOr<std::shared_ptr<const JsonSchema>> schema =
      JsonSchema::Compile(schema_text);
  if (!schema.ok()) {
    Require(schema.status().code() == absl::StatusCode::kInvalidArgument);
    // Every refusal names its place.
    Require(schema.status().message().substr(0, 1) == "#");
    return;
  }
  const std::vector<std::string> errors = (*schema)->Validate(answer);
  Require(errors.size() <= JsonSchema::kErrorsMax);
  for (const std::string& error : errors) {
    Require(error.size() <= JsonSchema::kErrorBytesMax);
    Require(error.substr(0, 1) == "#");
  }
  Require((*schema)->Validate(answer) == errors);
  (*schema)->Validate(schema_text);
}

}  // namespace
}  // namespace gateway

// The schema, and after a newline byte the answer; without one, both are all.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  const std::string schema = text.substr(0, end);
  gateway::CheckAnswer(
      schema, end == std::string::npos ? schema : text.substr(end + 1));
  return 0;
}
