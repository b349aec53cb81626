#include "service/audit/redaction/unescaped_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/string_view.h"

namespace gateway {
namespace {

void AppendCodePoint(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (code >> 6)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (code >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | (code >> 18)));
    out->push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

// Reads \uXXXX at the front.
bool ReadUnit(std::string_view text, uint32_t* unit) {
  constexpr size_t kUnitBytes = 6;
  return text.size() >= kUnitBytes && text[0] == '\\' && text[1] == 'u' &&
         absl::SimpleHexAtoi(ToAbsl(text.substr(2, 4)), unit);
}

// Returns how many bytes the escape at the front has, once it is appended; 0 if
// it says no character.
size_t AppendEscaped(std::string_view text, std::string* out) {
  if (text.size() < 2) return 0;
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (const size_t letter = kLetters.find(text[1]);
      letter != std::string_view::npos) {
    out->push_back(kMeanings[letter]);
    return 2;
  }
  uint32_t unit = 0;
  if (!ReadUnit(text, &unit)) return 0;
  if (unit < 0xd800 || unit > 0xdfff) {
    AppendCodePoint(unit, out);
    return 6;
  }
  uint32_t second = 0;
  if (unit > 0xdbff || !ReadUnit(text.substr(6), &second) || second < 0xdc00 ||
      second > 0xdfff) {
    return 0;
  }
  AppendCodePoint(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00), out);
  return 12;
}

// The same of what stands for a byte in a URL.
size_t AppendPercentEscaped(std::string_view text, std::string* out) {
  constexpr size_t kEscapeBytes = 3;
  uint32_t byte = 0;
  if (text.size() < kEscapeBytes ||
      !absl::ascii_isxdigit(static_cast<unsigned char>(text[1])) ||
      !absl::SimpleHexAtoi(ToAbsl(text.substr(1, 2)), &byte)) {
    return 0;
  }
  out->push_back(static_cast<char>(byte));
  return kEscapeBytes;
}

// Characters that have no width: the soft hyphen, spaces, joiners and marks of
// direction without width, the word joiner, the byte order mark.
constexpr std::string_view kUnseen[] = {
    "\xc2\xad",     "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d",
    "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x81\xa0", "\xef\xbb\xbf"};

// How many bytes the character at the front has that nobody sees; 0 if it is
// none.
size_t UnseenBytes(std::string_view text) {
  for (const std::string_view unseen : kUnseen) {
    if (text.starts_with(unseen)) return unseen.size();
  }
  return 0;
}

// What escapes and unseen characters begin with.
constexpr std::array<bool, 256> kBeginsEscape = [] {
  std::array<bool, 256> begins = {};
  begins['\\'] = begins['%'] = true;
  for (const std::string_view unseen : kUnseen) {
    begins[static_cast<uint8_t>(unseen[0])] = true;
  }
  return begins;
}();

size_t FindEscape(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && !kBeginsEscape[static_cast<uint8_t>(text[at])]) {
    ++at;
  }
  return at;
}

// Returns how many bytes of the front are an escape, once what it says is
// appended; 0 if there is none.
size_t AppendAnyEscaped(std::string_view text, std::string* out) {
  switch (text[0]) {
    case '\\':
      return AppendEscaped(text, out);
    case '%':
      return AppendPercentEscaped(text, out);
    default:
      return UnseenBytes(text);
  }
}

}  // namespace

UnescapedText::UnescapedText(std::string_view outer) {
  std::string_view rest = outer;
  while (!rest.empty()) {
    const size_t plain = FindEscape(rest);
    text_.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (rest.empty()) return;
    const size_t begin = text_.size();
    const size_t escape = AppendAnyEscaped(rest, &text_);
    if (escape == 0) {
      text_.push_back(rest[0]);
      rest.remove_prefix(1);
      continue;
    }
    const size_t outer_begin = outer.size() - rest.size();
    escapes_.push_back({.outer_begin = outer_begin,
                        .outer_end = outer_begin + escape,
                        .begin = begin,
                        .end = text_.size()});
    rest.remove_prefix(escape);
  }
}

bool UnescapedText::MayHaveEscapes(std::string_view outer) {
  return FindEscape(outer) < outer.size();
}

void AppendUnescapedJson(std::string_view inside, std::string* out,
                         std::vector<JsonEscape>* escapes) {
  const std::string_view all = inside;
  const size_t out_begin = out->size();
  while (!inside.empty()) {
    const size_t plain = std::min(inside.find('\\'), inside.size());
    out->append(inside.substr(0, plain));
    inside.remove_prefix(plain);
    if (inside.empty()) return;
    const size_t begin = out->size() - out_begin;
    const size_t escape = AppendEscaped(inside, out);
    if (escape == 0) out->push_back('\\');
    if (escape != 0 && escapes != nullptr) {
      const size_t outer = all.size() - inside.size();
      escapes->push_back({.outer_begin = outer,
                          .outer_end = outer + escape,
                          .begin = begin,
                          .end = out->size() - out_begin});
    }
    inside.remove_prefix(std::max<size_t>(escape, 1));
  }
}

const JsonEscape* UnescapedText::EscapeAt(size_t place) const {
  const auto behind = std::upper_bound(
      escapes_.begin(), escapes_.end(), place,
      [](size_t at, const JsonEscape& escape) { return at < escape.begin; });
  return behind == escapes_.begin() ? nullptr : &*(behind - 1);
}

std::pair<size_t, size_t> UnescapedText::Outer(size_t begin, size_t end) const {
  const JsonEscape* const first = EscapeAt(begin);
  size_t outer_begin = begin;
  if (first != nullptr) {
    outer_begin = begin < first->end ? first->outer_begin
                                     : first->outer_end + (begin - first->end);
  }
  const JsonEscape* const last = EscapeAt(end - 1);
  size_t outer_end = end;
  if (last != nullptr) {
    outer_end = end <= last->end ? last->outer_end
                                 : last->outer_end + (end - last->end);
  }
  return {outer_begin, outer_end};
}

}  // namespace gateway
