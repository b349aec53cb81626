// The tokens of a JSON text (RFC 8259): where each ends, and what a string
// says. Reading and checking stand on it.
//
// A token is told by where it begins; `end` is where the text ends, and nothing
// from there on is read. Functions that skip return the place behind the token,
// or nullptr if it is malformed or not whole.
//
// Thread-safe: free functions. Nothing here allocates or recurses.

#ifndef BASE_TEXT_JSON_TOKEN_H_
#define BASE_TEXT_JSON_TOKEN_H_

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

// Returns whether `c` is space between tokens.
inline bool IsJsonSpace(char c) {
  // Most are not, and told by one comparison.
  return static_cast<unsigned char>(c) <= ' ' &&
         (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

inline const char* SkipJsonSpace(const char* at, const char* end) {
  while (at != end && IsJsonSpace(*at)) ++at;
  return at;
}

// Returns whether `c` ends a token that has no quotes and no brackets.
inline bool IsJsonDelimiter(char c) {
  static constexpr std::array<bool, 256> kDelimits = [] {
    std::array<bool, 256> delimits = {};
    for (const unsigned char c : std::string_view(" \t\r\n,:\"[]{}")) {
      delimits[c] = true;
    }
    return delimits;
  }();
  return kDelimits[static_cast<unsigned char>(c)];
}

// Strings are looked at in blocks of so many bytes: a text of 1 KB, such as a
// prompt, takes 700 instructions so, and 12,500 byte by byte (callgrind,
// baseline x86-64).
inline constexpr size_t kJsonBlockBytes = 16;

#if defined(__SSE2__)

// Says of each byte of a block whether it is looked for.
using JsonBlockHits = __m128i;

inline JsonBlockHits Either(JsonBlockHits a, JsonBlockHits b) {
  return _mm_or_si128(a, b);
}

// The same as bits, the first byte as the lowest.
inline uint32_t Bits(JsonBlockHits hits) { return _mm_movemask_epi8(hits); }

// Looks for what FindJsonSpecial does.
inline JsonBlockHits JsonSpecialIn(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // Flipping this bit puts the quote, 0x22, right above the control characters,
  // and nothing else to it.
  const __m128i low = _mm_xor_si128(bytes, _mm_set1_epi8(0x02));
  return Either(_mm_cmpeq_epi8(_mm_min_epu8(low, _mm_set1_epi8(0x20)), low),
                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}

// Looks for quotes and brackets.
inline JsonBlockHits JsonStructureIn(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // Setting this bit makes braces of brackets, and of nothing else.
  const __m128i braces = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  return Either(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                Either(_mm_cmpeq_epi8(braces, _mm_set1_epi8('{')),
                       _mm_cmpeq_epi8(braces, _mm_set1_epi8('}'))));
}

#else

using JsonBlockHits = uint32_t;

inline JsonBlockHits Either(JsonBlockHits a, JsonBlockHits b) { return a | b; }

inline uint32_t Bits(JsonBlockHits hits) { return hits; }

inline JsonBlockHits JsonSpecialIn(const char* at) {
  JsonBlockHits hits = 0;
  for (size_t i = 0; i < kJsonBlockBytes; ++i) {
    const char c = at[i];
    const bool special =
        static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
    hits |= JsonBlockHits{special} << i;
  }
  return hits;
}

inline JsonBlockHits JsonStructureIn(const char* at) {
  JsonBlockHits hits = 0;
  for (size_t i = 0; i < kJsonBlockBytes; ++i) {
    const char c = at[i];
    const bool structure =
        c == '"' || c == '[' || c == ']' || c == '{' || c == '}';
    hits |= JsonBlockHits{structure} << i;
  }
  return hits;
}

#endif

// Returns the first byte in [at, end) that cannot stand in a string as it is: a
// quote, a backslash or a control character; `end` if there is none.
const char* FindJsonSpecial(const char* at, const char* end);

// As SkipJsonString, for a string of any length.
const char* SkipLongJsonString(const char* at, const char* end,
                               bool* has_escapes);

// Returns the closing quote of a string from behind its opening one on, if it
// comes within two blocks and nothing needs unescaping before it; nullptr,
// which says nothing, otherwise. Words and keys are told so, also those as long
// as `completion_tokens_details`.
inline const char* FindEndOfShortJsonString(const char* at, const char* end) {
  for (int block = 0; block < 2; ++block, at += kJsonBlockBytes) {
    if (static_cast<size_t>(end - at) < kJsonBlockBytes) return nullptr;
    const uint32_t bits = Bits(JsonSpecialIn(at));
    if (bits == 0) continue;
    at += std::countr_zero(bits);
    return *at == '"' ? at : nullptr;
  }
  return nullptr;
}

// Skips a string from behind its opening quote to behind its closing one, and
// says whether there are escapes, which are not checked. Control characters are
// refused.
inline const char* SkipJsonString(const char* at, const char* end,
                                  bool* has_escapes) {
  if (const char* const quote = FindEndOfShortJsonString(at, end)) {
    *has_escapes = false;
    return quote + 1;
  }
  return SkipLongJsonString(at, end, has_escapes);
}

// Skips a number. What may follow it is not checked.
const char* SkipJsonNumber(const char* at, const char* end);

// Skips what is no string, array or object: all that stands before the next
// space, comma, colon, quote or bracket. Refuses only an empty one.
const char* SkipJsonScalar(const char* at, const char* end);

// Skips one value of any kind. Of what is inside an array or object only
// strings and brackets are known to close.
const char* SkipJsonValue(const char* at, const char* end);

// Writes what a string says, given what stands between its quotes, and returns
// the end of what was written, which is never longer than `inside`; nullptr for
// a bad escape or a lone surrogate.
char* UnescapeJson(std::string_view inside, char* out);

// The same as CPython reads it: half of a surrogate pair that is alone becomes
// three bytes, in the manner of UTF-8 (`\xed\xa0\x80` to `\xed\xbf\xbf`).
char* UnescapeJsonAsPython(std::string_view inside, char* out);

// Returns whether a string of a well-formed text has an escape that is half of
// a surrogate pair: no UTF-8 says that, so that readers refuse it or put
// something else in its place.
bool HasLoneSurrogate(std::string_view json);

// What is said of such a text.
inline constexpr std::string_view kLoneSurrogate =
    "has a lone surrogate in a string";

}  // namespace gateway

#endif  // BASE_TEXT_JSON_TOKEN_H_
