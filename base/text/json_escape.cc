#include "base/text/json_escape.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/text/byte_words.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// For each byte, what stands behind the backslash: 0 if it stays as it is, 'u'
// if it needs the long form, 'x' if it belongs to a longer character.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes = {};
  for (int byte = 0; byte < 0x20; ++byte) escapes[byte] = 'u';
  for (int byte = 0x80; byte < 0x100; ++byte) escapes[byte] = 'x';
  escapes[0x7f] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}();

// Whether a terminal may obey a character, or show by it something else than
// what is there: the controls above ASCII, marks of direction, line ends, what
// has no width and joins nothing, tags.
bool MovesWhatIsShown(uint32_t code) {
  const auto is_in = [code](uint32_t first, uint32_t last) {
    return code >= first && code <= last;
  };
  return is_in(0x80, 0x9f) || code == 0xad || code == 0x61c || code == 0x200b ||
         is_in(0x200e, 0x200f) || is_in(0x2028, 0x202e) ||
         is_in(0x2060, 0x206f) || code == 0xfeff || is_in(0xfff9, 0xfffb) ||
         is_in(0xe0000, 0xe007f);
}

void AppendUnit(uint32_t unit, std::string* out) {
  out->append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) {
    out->push_back("0123456789abcdef"[unit >> shift & 15]);
  }
}

// As JSON escapes it: by two units what is beyond the first 65536.
void AppendUnits(uint32_t code, std::string* out) {
  if (code < 0x10000) return AppendUnit(code, out);
  AppendUnit(0xd800 + ((code - 0x10000) >> 10), out);
  AppendUnit(0xdc00 + ((code - 0x10000) & 0x3ff), out);
}

bool IsPlainByByte(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) {
    return kEscapes[static_cast<unsigned char>(byte)] == 0;
  });
}

// Has the highest bit of each byte set that is not plain, and beyond only where
// there is one: adding or subtracting carries into the highest bit of a byte
// that is out of range.
uint64_t Suspects(uint64_t word) {
  const uint64_t quote = word ^ EachByte('"');
  const uint64_t backslash = word ^ EachByte('\\');
  return word | (word + EachByte(1)) | (word - EachByte(' ')) |
         (quote - EachByte(1)) | (backslash - EachByte(1));
}

}  // namespace

bool IsPlainJsonText(std::string_view text) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (text.size() < kWord) return IsPlainByByte(text);
  // Eight bytes at a time: a text of 32 bytes, such as an id, takes 100
  // instructions so, and 420 byte by byte (callgrind).
  uint64_t suspects = 0;
  for (size_t i = 0; i + kWord <= text.size(); i += kWord) {
    suspects |= Suspects(LoadWord(text.data() + i));
  }
  suspects |= Suspects(LoadWord(text.data() + text.size() - kWord));
  return (suspects & kHighBits) == 0;
}

bool CopyPlainJsonText(std::string_view text, char* out) {
  constexpr size_t kWord = sizeof(uint64_t);
  constexpr size_t kHalf = sizeof(uint32_t);
  const char* const in = text.data();
  const size_t size = text.size();
  // The last piece overlaps the one before it, and is copied twice.
  if (size >= kWord) {
    uint64_t suspects = 0;
    const auto copy = [&](size_t i) {
      const uint64_t word = LoadWord(in + i);
      memcpy(out + i, &word, kWord);
      suspects |= Suspects(word);
    };
    for (size_t i = 0; i + kWord <= size; i += kWord) copy(i);
    copy(size - kWord);
    return (suspects & kHighBits) == 0;
  }
  if (size >= kHalf) {
    uint32_t halves[2];
    memcpy(&halves[0], in, kHalf);
    memcpy(&halves[1], in + size - kHalf, kHalf);
    memcpy(out, &halves[0], kHalf);
    memcpy(out + size - kHalf, &halves[1], kHalf);
    return (Suspects(uint64_t{halves[1]} << 32 | halves[0]) & kHighBits) == 0;
  }
  for (size_t i = 0; i < size; ++i) out[i] = in[i];
  return IsPlainByByte(text);
}

void AppendJsonEscaped(std::string_view text, size_t bytes_limit,
                       std::string* out) {
  // Most are: the names of a line's fields, ids, models.
  if (text.size() <= bytes_limit && IsPlainJsonText(text)) {
    out->append(text);
    return;
  }
  const std::string_view kept = CutText(text, bytes_limit);
  size_t plain = 0;  // Start of the bytes that are not yet written.
  size_t i = 0;
  while (i < kept.size()) {
    const auto byte = static_cast<unsigned char>(kept[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) {
      ++i;
      continue;
    }
    if (escape == 'x') {
      const size_t size = CharacterBytes(kept.substr(i));
      const uint32_t code = size > 0 ? CodePoint(kept.substr(i), size) : 0;
      if (MovesWhatIsShown(code)) {
        out->append(kept, plain, i - plain);
        AppendUnits(code, out);
        plain = i += size;
        continue;
      }
      if (size > 0) {
        i += size;
        continue;
      }
    }
    out->append(kept, plain, i - plain);
    if (escape == 'x') {
      out->append(kReplacement);
    } else if (escape == 'u') {
      AppendUnit(byte, out);
    } else {
      out->push_back('\\');
      out->push_back(escape);
    }
    plain = ++i;
  }
  out->append(kept, plain, kept.size() - plain);
  if (kept.size() < text.size()) out->append("...");
}

}  // namespace gateway
