#include "service/routing/agent_inference.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

// Takes what may still be read of `text` from the budget.
std::string_view TakeFrom(std::string_view text, size_t& bytes_left) {
  const std::string_view taken = text.substr(0, bytes_left);
  bytes_left -= taken.size();
  return taken;
}

}  // namespace

AgentInference::AgentInference(
    absl::Span<const AgentPhrases> agents,
    absl::FunctionRef<bool(std::string_view agent)> has_rule)
    : phrases_(Collect(agents, has_rule)) {}

PhraseSet AgentInference::Collect(
    absl::Span<const AgentPhrases> agents,
    absl::FunctionRef<bool(std::string_view agent)> has_rule) {
  std::vector<std::string_view> phrases;
  for (const AgentPhrases& agent : agents) {
    std::string name = absl::AsciiStrToLower(agent.agent);
    if (!has_rule(name)) continue;
    for (const std::string& phrase : agent.phrases) {
      phrases.push_back(phrase);
      agent_of_phrase_.push_back(static_cast<uint32_t>(agents_.size()));
    }
    agents_.push_back(std::move(name));
  }
  return PhraseSet(phrases);
}

std::optional<std::string_view> AgentInference::Infer(
    absl::Span<const std::string_view> system_texts,
    absl::Span<const std::string_view> user_texts) const {
  if (agents_.empty()) return std::nullopt;
  // The system texts are one: its first agent may be in the last of them.
  std::optional<size_t> first;
  size_t bytes_left = kTextBytesMax;
  for (const std::string_view text : system_texts) {
    const std::optional<size_t> found =
        phrases_.FindFirst(TakeFrom(text, bytes_left));
    if (found.has_value()) first = std::min(first.value_or(*found), *found);
  }
  bytes_left = kTextBytesMax;
  for (const std::string_view text : user_texts) {
    if (first.has_value()) break;
    first = phrases_.FindFirst(TakeFrom(text, bytes_left));
  }
  if (!first.has_value()) return std::nullopt;
  return agents_[agent_of_phrase_[*first]];
}

absl::Span<const AgentPhrases> CommonAgentPhrases() {
  // Never destroyed.
  static const auto& agents = *new std::vector<AgentPhrases>{
      {"chief-architect", {"chief architect", "software architecture"}},
      {"code-reviewer", {"code review", "review code", "review this code"}},
      {"test-engineer", {"test engineer", "testing", "unit test"}},
      {"security-auditor", {"security audit", "security review"}},
      {"python-specialist", {"python"}},
      // Not "rust" alone, which is in "trust".
      {"rust-specialist",
       {"rust specialist", "rust code", "in rust", "rust crate", "rustc"}},
      {"go-specialist", {"go specialist", "golang"}},
      {"technical-researcher", {"technical research", "research", "analyze"}},
  };
  return agents;
}

}  // namespace gateway
