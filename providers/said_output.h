// SaidOutput counts how much a model has said, in characters: one rule for an
// answer that came whole and for one that came in pieces. What is forwarded
// unread is counted to the same sum by providers/dialects/event_text.h.
//
//   SaidOutput said;
//   for (const v1::GenerateEvent& event : batch.events) said.Add(event);
//   const int64_t tokens = said.Tokens();
//
// What counts: texts, reasoning, refusals, names and arguments of calls, and
// of a part that only its vendor knows what it says, such as code that it has
// run. A picture and a file count kCharactersOfMedium, and so does all the
// sound of an answer together. Signatures and ids count nothing.
//
// Thread-compatible.

#ifndef PROVIDERS_SAID_OUTPUT_H_
#define PROVIDERS_SAID_OUTPUT_H_

#include <cstdint>
#include <string_view>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/event_text.h"

namespace gateway {

inline constexpr int64_t kCharactersPerToken = 4;

// Returns how many tokens so many characters are taken to be.
constexpr int64_t TokensOfCharacters(int64_t characters) {
  return (characters + kCharactersPerToken - 1) / kCharactersPerToken;
}

// What a provider has counted of a stream's output while that went on, and how
// much had been said by then: of what came since nobody has told.
//
//   counted.Take(told_tokens, said.characters());  // After each event.
//
// Thread-compatible.
class RunningCount {
 public:
  // What is told before anything was said is a placeholder. A count that is
  // the same again may be none: the event had no other that can be read.
  void Take(int64_t told_tokens, int64_t said_characters) {
    if (told_tokens == told_tokens_) return;
    told_tokens_ = told_tokens;
    if (said_characters == 0) return;
    tokens_ = told_tokens;
    said_characters_ = said_characters;
  }

  // Returns what was told last, and what `said_characters` have more than what
  // was said by then.
  int64_t TokensOf(int64_t said_characters) const {
    return tokens_ + TokensOfCharacters(said_characters - said_characters_);
  }

 private:
  int64_t told_tokens_ = 0;
  int64_t tokens_ = 0;
  int64_t said_characters_ = 0;
};

class SaidOutput {
 public:
  void Add(const llmgateway::v1::GenerateEvent& event);
  void Add(const llmgateway::v1::GenerateResponse& response);

  int64_t characters() const {
    return characters_ + (has_sound_ ? kCharactersOfMedium : 0);
  }
  // What the provider has counted as it went counts as it was told.
  int64_t Tokens() const { return counted_.TokensOf(characters()); }

 private:
  void AddDelta(const llmgateway::v1::Delta& delta);
  void AddPart(const llmgateway::v1::Part& part);
  void AddText(std::string_view text);
  void AddCall(std::string_view name, std::string_view arguments);
  void AddOpaque(std::string_view json);

  int64_t characters_ = 0;
  bool has_sound_ = false;
  RunningCount counted_;
};

}  // namespace gateway

#endif  // PROVIDERS_SAID_OUTPUT_H_
