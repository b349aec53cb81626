// AgentInference guesses which agent is calling, for clients that do not say
// so, from phrases in what they send: in the system texts, or, where those say
// nothing, in the first text of the user that does.
//
//   const AgentInference inference(
//       CommonAgentPhrases(), [&](std::string_view agent) {
//         return rules.contains(agent);
//       });
//   inference.Infer({"You do code reviews."}, {"Write me a poem."});
//   // "code-reviewer"
//
// Of several agents whose phrases are there, the first in configured order is
// taken. An agent without a rule is never guessed, nor does it hide another.
//
// Phrases are found within words, and letters of ASCII compared without case
// (service/routing/phrase_set.h). It is a guess: anybody who can put words into
// a prompt decides by it where the prompt goes, so it is for those who
// configure it.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_AGENT_INFERENCE_H_
#define SERVICE_ROUTING_AGENT_INFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "service/routing/phrase_set.h"

namespace gateway {

struct AgentPhrases {
  std::string agent;
  std::vector<std::string> phrases;
};

class AgentInference {
 public:
  // What is read of the system texts, and again of the user's. What is behind
  // it says nothing, nor does a phrase that it cuts. Takes some 30 us at most.
  static constexpr size_t kTextBytesMax = 8 * 1024;

  // Keeps the agents that have a rule, which is asked by their name in lower
  // case.
  AgentInference(absl::Span<const AgentPhrases> agents,
                 absl::FunctionRef<bool(std::string_view agent)> has_rule);

  // Returns the agent, in lower case; none if no text says anything. Lives as
  // long as this object. Allocates nothing.
  std::optional<std::string_view> Infer(
      absl::Span<const std::string_view> system_texts,
      absl::Span<const std::string_view> user_texts) const;

 private:
  // Adds the phrases of the agents that have a rule to agents_ and
  // agent_of_phrase_, and returns them all.
  PhraseSet Collect(absl::Span<const AgentPhrases> agents,
                    absl::FunctionRef<bool(std::string_view agent)> has_rule);

  std::vector<std::string> agents_;
  std::vector<uint32_t> agent_of_phrase_;
  PhraseSet phrases_;
};

// Returns the agents that an `llmGateway` configuration may have rules for,
// with phrases that speak of their work.
absl::Span<const AgentPhrases> CommonAgentPhrases();

}  // namespace gateway

#endif  // SERVICE_ROUTING_AGENT_INFERENCE_H_
