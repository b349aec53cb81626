// A regular expression of a JSON Schema: ECMA-262's syntax, matched in linear
// time and bounded memory by RE2, so that neither a schema nor an answer can
// make it hang. What linear time cannot do - looking ahead or behind, and
// references back - is refused, as are counts above 1000.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Pattern pattern, Pattern::Compile("^a+$"));
//   if (pattern.Matches(text)) ...
//
// Thread contract: immutable, thread-safe.

#ifndef PROVIDERS_SCHEMA_PATTERN_H_
#define PROVIDERS_SCHEMA_PATTERN_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace gateway {

class Pattern {
 public:
  static constexpr size_t kBytesMax = 4096;
  // The most memory that a compiled pattern may take.
  static constexpr size_t kMemoryBytesMax = 256 * 1024;

  // Compiles a pattern. INVALID_ARGUMENT says what is wrong or not supported.
  static absl::StatusOr<Pattern> Compile(std::string_view ecma);

  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Returns whether some part of `text`, which is UTF-8, matches.
  bool Matches(std::string_view text) const;

  // Returns what it costs to match a text of this size, in steps of some 100 ns
  // (JsonSchema::kStepsMax): a look-up for each byte.
  static size_t Cost(size_t text_bytes);
  // The same at most: where the automaton that RE2 makes of a text does not fit
  // into its memory, each byte is a visit of each state that a match may be in.
  // Few patterns are in many of theirs at once.
  size_t CostMax(size_t text_bytes) const;

 private:
  explicit Pattern(std::unique_ptr<const re2::RE2> program);

  std::unique_ptr<const re2::RE2> program_;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_PATTERN_H_
