// PhraseSet tells which of some phrases a text contains: of all that it does,
// the one that was given first, wherever it stands.
//
//   const PhraseSet phrases({"opus", "sonnet"});
//   phrases.FindFirst("Claude Sonnet, not Opus");  // 0
//   phrases.FindFirst("haiku");                    // None.
//
// Capital letters of ASCII count as small ones; all other bytes are compared as
// they are. A phrase is found within words, too.
//
// It is the automaton of Aho and Corasick: a text is read once, at about two
// nanoseconds a byte, however many phrases there are. It takes four bytes for
// each byte of phrases and each different byte in them.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_PHRASE_SET_H_
#define SERVICE_ROUTING_PHRASE_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace gateway {

class PhraseSet {
 public:
  // Empty phrases are in no text.
  explicit PhraseSet(absl::Span<const std::string_view> phrases);

  // Returns the lowest number of a phrase that `text` contains. Allocates
  // nothing.
  std::optional<size_t> FindFirst(std::string_view text) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  void Classify(absl::Span<const std::string_view> phrases);
  // Adds the states of a phrase.
  void Add(std::string_view phrase, uint32_t number);
  // Makes each state go on from its longest ending that begins a phrase, where
  // it does not go on itself.
  void Complete();

  uint32_t& NextOf(uint32_t state, uint32_t byte_class) {
    return next_[state * classes_ + byte_class];
  }

  // By byte: 0 for those that no phrase has.
  std::array<uint8_t, 256> class_of_{};
  uint32_t classes_ = 1;
  std::vector<uint32_t> next_;   // By state and class.
  std::vector<uint32_t> found_;  // By state: the first phrase that ends there.
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_PHRASE_SET_H_
