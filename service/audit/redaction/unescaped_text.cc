#include "service/audit/redaction/unescaped_text.h"

#include <algorithm>
#include <cstdint>

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

}  // namespace

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
