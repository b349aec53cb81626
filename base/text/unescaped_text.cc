#include "base/text/unescaped_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/string_view.h"
#include "base/text/utf8.h"

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

// The same of what HTML says by a number: `&#43;`, `&#x2B;`.
size_t AppendHtmlEscaped(std::string_view text, std::string* out) {
  constexpr size_t kDigitsMax = 7;
  if (!text.starts_with("&#")) return 0;
  const bool is_hex = text.substr(2, 1) == "x" || text.substr(2, 1) == "X";
  const size_t begin = is_hex ? 3 : 2;
  const size_t end = text.substr(0, begin + kDigitsMax + 1).find(';', begin);
  if (end == std::string_view::npos || end == begin) return 0;
  const absl::string_view digits = ToAbsl(text.substr(begin, end - begin));
  uint32_t code = 0;
  const bool is_number = is_hex ? absl::SimpleHexAtoi(digits, &code)
                                : absl::SimpleAtoi(digits, &code);
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (!is_number || is_surrogate || code > 0x10ffff) return 0;
  AppendCodePoint(code, out);
  return end + 1;
}

// A range of characters, both ends included.
struct CodeRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

// What nobody sees, or sees as a mark at the letter before it: controls, soft
// hyphens, spaces and joiners without width, marks of direction, fillers,
// variation selectors, tags, and marks that are combined with a letter. Line
// ends and tabs are seen. In order.
constexpr CodeRange kUnseen[] = {
    {0x00, 0x08},      {0x0b, 0x0c},     {0x0e, 0x1f},       {0x7f, 0x9f},
    {0xad, 0xad},      {0x300, 0x36f},   {0x61c, 0x61c},     {0x115f, 0x1160},
    {0x17b4, 0x17b5},  {0x180b, 0x180f}, {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},
    {0x200b, 0x200f},  {0x202a, 0x202e}, {0x2060, 0x206f},   {0x20d0, 0x20ff},
    {0x3164, 0x3164},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},  {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}};

bool IsUnseen(uint32_t code) {
  return std::any_of(std::begin(kUnseen), std::end(kUnseen),
                     [code](const CodeRange& range) {
                       return code >= range.first && code <= range.last;
                     });
}

// The letter, digit or sign of ASCII that a character is another form of, as
// wide, mathematical and circled ones are, and dashes of any length; 0 if it is
// none.
char AsciiFormOf(uint32_t code) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const auto is_in = [code](uint32_t first, uint32_t last) {
    return code >= first && code <= last;
  };
  if (is_in(0xff01, 0xff5e)) return static_cast<char>(code - 0xff01 + '!');
  if (is_in(0x1d400, 0x1d6a3)) {
    return kLetters[(code - 0x1d400) % kLetters.size()];
  }
  if (is_in(0x1d7ce, 0x1d7ff)) {
    return static_cast<char>('0' + (code - 0x1d7ce) % 10);
  }
  if (is_in(0x24b6, 0x24e9)) return kLetters[code - 0x24b6];
  if (is_in(0x2010, 0x2015) || code == 0x2212 || code == 0xfe63) return '-';
  return 0;
}

// Returns how many bytes the character at the front has, once what it says is
// appended, if nobody sees it or it says a letter of ASCII; 0 if it is neither.
size_t AppendSeen(std::string_view text, std::string* out) {
  const size_t bytes = CharacterBytes(text);
  if (bytes == 0) return 0;
  const uint32_t code = CodePoint(text, bytes);
  if (IsUnseen(code)) return bytes;
  const char form = AsciiFormOf(code);
  if (form == 0) return 0;
  out->push_back(form);
  return bytes;
}

// What escapes begin with, and characters that are not what is seen: of longer
// ones the first byte of their UTF-8.
constexpr std::array<bool, 256> kBeginsEscape = [] {
  std::array<bool, 256> begins = {};
  begins['\\'] = begins['%'] = begins['&'] = true;
  for (int control = 0; control < ' '; ++control) begins[control] = true;
  begins['\t'] = begins['\n'] = begins['\r'] = false;
  begins[0x7f] = true;
  for (const int lead :
       {0xc2, 0xcc, 0xcd, 0xd8, 0xe1, 0xe2, 0xe3, 0xef, 0xf0, 0xf3}) {
    begins[lead] = true;
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
size_t AppendAnyEscaped(std::string_view text, UnescapedText::Of of,
                        std::string* out) {
  switch (text[0]) {
    case '\\':
      return AppendEscaped(text, out);
    case '%':
      return AppendPercentEscaped(text, out);
    case '&':
      return AppendHtmlEscaped(text, out);
    default:
      return of == UnescapedText::Of::kAll ? AppendSeen(text, out) : 0;
  }
}

}  // namespace

UnescapedText::UnescapedText(std::string_view outer, Of of) {
  std::string_view rest = outer;
  while (!rest.empty()) {
    const size_t plain = FindEscape(rest);
    text_.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (rest.empty()) return;
    const size_t begin = text_.size();
    const size_t escape = AppendAnyEscaped(rest, of, &text_);
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

bool UnescapedText::HasEscapes(std::string_view outer) {
  std::string said;
  for (const char mark : {'\\', '%', '&'}) {
    size_t at = outer.find(mark);
    while (at != std::string_view::npos) {
      if (AppendAnyEscaped(outer.substr(at), Of::kEscapes, &said) != 0) {
        return true;
      }
      at = outer.find(mark, at + 1);
    }
  }
  return false;
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
