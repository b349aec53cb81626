#include "service/tracing/trace_context.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "base/text/hex.h"

namespace gateway {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kVersionDigits = 2;
constexpr size_t kFlagsDigits = 2;
// Where the parts begin, behind a dash each.
constexpr size_t kTraceAt = kVersionDigits + 1;
constexpr size_t kSpanAt = kTraceAt + kTraceIdDigits + 1;
constexpr size_t kFlagsAt = kSpanAt + kSpanIdDigits + 1;
static_assert(kFlagsAt + kFlagsDigits == kTraceParentBytes);
static_assert(kSpanIdDigits == kHexDigits && kTraceIdDigits == 2 * kHexDigits);

constexpr uint64_t kForbiddenVersion = 0xff;

constexpr size_t kStateMembersMax = 32;
constexpr size_t kStateKeyBytesMax = 256;
constexpr size_t kTenantBytesMax = 241;
constexpr size_t kSystemBytesMax = 14;
constexpr size_t kStateValueBytesMax = 256;

// Takes digits in lower case only, at most 16.
std::optional<uint64_t> ParseHex(std::string_view digits) {
  uint64_t number = 0;
  for (const char c : digits) {
    uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint64_t>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    number = number << 4 | digit;
  }
  return number;
}

std::optional<TraceId> ParseLowerTraceId(std::string_view digits) {
  const auto high = ParseHex(digits.substr(0, kSpanIdDigits));
  const auto low = ParseHex(digits.substr(kSpanIdDigits));
  if (!high.has_value() || !low.has_value()) return std::nullopt;
  const TraceId id = {.high = *high, .low = *low};
  if (!id.is_set()) return std::nullopt;
  return id;
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsKeyRest(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLower(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' ||
           c == '/';
  });
}

bool IsStateKey(std::string_view key) {
  if (key.empty() || key.size() > kStateKeyBytesMax) return false;
  const size_t at = key.find('@');
  if (at == key.npos) return IsLower(key[0]) && IsKeyRest(key);
  const std::string_view tenant = key.substr(0, at);
  const std::string_view system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= kTenantBytesMax &&
         (IsLower(tenant[0]) || IsDigit(tenant[0])) && IsKeyRest(tenant) &&
         !system.empty() && system.size() <= kSystemBytesMax &&
         IsLower(system[0]) && IsKeyRest(system);
}

bool IsStateValue(std::string_view value) {
  return !value.empty() && value.size() <= kStateValueBytesMax &&
         value.back() != ' ' &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return c >= 0x20 && c <= 0x7e && c != ',' && c != '=';
         });
}

std::string_view Trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<TraceParent> ParseTraceParent(std::string_view text) {
  if (text.size() < kTraceParentBytes || text[kTraceAt - 1] != '-' ||
      text[kSpanAt - 1] != '-' || text[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  const auto version = ParseHex(text.substr(0, kVersionDigits));
  if (!version.has_value() || *version == kForbiddenVersion) {
    return std::nullopt;
  }
  if (text.size() > kTraceParentBytes &&
      (*version == 0 || text[kTraceParentBytes] != '-')) {
    return std::nullopt;
  }
  const auto trace = ParseLowerTraceId(text.substr(kTraceAt, kTraceIdDigits));
  const auto span = ParseHex(text.substr(kSpanAt, kSpanIdDigits));
  const auto flags = ParseHex(text.substr(kFlagsAt, kFlagsDigits));
  if (!trace.has_value() || span.value_or(0) == 0 || !flags.has_value()) {
    return std::nullopt;
  }
  return TraceParent{
      .trace = *trace,
      .span = *span,
      .flags = static_cast<uint8_t>(*flags & (kSampledFlag | kRandomFlag))};
}

void WriteTraceParent(const TraceParent& parent, char* out) {
  out[0] = out[1] = '0';
  out[kTraceAt - 1] = '-';
  WriteTraceId(parent.trace, out + kTraceAt);
  out[kSpanAt - 1] = '-';
  WriteSpanId(parent.span, out + kSpanAt);
  out[kFlagsAt - 1] = '-';
  out[kFlagsAt] = kDigits[parent.flags >> 4];
  out[kFlagsAt + 1] = kDigits[parent.flags & 15];
}

bool IsTraceState(std::string_view text) {
  absl::InlinedVector<std::string_view, 8> keys;
  bool more = true;
  while (more) {
    const size_t comma = text.find(',');
    more = comma != text.npos;
    const std::string_view member = Trimmed(text.substr(0, comma));
    if (more) text.remove_prefix(comma + 1);
    if (member.empty()) continue;  // Members may be empty.
    const size_t equals = member.find('=');
    if (equals == member.npos || !IsStateKey(member.substr(0, equals)) ||
        !IsStateValue(member.substr(equals + 1))) {
      return false;
    }
    const std::string_view key = member.substr(0, equals);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return false;
    keys.push_back(key);
    if (keys.size() > kStateMembersMax) return false;
  }
  return !keys.empty();
}

TraceId NewTraceId(Random& random) {
  TraceId id;
  while (!id.is_set()) id = {.high = random.Bits(), .low = random.Bits()};
  return id;
}

SpanId NewSpanId(Random& random) {
  SpanId id = 0;
  while (id == 0) id = random.Bits();
  return id;
}

void WriteTraceId(const TraceId& id, char* out) {
  WriteHex(id.low, WriteHex(id.high, out));
}

void WriteSpanId(SpanId id, char* out) { WriteHex(id, out); }

std::string TraceIdText(const TraceId& id) {
  std::string text(kTraceIdDigits, '\0');
  WriteTraceId(id, text.data());
  return text;
}

std::string SpanIdText(SpanId id) {
  if (id == 0) return "";
  std::string text(kSpanIdDigits, '\0');
  WriteSpanId(id, text.data());
  return text;
}

std::optional<TraceId> ParseTraceId(std::string_view text) {
  if (text.size() != kTraceIdDigits) return std::nullopt;
  std::string lower(text);
  for (char& c : lower) {
    c = absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return ParseLowerTraceId(lower);
}

}  // namespace gateway
