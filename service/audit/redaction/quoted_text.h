// QuotedText finds in a message what it repeats of another text: providers like
// to say what was wrong with a request in the words of the request.
//
//   QuotedText quoted("Invalid value: 'all that somebody has asked'");
//   quoted.CompareJson(R"({"input":"all that somebody has asked"})");
//   quoted.Cut({}, "[quoted]");  // "Invalid value: '[quoted]'"
//
// A quote is a run of kRunBytes and more, blanks and line ends not counted,
// since messages have others than what they quote. Of JSON its strings are
// compared, as they are written and as what they say, but for names of members,
// which messages name what is wrong by; and besides, whole, short strings that
// have a blank in them and so are no names.
//
// Who says where in the message somebody else speaks has less of it cut out as
// well: words (quoted_words.h), of all strings and of names of members.
//
//   quoted.LookForWords(0, message.size());
//
// Takes time in proportion to the message and to what it is compared with: some
// nanoseconds a byte. Thread-compatible.

#ifndef SERVICE_AUDIT_REDACTION_QUOTED_TEXT_H_
#define SERVICE_AUDIT_REDACTION_QUOTED_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "service/audit/redaction/quoted_words.h"

namespace gateway {

class QuotedText {
 public:
  static constexpr size_t kRunBytes = 16;

  // Borrows the message.
  explicit QuotedText(std::string_view message);

  // Has words looked for from now on: all of message[begin, end) or, where that
  // is nothing, those of names. REQUIRES: begin <= end <= the message's size.
  void LookForWords(size_t begin, size_t end);

  // Looks for what the message repeats of any text.
  void Compare(std::string_view text);
  // Of strings of JSON. What is no JSON is taken for what stands there: from a
  // quotation mark to the next.
  void CompareJson(std::string_view body);

  // Returns the message with `mark` in place of each quote. One that is part of
  // a name that is `known` stays.
  std::string Cut(absl::Span<const std::string_view> known,
                  std::string_view mark) const;

 private:
  class Runs;

  void CompareRuns(std::string_view text);
  void CompareWords(std::string_view text);
  void CompareName(std::string_view inside);
  void CompareString(std::string_view inside);
  void CompareShort(std::string_view inside);
  void MarkQuoted(size_t begin, size_t end);

  const std::string_view message_;
  // The places in the message of its bytes that are no blanks.
  std::vector<size_t> places_;
  // The runs of the message: hash, and one of those that have it.
  absl::flat_hash_map<uint64_t, size_t> runs_;
  // For each run, the next with the same hash; itself for the last.
  std::vector<size_t> same_;
  std::vector<bool> maybe_;    // By a part of the hash: there is such a run.
  std::vector<bool> quoted_;   // For each byte of the message.
  std::vector<bool> matched_;  // For each run, of those in runs_.
  bool any_ = false;
  std::optional<QuotedWords> words_;
  // Some of the short strings that were compared.
  absl::flat_hash_set<std::string> compared_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_QUOTED_TEXT_H_
