#include "service/ledger/python_json.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/json_escape.h"
#include "base/text/json_token.h"

namespace gateway {
namespace {

// From here on, and below its counterpart, repr() writes an exponent.
constexpr double kExponentFrom = 1e16;
constexpr double kExponentBelow = 1e-4;

std::string_view EscapeOf(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return {};
  }
}

void AppendEscaped(char c, std::string* out) {
  const std::string_view escape = EscapeOf(c);
  if (!escape.empty()) {
    out->append(escape);
    return;
  }
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out->append("\\u00");
  out->push_back(kHex[byte >> 4]);
  out->push_back(kHex[byte & 15]);
}

absl::Status AppendNumber(JsonValue& value, std::string* out) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view token, value.Raw());
  if (token.find_first_of(".eE") == std::string_view::npos) {
    // An int has no sign of its zero.
    out->append(token == "-0" ? "0" : token);
    return absl::OkStatus();
  }
  double number = 0;
  const std::from_chars_result read =
      std::from_chars(token.data(), token.data() + token.size(), number);
  // What is too small for a float is told by the same error as what is too
  // large, and is a zero.
  if (read.ec == std::errc::result_out_of_range) {
    const size_t exponent = token.find_first_of("eE");
    const bool is_small = exponent != std::string_view::npos &&
                          token.substr(exponent + 1).starts_with('-');
    if (!is_small) return value.Error("is larger than any float");
    number = token.front() == '-' ? -0.0 : 0.0;
  }
  AppendPythonFloat(number, out);
  return absl::OkStatus();
}

absl::Status AppendValue(JsonValue& value, std::string* out);

absl::Status AppendArray(JsonValue& value, std::string* out) {
  out->push_back('[');
  bool first = true;
  GATEWAY_RETURN_IF_ERROR(value.EachElement([&](JsonValue& element) {
    if (!std::exchange(first, false)) out->append(", ");
    return AppendValue(element, out);
  }));
  out->push_back(']');
  return absl::OkStatus();
}

struct Member {
  std::string key;
  std::string value;
};

// Puts members in the order of their keys, which by bytes is that by code
// points; of those with one key only the last stays.
void PutInOrder(std::vector<Member>* members) {
  std::stable_sort(
      members->begin(), members->end(),
      [](const Member& a, const Member& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < members->size(); ++i) {
    const bool again =
        kept > 0 && (*members)[kept - 1].key == (*members)[i].key;
    if (again) --kept;
    if (kept != i) (*members)[kept] = std::move((*members)[i]);
    ++kept;
  }
  members->resize(kept);
}

absl::Status AppendObject(JsonValue& value,
                          absl::Span<const std::string_view> left_out,
                          std::string* out) {
  std::vector<Member> members;
  GATEWAY_RETURN_IF_ERROR(
      value.EachField([&](std::string_view key, JsonValue& field) {
        Member member{.key = std::string(key), .value = {}};
        absl::Status appended = AppendValue(field, &member.value);
        if (std::find(left_out.begin(), left_out.end(), member.key) ==
            left_out.end()) {
          members.push_back(std::move(member));
        }
        return appended;
      }));
  PutInOrder(&members);
  out->push_back('{');
  for (const Member& member : members) {
    if (&member != &members.front()) out->append(", ");
    AppendPythonString(member.key, out);
    out->append(": ");
    out->append(member.value);
  }
  out->push_back('}');
  return absl::OkStatus();
}

absl::Status AppendValue(JsonValue& value, std::string* out) {
  switch (value.Type()) {
    case JsonType::kObject:
      return AppendObject(value, {}, out);
    case JsonType::kArray:
      return AppendArray(value, out);
    case JsonType::kString: {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
      AppendPythonString(text, out);
      return absl::OkStatus();
    }
    case JsonType::kNumber:
      return AppendNumber(value, out);
    case JsonType::kBool: {
      GATEWAY_ASSIGN_OR_RETURN(const bool truth, value.Bool());
      out->append(truth ? "true" : "false");
      return absl::OkStatus();
    }
    case JsonType::kNull:
      break;
  }
  GATEWAY_RETURN_IF_ERROR(value.Null());
  out->append("null");
  return absl::OkStatus();
}

}  // namespace

void AppendPythonString(std::string_view text, std::string* out) {
  out->push_back('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const special = FindJsonSpecial(at, end);
    out->append(at, static_cast<size_t>(special - at));
    at = special;
    if (at != end) AppendEscaped(*at++, out);
  }
  out->push_back('"');
}

char* WritePythonFloat(double number, char* out) {
  assert(std::isfinite(number));
  const double size = std::abs(number);
  const bool has_exponent =
      size != 0 && (size >= kExponentFrom || size < kExponentBelow);
  constexpr std::string_view kPoint = ".0";
  const std::to_chars_result written = std::to_chars(
      out, out + kPythonFloatBytesMax - kPoint.size(), number,
      has_exponent ? std::chars_format::scientific : std::chars_format::fixed);
  assert(written.ec == std::errc());
  const std::string_view text(out, static_cast<size_t>(written.ptr - out));
  if (has_exponent || text.find('.') != std::string_view::npos) {
    return written.ptr;
  }
  return written.ptr + kPoint.copy(written.ptr, kPoint.size());
}

void AppendPythonFloat(double number, std::string* out) {
  std::array<char, kPythonFloatBytesMax> digits;
  char* const end = WritePythonFloat(number, digits.data());
  out->append(digits.data(), static_cast<size_t>(end - digits.data()));
}

absl::StatusOr<std::string> PythonJsonOf(
    std::string_view json, absl::Span<const std::string_view> left_out) {
  std::string form;
  form.reserve(json.size() + json.size() / 8);
  GATEWAY_RETURN_IF_ERROR(ReadJson(json, [&](JsonValue& root) {
    return root.IsObject() ? AppendObject(root, left_out, &form)
                           : AppendArray(root, &form);
  }));
  return form;
}

}  // namespace gateway
