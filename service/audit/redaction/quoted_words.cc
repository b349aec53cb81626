#include "service/audit/redaction/quoted_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "base/text/unescaped_text.h"
#include "service/audit/redaction/error_words.h"

namespace gateway {
namespace {

constexpr size_t kWordBytesMin = 4;
// Of a script without blanks.
constexpr size_t kLettersInARow = 3;
// So many letters that stand alone are a word with blanks in it, and so are
// each so many of more: the first may be an article.
constexpr size_t kSpacedLettersMin = 4;
constexpr size_t kBetweenLettersMax = 2;
// A proxy that tells of a provider's error puts its JSON in a string of JSON,
// and one before that proxy does so again.
constexpr size_t kEscapeLayersMax = 3;

unsigned char ByteAt(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool IsWithin(unsigned char byte, unsigned char first, unsigned char last) {
  return byte >= first && byte <= last;
}

// The byte there of the text in small letters, which takes as many bytes.
unsigned char FoldedAt(std::string_view text, size_t at) {
  const unsigned char byte = ByteAt(text, at);
  if (byte < 0x80) return absl::ascii_tolower(byte);
  const unsigned char next = ByteAt(text, at + 1);
  if (byte == 0xd0) {
    return IsWithin(next, 0x80, 0x8f) || IsWithin(next, 0xa0, 0xaf) ? 0xd1
                                                                    : byte;
  }
  if (byte == 0xce) return IsWithin(next, 0xa0, 0xa9) ? 0xcf : byte;
  const unsigned char before = at == 0 ? 0 : ByteAt(text, at - 1);
  switch (before) {
    case 0xc3:
      return IsWithin(byte, 0x80, 0x9e) && byte != 0x97 ? byte + 0x20 : byte;
    case 0xce:
      if (IsWithin(byte, 0x91, 0x9f)) return byte + 0x20;
      return IsWithin(byte, 0xa0, 0xa9) ? byte - 0x20 : byte;
    case 0xd0:
      if (IsWithin(byte, 0x80, 0x8f)) return byte + 0x10;
      if (IsWithin(byte, 0x90, 0x9f)) return byte + 0x20;
      return IsWithin(byte, 0xa0, 0xaf) ? byte - 0x20 : byte;
    default:
      return byte;
  }
}

std::string Folded(std::string_view text) {
  std::string folded(text.size(), '\0');
  for (size_t i = 0; i < text.size(); ++i) {
    folded[i] = static_cast<char>(FoldedAt(text, i));
  }
  return folded;
}

bool IsAlnumAt(std::string_view text, size_t at) {
  return absl::ascii_isalnum(ByteAt(text, at));
}

bool IsNumber(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) {
    return absl::ascii_isdigit(static_cast<unsigned char>(byte));
  });
}

enum class Kind {
  kNone,
  kSpaced,  // A letter or digit of a script that has blanks between words.
  kDense,   // Of one that may have none.
};

size_t BytesOfCharacter(unsigned char first) {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

Kind KindAt(std::string_view text, size_t at) {
  const unsigned char first = ByteAt(text, at);
  const unsigned char second = ByteAt(text, at + 1);
  const unsigned char third = ByteAt(text, at + 2);
  switch (BytesOfCharacter(first)) {
    case 1:
      return absl::ascii_isalnum(first) ? Kind::kSpaced : Kind::kNone;
    case 2:
      // U+0080 to U+00BF are signs.
      return first == 0xc2 ? Kind::kNone : Kind::kSpaced;
    case 3:
      // Punctuation and signs, of general use and of East Asia.
      if (first == 0xe2 && second < 0xb0) return Kind::kNone;
      if (first == 0xe3 && second == 0x80) return Kind::kNone;
      if (first == 0xef && second == 0xbc) {
        return IsWithin(third, 0x90, 0x99) || IsWithin(third, 0xa1, 0xba)
                   ? Kind::kDense
                   : Kind::kNone;
      }
      return Kind::kDense;
    default:
      return second == 0x9f ? Kind::kNone : Kind::kDense;  // Emoji are none.
  }
}

size_t EndOfWord(std::string_view text, size_t begin) {
  const Kind kind = KindAt(text, begin);
  size_t end = begin;
  while (end < text.size() && KindAt(text, end) == kind) {
    end += BytesOfCharacter(ByteAt(text, end));
  }
  return std::min(end, text.size());
}

uint32_t Beginning(std::string_view folded) {
  uint32_t beginning = 0;
  for (size_t i = 0; i < kWordBytesMin; ++i) {
    beginning = beginning << 8 | ByteAt(folded, i);
  }
  return beginning;
}

size_t Part(uint32_t beginning) { return beginning * 0x9e3779b1u >> 16; }

bool StandsAt(std::string_view text, size_t at, std::string_view folded) {
  if (text.size() - at < folded.size()) return false;
  for (size_t i = kWordBytesMin; i < folded.size(); ++i) {
    if (FoldedAt(text, at + i) != ByteAt(folded, i)) return false;
  }
  return true;
}

bool IsQuote(char byte) { return byte == '\'' || byte == '"' || byte == '`'; }

// Whether a token of a message, as it stands between blanks, is how a field, a
// file or something that is configured is called.
bool IsNameToken(std::string_view token) {
  if (token.ends_with(':')) return true;
  if (token.find_first_of("[]/#$_") != std::string_view::npos) return true;
  const size_t dot = token.find('.');
  return dot != std::string_view::npos && dot + 1 < token.size();
}

std::vector<bool> NamesIn(std::string_view message) {
  std::vector<bool> is_name(message.size());
  const auto mark = [&](size_t begin, size_t end) {
    std::fill(is_name.begin() + static_cast<ptrdiff_t>(begin),
              is_name.begin() + static_cast<ptrdiff_t>(end), true);
  };
  for (size_t at = 0; at < message.size(); ++at) {
    if (!IsQuote(message[at]) || (at > 0 && IsAlnumAt(message, at - 1))) {
      continue;
    }
    size_t end = message.find(message[at], at + 1);
    while (end != std::string_view::npos && IsAlnumAt(message, end + 1)) {
      end = message.find(message[at], end + 1);
    }
    if (end == std::string_view::npos) continue;
    mark(at, end);
    at = end;
  }
  for (size_t at = 0; at < message.size();) {
    const size_t end = std::min(message.find(' ', at), message.size());
    if (IsNameToken(message.substr(at, end - at))) mark(at, end);
    at = end + 1;
  }
  return is_name;
}

}  // namespace

QuotedWords::QuotedWords(std::string_view message, size_t begin, size_t end)
    : begin_(begin), end_(end), is_name_(NamesIn(message)) {
  AddWords(message, [](size_t from, size_t to) { return Place(from, to); });
  std::vector<UnescapedText> layers;
  layers.reserve(kEscapeLayersMax);  // What they say stays where it is.
  std::string_view text = message;
  while (layers.size() < kEscapeLayersMax) {
    layers.emplace_back(text);
    if (!layers.back().has_escapes()) return;
    text = layers.back().text();
    AddWords(text, [&](size_t from, size_t to) {
      Place place(from, to);
      for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
        place = layer->Outer(place.first, place.second);
      }
      return place;
    });
  }
}

bool QuotedWords::IsLookedFor(Place place) const {
  const auto [begin, end] = place;
  return begin_ == end_ ? is_name_[begin] : begin >= begin_ && end <= end_;
}

template <typename PlaceOf>
void QuotedWords::AddWords(std::string_view text, const PlaceOf& place_of) {
  std::vector<Place> alone;  // Letters, one after the other.
  size_t end = 0;
  const auto end_alone = [&] {
    AddSpelled(text, alone, place_of);
    alone.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const Kind kind = KindAt(text, at);
    if (kind == Kind::kNone) {
      at += BytesOfCharacter(ByteAt(text, at));
      continue;
    }
    if (at - end > kBetweenLettersMax) end_alone();
    const size_t begin = at;
    const size_t first_bytes = BytesOfCharacter(ByteAt(text, at));
    at = EndOfWord(text, begin);
    const std::string_view word = text.substr(begin, at - begin);
    end = at;
    if (word.size() <= first_bytes) {
      alone.emplace_back(begin, at);
      continue;
    }
    end_alone();
    if (kind == Kind::kSpaced) {
      if (!IsErrorName(word)) Add(Folded(word), place_of(begin, at));
      continue;
    }
    // Each row of letters in it, or all of it if that is shorter.
    std::vector<size_t> letters;
    for (size_t i = begin; i < at; i += BytesOfCharacter(ByteAt(text, i))) {
      letters.push_back(i);
    }
    letters.push_back(at);
    const size_t row = std::min(kLettersInARow, letters.size() - 1);
    for (size_t i = 0; i + row < letters.size(); ++i) {
      const size_t to = letters[i + row];
      Add(Folded(text.substr(letters[i], to - letters[i])),
          place_of(letters[i], to));
    }
  }
  end_alone();
}

template <typename PlaceOf>
void QuotedWords::AddSpelled(std::string_view text,
                             const std::vector<Place>& letters,
                             const PlaceOf& place_of) {
  if (letters.size() < kSpacedLettersMin) return;
  const auto add = [&](size_t first, size_t last) {
    std::string spelled;
    for (size_t i = first; i <= last; ++i) {
      const auto [from, to] = letters[i];
      spelled.append(text.substr(from, to - from));
    }
    Add(Folded(spelled), place_of(letters[first].first, letters[last].second));
  };
  add(0, letters.size() - 1);
  if (letters.size() == kSpacedLettersMin) return;
  for (size_t last = kSpacedLettersMin - 1; last < letters.size(); ++last) {
    add(last + 1 - kSpacedLettersMin, last);
  }
}

void QuotedWords::Add(std::string folded, Place place) {
  if (folded.size() < kWordBytesMin || !IsLookedFor(place)) return;
  const auto [found, is_new] = by_text_.try_emplace(folded, words_.size());
  if (is_new) {
    const uint32_t beginning = Beginning(folded);
    by_beginning_[beginning].push_back(words_.size());
    maybe_[Part(beginning)] = true;
    const bool is_number = IsNumber(folded);
    words_.push_back(
        {.folded = std::move(folded), .is_number = is_number, .places = {}});
  }
  words_[found->second].places.push_back(place);
}

void QuotedWords::Compare(std::string_view text, Mark mark) {
  if (words_.empty()) return;
  uint32_t beginning = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    beginning = beginning << 8 | FoldedAt(text, at);
    if (at + 1 < kWordBytesMin || !maybe_[Part(beginning)]) continue;
    const auto begun = by_beginning_.find(beginning);
    if (begun == by_beginning_.end()) continue;
    const size_t begin = at + 1 - kWordBytesMin;
    for (const size_t each : begun->second) {
      Word& word = words_[each];
      if (word.found || !StandsAt(text, begin, word.folded)) continue;
      const bool is_part =
          (begin > 0 && IsAlnumAt(text, begin - 1)) ||
          IsAlnumAt(text, begin + word.folded.size());
      if (word.is_number && is_part) continue;
      word.found = true;
      for (const auto& [from, to] : word.places) mark(from, to);
    }
  }
}

}  // namespace gateway
