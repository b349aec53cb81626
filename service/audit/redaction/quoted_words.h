// QuotedWords finds in a message the words that stand in another text, too, and
// that no error needs: of what somebody has asked, a provider repeats a
// password or a name, in capitals or with blanks between the letters, and says
// the rest in words that errors use (error_words.h).
//
//   QuotedWords words("no 'hunter2' is allowed", 0, 23);
//   words.Compare("my password is hunter2!", mark);  // mark(4, 11)
//
// A word is a run of letters and digits; what stands in capitals is the same,
// and what JSON and URLs escape is seen through, up to three times one in the
// other. It is found anywhere in the text, be it within another word. Of
// letters that stand alone, one after the other, each four are a word. Not
// looked for are
//
//   words of less than four bytes, and numbers of less than four digits
//   numbers that are part of a longer one in the text
//   words that errors use, also put together, such as maxOutputTokens
//
// Of a script of which a letter takes three bytes or more, and which may have
// no blanks between words, each three letters in a row are looked for, and two
// that stand alone.
//
// Letters of other scripts than Latin-1, Greek and Cyrillic are the same only
// as they are written.
//
// Takes time in proportion to both: some nanoseconds a byte. Thread-compatible.

#ifndef SERVICE_AUDIT_REDACTION_QUOTED_WORDS_H_
#define SERVICE_AUDIT_REDACTION_QUOTED_WORDS_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace gateway {

class QuotedWords {
 public:
  // Called with where a word stands in the message.
  using Mark = absl::FunctionRef<void(size_t begin, size_t end)>;

  // Looks for all words of message[begin, end). Where that is nothing, for
  // those of names in the whole message: between quotes, before a colon, and in
  // paths.
  QuotedWords(std::string_view message, size_t begin, size_t end);

  void Compare(std::string_view text, Mark mark);

 private:
  using Place = std::pair<size_t, size_t>;
  struct Word {
    std::string folded;
    bool is_number = false;
    bool found = false;
    std::vector<Place> places;  // In the message.
  };

  template <typename PlaceOf>
  void AddWords(std::string_view text, const PlaceOf& place_of);
  template <typename PlaceOf>
  void AddSpelled(std::string_view text, const std::vector<Place>& letters,
                  const PlaceOf& place_of);
  void Add(std::string folded, Place place);
  bool IsLookedFor(Place place) const;

  const size_t begin_;
  const size_t end_;
  std::vector<bool> is_name_;  // For each byte of the message.
  std::vector<Word> words_;
  absl::flat_hash_map<std::string, size_t> by_text_;
  // By how they begin: the words that do.
  absl::flat_hash_map<uint32_t, std::vector<size_t>> by_beginning_;
  std::bitset<1 << 16> maybe_;  // By a part of that: there is such a word.
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_QUOTED_WORDS_H_
