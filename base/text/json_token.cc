#include "base/text/json_token.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway {
namespace {

// Returns the first byte in [at, end), which is shorter than a block, that
// kFind finds; `end` if there is none. Apart from FindIn, since its array has a
// price.
template <JsonBlockHits (*kFind)(const char*)>
[[gnu::noinline]] const char* FindInRest(const char* at, const char* end) {
  // Filled up with blanks, which are never looked for.
  char rest[kJsonBlockBytes];
  std::memset(rest, ' ', kJsonBlockBytes);
  std::memcpy(rest, at, end - at);
  const uint32_t bits = Bits(kFind(rest));
  return bits != 0 ? at + std::countr_zero(bits) : end;
}

// The same for a text of any size.
template <JsonBlockHits (*kFind)(const char*)>
const char* FindIn(const char* at, const char* end) {
  // Passes by four blocks together.
  constexpr size_t kStride = 4 * kJsonBlockBytes;
  for (; static_cast<size_t>(end - at) >= kStride; at += kStride) {
    const JsonBlockHits hits =
        Either(Either(kFind(at), kFind(at + kJsonBlockBytes)),
               Either(kFind(at + 2 * kJsonBlockBytes),
                      kFind(at + 3 * kJsonBlockBytes)));
    if (Bits(hits) != 0) break;
  }
  for (; static_cast<size_t>(end - at) >= kJsonBlockBytes;
       at += kJsonBlockBytes) {
    const uint32_t bits = Bits(kFind(at));
    if (bits != 0) return at + std::countr_zero(bits);
  }
  return at == end ? end : FindInRest<kFind>(at, end);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const char* SkipDigits(const char* at, const char* end) {
  while (at != end && IsDigit(*at)) ++at;
  return at;
}

// Skips an array or object from its opening bracket on.
const char* SkipNested(const char* at, const char* end) {
  size_t depth = 0;
  while (true) {
    at = FindIn<JsonStructureIn>(at, end);
    if (at == end) return nullptr;
    const char c = *at++;
    if (c == '"') {
      bool has_escapes;
      at = SkipJsonString(at, end, &has_escapes);
      if (at == nullptr) return nullptr;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (--depth == 0) {
      return at;
    }
  }
}

// Reads four hexadecimal digits; -1 if they are none.
int32_t HexUnit(std::string_view digits) {
  if (digits.size() < 4) return -1;
  int32_t unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = digits[i];
    const char letter = static_cast<char>(c | 0x20);
    if (IsDigit(c)) {
      unit = unit << 4 | (c - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      unit = unit << 4 | (letter - 'a' + 10);
    } else {
      return -1;
    }
  }
  return unit;
}

char* AppendUtf8(int32_t point, char* out) {
  const auto put = [&out](int32_t byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
  return out;
}

// Takes the escape that `rest` begins with, from behind `\u` on, and the second
// half of a surrogate pair with it. Returns the character; -1 if it is none.
int32_t TakeUnicode(std::string_view* rest) {
  const int32_t unit = HexUnit(*rest);
  if (unit < 0 || (unit & 0xFC00) == 0xDC00) return -1;
  rest->remove_prefix(4);
  if ((unit & 0xFC00) != 0xD800) return unit;
  if (!rest->starts_with("\\u")) return -1;
  const int32_t low = HexUnit(rest->substr(2));
  if (low < 0 || (low & 0xFC00) != 0xDC00) return -1;
  rest->remove_prefix(6);
  return 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
}

// The same, but that half of a pair which is alone is taken for a character.
int32_t TakeUnicodeOrHalf(std::string_view* rest) {
  const int32_t unit = HexUnit(*rest);
  if (unit < 0) return -1;
  const int32_t point = TakeUnicode(rest);
  if (point >= 0) return point;
  // Behind the first half of a pair only that has been taken.
  if ((unit & 0xFC00) == 0xDC00) rest->remove_prefix(4);
  return unit;
}

// What the character behind a backslash stands for; 0 if it is none of these.
char PlainEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

const char* FindJsonSpecial(const char* at, const char* end) {
  return FindIn<JsonSpecialIn>(at, end);
}

const char* SkipLongJsonString(const char* at, const char* end,
                               bool* has_escapes) {
  *has_escapes = false;
  while (true) {
    at = FindIn<JsonSpecialIn>(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at + 1;
    // The escaped character may be a quote, but no control character either.
    if (*at != '\\' || end - at < 2) return nullptr;
    if (static_cast<unsigned char>(at[1]) < 0x20) return nullptr;
    *has_escapes = true;
    at += 2;
  }
}

const char* SkipJsonNumber(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at == end || !IsDigit(*at)) return nullptr;
  at = *at == '0' ? at + 1 : SkipDigits(at, end);
  if (at != end && *at == '.') {
    const char* const digits = at + 1;
    at = SkipDigits(digits, end);
    if (at == digits) return nullptr;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* const digits = at;
    at = SkipDigits(digits, end);
    if (at == digits) return nullptr;
  }
  return at;
}

const char* SkipJsonScalar(const char* at, const char* end) {
  const char* const begin = at;
  while (at != end && !IsJsonDelimiter(*at)) ++at;
  return at != begin ? at : nullptr;
}

const char* SkipJsonValue(const char* at, const char* end) {
  if (at == end) return nullptr;
  if (*at == '"') {
    bool has_escapes;
    return SkipJsonString(at + 1, end, &has_escapes);
  }
  if (*at == '{' || *at == '[') return SkipNested(at, end);
  return SkipJsonScalar(at, end);
}

namespace {

template <int32_t (*kTakeUnicode)(std::string_view*)>
char* Unescape(std::string_view inside, char* out) {
  while (true) {
    const char* const end = inside.data() + inside.size();
    const size_t plain = FindJsonSpecial(inside.data(), end) - inside.data();
    std::memcpy(out, inside.data(), plain);
    out += plain;
    inside.remove_prefix(plain);
    if (inside.empty()) return out;
    if (inside.front() != '\\' || inside.size() < 2) return nullptr;
    const char escaped = inside[1];
    inside.remove_prefix(2);
    if (escaped == 'u') {
      const int32_t point = kTakeUnicode(&inside);
      if (point < 0) return nullptr;
      out = AppendUtf8(point, out);
    } else {
      const char meant = PlainEscape(escaped);
      if (meant == 0) return nullptr;
      *out++ = meant;
    }
  }
}

}  // namespace

char* UnescapeJson(std::string_view inside, char* out) {
  return Unescape<TakeUnicode>(inside, out);
}

char* UnescapeJsonAsPython(std::string_view inside, char* out) {
  return Unescape<TakeUnicodeOrHalf>(inside, out);
}

bool HasLoneSurrogate(std::string_view json) {
  while (true) {
    const size_t escape = json.find('\\');
    if (escape == std::string_view::npos) return false;
    const bool unicode = json.substr(escape + 1).starts_with('u');
    json.remove_prefix(std::min(escape + 2, json.size()));
    if (unicode && TakeUnicode(&json) < 0) return true;
  }
}

}  // namespace gateway
