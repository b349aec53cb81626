// Whatever the bytes, ReadJson and CheckJson end within them, agree with each
// other, and find in a text what simdjson finds in it.

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

namespace dom = ::simdjson::dom;

void Require(bool condition) {
  if (!condition) std::abort();
}

void AppendDouble(double number, std::string* out) {
  if (number == 0) number = 0;  // simdjson takes -0 for an integer.
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out->append(1, 'd').append(bytes, sizeof(bytes));
}

void AppendString(std::string_view text, std::string* out) {
  out->append(1, 's').append(std::to_string(text.size())).append(1, ':');
  out->append(text);
}

// Writes all that is read, in a form that tells any two values apart.
absl::Status Walk(JsonValue& value, std::string* out) {
  switch (value.Type()) {
    case JsonType::kObject:
      out->push_back('{');
      GATEWAY_RETURN_IF_ERROR(
          value.EachField([out](std::string_view key, JsonValue& field) {
            AppendString(key, out);
            return Walk(field, out);
          }));
      out->push_back('}');
      return absl::OkStatus();
    case JsonType::kArray:
      out->push_back('[');
      GATEWAY_RETURN_IF_ERROR(value.EachElement(
          [out](JsonValue& element) { return Walk(element, out); }));
      out->push_back(']');
      return absl::OkStatus();
    case JsonType::kString: {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
      AppendString(text, out);
      return absl::OkStatus();
    }
    case JsonType::kNumber: {
      GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
      AppendDouble(number, out);
      return absl::OkStatus();
    }
    case JsonType::kBool: {
      GATEWAY_ASSIGN_OR_RETURN(const bool truth, value.Bool());
      out->push_back(truth ? 't' : 'f');
      return absl::OkStatus();
    }
    case JsonType::kNull:
      out->push_back('n');
      return value.Null();
  }
  std::abort();
}

void Walk(dom::element element, std::string* out) {
  switch (element.type()) {
    case dom::element_type::OBJECT:
      out->push_back('{');
      for (const auto& [key, field] : dom::object(element)) {
        AppendString(key, out);
        Walk(field, out);
      }
      out->push_back('}');
      return;
    case dom::element_type::ARRAY:
      out->push_back('[');
      for (const dom::element each : dom::array(element)) Walk(each, out);
      out->push_back(']');
      return;
    case dom::element_type::STRING:
      return AppendString(std::string_view(element), out);
    case dom::element_type::BOOL:
      out->push_back(bool(element) ? 't' : 'f');
      return;
    case dom::element_type::NULL_VALUE:
      out->push_back('n');
      return;
    default:
      return AppendDouble(double(element), out);
  }
}

void CompareReadings(std::string_view text) {
  const ExactCopy copy(text);
  std::string ours;
  const absl::Status read =
      ReadJson(copy.view(), [&](JsonValue& root) { return Walk(root, &ours); });
  Require(read.ok() || read.code() == absl::StatusCode::kInvalidArgument);
  const absl::Status checked = CheckJson(copy.view());
  // Only of UTF-8, surrogates and the range of numbers it knows nothing.
  if (read.ok()) Require(checked.ok());

  dom::parser parser(1 << 20);
  dom::element root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  // Integers beyond 64 bits and numbers near the ends of what a double can say
  // are read here, to the nearest double.
  if (error == simdjson::NUMBER_ERROR) {
    return;
  }
  if (error != simdjson::SUCCESS) {
    Require(!read.ok());
    return;
  }
  Require(checked.ok() ||
          checked.message().find("nested too deep") != std::string::npos);
  if (!read.ok()) {
    // Roots that are neither, and what is nested deeper, are refused on
    // purpose.
    Require(!(root.is_object() || root.is_array()) || !checked.ok());
    return;
  }
  std::string theirs;
  Walk(root, &theirs);
  Require(ours == theirs);
}

// What is skipped, and what is taken raw, ends where the same value visited
// does.
void CompareSkips(std::string_view text) {
  const ExactCopy copy(text);
  const auto count = [&](auto take) -> int {
    int fields = 0;
    const absl::Status status = ReadJson(copy.view(), [&](JsonValue& root) {
      if (!root.IsObject()) {
        return root.EachElement([&](JsonValue& element) {
          ++fields;
          return take(element);
        });
      }
      return root.EachField([&](std::string_view, JsonValue& field) {
        ++fields;
        return take(field);
      });
    });
    return status.ok() ? fields : -1;
  };
  std::string walked;
  const int visited = count([&](JsonValue& v) { return Walk(v, &walked); });
  const int raw = count([](JsonValue& v) { return v.Raw().status(); });
  const int skipped = count([](JsonValue&) { return absl::OkStatus(); });
  if (visited >= 0) Require(raw == visited);
  if (raw >= 0) Require(skipped == raw);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gateway::CompareReadings(text);
  gateway::CompareSkips(text);
  return 0;
}
