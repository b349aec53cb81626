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

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/charconv.h"
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

// Appends what stands between a string's quotes.
void AppendPlain(std::string_view text, std::string* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const special = FindJsonSpecial(at, end);
    out->append(at, static_cast<size_t>(special - at));
    at = special;
    if (at != end) AppendEscaped(*at++, out);
  }
}

// Of a number that is in no float's range: whether it is too near to zero.
bool IsTooSmall(std::string_view number) {
  double nearest = 0;
  absl::from_chars(number.data(), number.data() + number.size(), nearest);
  return std::abs(nearest) < 1;
}

// Returns where the first surrogate is; npos if there is none.
size_t FindSurrogate(std::string_view text) {
  constexpr char kLead = '\xed';
  for (size_t at = text.find(kLead); at != std::string_view::npos;
       at = text.find(kLead, at + 1)) {
    const bool is_whole = at + 2 < text.size();
    if (is_whole && static_cast<unsigned char>(text[at + 1]) >= 0xa0) return at;
  }
  return std::string_view::npos;
}

void AppendUnitEscape(unsigned unit, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) {
    out->push_back(kHex[unit >> shift & 15]);
  }
}

// The character that a text begins with, and how many bytes it has; of UTF-8,
// or of a surrogate.
unsigned CharacterOf(std::string_view text, size_t* bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  *bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (*bytes == 1) return lead;
  unsigned point = lead & (0x7f >> *bytes);
  for (size_t i = 1; i < *bytes; ++i) point = point << 6 | (at(i) & 0x3f);
  return point;
}

// How JSON is written: as it is hashed, unless it says otherwise.
struct PythonStyle {
  bool in_order = true;  // Members by their keys.
  bool ascii = false;
  bool compact = false;
  bool takes_twice = true;  // Of a name the last member.
};

// Writes what is read, in one style.
class PythonWriter {
 public:
  explicit PythonWriter(const PythonStyle& style) : style_(style) {}

  absl::Status AppendObject(JsonValue& value,
                            absl::Span<const std::string_view> left_out,
                            std::string* out) const;
  absl::Status AppendArray(JsonValue& value, std::string* out) const;

 private:
  std::string_view comma() const { return style_.compact ? "," : ", "; }
  std::string_view colon() const { return style_.compact ? ":" : ": "; }

  absl::Status AppendValue(JsonValue& value, std::string* out) const;
  static absl::Status AppendNumber(JsonValue& value, std::string* out);
  void AppendString(std::string_view text, std::string* out) const;
  static void AppendAscii(std::string_view text, std::string* out);

  const PythonStyle style_;
};

absl::Status PythonWriter::AppendNumber(JsonValue& value, std::string* out) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view token, value.RawUnchecked());
  if (token == "NaN" || token == "Infinity" || token == "-Infinity") {
    out->append(token);
    return absl::OkStatus();
  }
  const char* const end = token.data() + token.size();
  if (SkipJsonNumber(token.data(), end) != end) {
    return value.Error("malformed JSON: a bad number");
  }
  if (token.find_first_of(".eE") == std::string_view::npos) {
    // An int has no sign of its zero.
    out->append(token == "-0" ? "0" : token);
    return absl::OkStatus();
  }
  double number = 0;
  const std::from_chars_result read =
      std::from_chars(token.data(), end, number);
  // What is too small for a float is told by the same error as what is too
  // large, and is a zero.
  if (read.ec == std::errc::result_out_of_range) {
    if (!IsTooSmall(token)) {
      out->append(token.front() == '-' ? "-Infinity" : "Infinity");
      return absl::OkStatus();
    }
    number = token.front() == '-' ? -0.0 : 0.0;
  }
  AppendPythonFloat(number, out);
  return absl::OkStatus();
}

void PythonWriter::AppendAscii(std::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    size_t bytes = 0;
    const unsigned point = CharacterOf(text, &bytes);
    if (point >= 0x10000) {
      AppendUnitEscape(0xd800 + ((point - 0x10000) >> 10), out);
      AppendUnitEscape(0xdc00 + ((point - 0x10000) & 0x3ff), out);
    } else if (point >= 0x7f) {
      AppendUnitEscape(point, out);
    } else if (point < 0x20 || point == '"' || point == '\\') {
      AppendEscaped(static_cast<char>(point), out);
    } else {
      out->push_back(static_cast<char>(point));
    }
    text.remove_prefix(bytes);
  }
  out->push_back('"');
}

void PythonWriter::AppendString(std::string_view text, std::string* out) const {
  if (style_.ascii) {
    AppendAscii(text, out);
    return;
  }
  size_t surrogate = FindSurrogate(text);
  if (surrogate == std::string_view::npos) {
    AppendPythonString(text, out);
    return;
  }
  out->push_back('"');
  for (; surrogate != std::string_view::npos; surrogate = FindSurrogate(text)) {
    AppendPlain(text.substr(0, surrogate), out);
    size_t bytes = 0;
    AppendUnitEscape(CharacterOf(text.substr(surrogate), &bytes), out);
    text.remove_prefix(surrogate + bytes);
  }
  AppendPlain(text, out);
  out->push_back('"');
}

absl::Status PythonWriter::AppendArray(JsonValue& value,
                                       std::string* out) const {
  out->push_back('[');
  bool first = true;
  GATEWAY_RETURN_IF_ERROR(value.EachElement([&](JsonValue& element) {
    if (!std::exchange(first, false)) out->append(comma());
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

bool HasTwice(const std::vector<Member>& members) {
  absl::flat_hash_set<std::string_view> keys;
  return !std::all_of(
      members.begin(), members.end(),
      [&](const Member& member) { return keys.insert(member.key).second; });
}

absl::Status PythonWriter::AppendObject(
    JsonValue& value, absl::Span<const std::string_view> left_out,
    std::string* out) const {
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
  if (!style_.takes_twice && HasTwice(members)) {
    return value.Error("has a member twice");
  }
  if (style_.in_order) PutInOrder(&members);
  out->push_back('{');
  for (const Member& member : members) {
    if (&member != &members.front()) out->append(comma());
    AppendString(member.key, out);
    out->append(colon());
    out->append(member.value);
  }
  out->push_back('}');
  return absl::OkStatus();
}

absl::Status PythonWriter::AppendValue(JsonValue& value,
                                       std::string* out) const {
  switch (value.Type()) {
    case JsonType::kObject:
      return AppendObject(value, {}, out);
    case JsonType::kArray:
      return AppendArray(value, out);
    case JsonType::kString: {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
      AppendString(text, out);
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

absl::StatusOr<std::string> Write(std::string_view json,
                                  absl::Span<const std::string_view> left_out,
                                  const PythonStyle& style) {
  std::string form;
  form.reserve(json.size() + json.size() / 8);
  const PythonWriter writer(style);
  GATEWAY_RETURN_IF_ERROR(ReadJsonAsPython(json, [&](JsonValue& root) {
    return root.IsObject() ? writer.AppendObject(root, left_out, &form)
                           : writer.AppendArray(root, &form);
  }));
  return form;
}

}  // namespace

void AppendPythonString(std::string_view text, std::string* out) {
  out->push_back('"');
  AppendPlain(text, out);
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
  return Write(json, left_out, PythonStyle());
}

bool IsAsPythonWrites(std::string_view json) {
  PythonStyle style = {.in_order = false, .takes_twice = false};
  style.ascii = std::all_of(json.begin(), json.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x7f;
  });
  // By what stands behind the first key.
  bool has_escapes = false;
  const char* const end = json.data() + json.size();
  const char* const behind =
      json.starts_with("{\"")
          ? SkipJsonString(json.data() + 2, end, &has_escapes)
          : nullptr;
  if (behind == nullptr) return json == "{}";
  style.compact = !std::string_view(behind, static_cast<size_t>(end - behind))
                       .starts_with(": ");
  const absl::StatusOr<std::string> written = Write(json, {}, style);
  return written.ok() && *written == json;
}

std::string SurrogatesEscaped(std::string_view text) {
  std::string escaped;
  size_t at = FindSurrogate(text);
  for (; at != std::string_view::npos; at = FindSurrogate(text)) {
    escaped.append(text.substr(0, at));
    size_t bytes = 0;
    AppendUnitEscape(CharacterOf(text.substr(at), &bytes), &escaped);
    text.remove_prefix(at + bytes);
  }
  escaped.append(text);
  return escaped;
}

}  // namespace gateway
