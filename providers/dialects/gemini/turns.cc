#include "providers/dialects/gemini/turns.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "providers/dialects/part_signatures.h"

namespace gateway::gemini {
namespace {

bool IsInstruction(const v1::Message& message) {
  return message.role() == v1::ROLE_SYSTEM ||
         message.role() == v1::ROLE_DEVELOPER;
}

// Returns whether the part is an empty text or refusal, which other formats
// have beside what is said.
bool IsIdle(const v1::Part& part) {
  const bool is_empty = (part.has_text() && part.text().empty()) ||
                        (part.has_refusal() && part.refusal().empty());
  return is_empty && part.extensions().empty();
}

Turn TurnOf(const v1::Message& message, PartWriter& writer) {
  Turn turn;
  if (!IsInstruction(message)) {
    turn.role = message.role() == v1::ROLE_ASSISTANT ? "model" : "user";
  }
  turn.sources.push_back(&message);
  std::string_view signature;  // For the part that comes next.
  for (const v1::Part& part : message.parts()) {
    const std::string_view own = SignatureFromReasoning(part.reasoning());
    if (!own.empty()) signature = own;
    const bool is_idle = signature.empty() && IsIdle(part);
    if (!own.empty() || is_idle || !writer.Carries(part)) continue;
    if (!signature.empty())
      turn.signatures[&part] = std::exchange(signature, {});
    turn.has_tools |= part.has_tool_call() || part.has_tool_result();
    turn.parts.push_back(&part);
  }
  return turn;
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void Merge(const Turn& from, Turn& to) {
  to.has_tools |= from.has_tools;
  Append(to.parts, from.parts);
  to.signatures.insert(from.signatures.begin(), from.signatures.end());
  Append(to.sources, from.sources);
}

// Puts the results of a turn before what else it holds, in the order of the
// calls that they answer: where no id can be sent, the provider takes them in
// that order. Results of other calls come last of them.
void OrderResults(const Turn& calls, Turn& results) {
  absl::flat_hash_map<std::string_view, size_t> places;  // By the calls' ids.
  for (const v1::Part* const part : calls.parts) {
    if (part->has_tool_call()) {
      places.try_emplace(part->tool_call().id(), places.size());
    }
  }
  const auto place_of = [&](const v1::Part* part) {
    if (!part->has_tool_result()) return places.size() + 1;
    const auto found = places.find(part->tool_result().tool_call_id());
    return found == places.end() ? places.size() : found->second;
  };
  std::stable_sort(results.parts.begin(), results.parts.end(),
                   [&](const v1::Part* a, const v1::Part* b) {
                     return place_of(a) < place_of(b);
                   });
}

// Merges a run of one role that holds calls or results into one turn, since all
// calls of a turn must be in one content, and all results in the very next.
// Other runs stay as they are: the format allows them.
void MergeToolTurns(std::vector<Turn>& turns) {
  std::vector<Turn> merged;
  for (size_t begin = 0; begin < turns.size();) {
    size_t end = begin;
    bool has_tools = false;
    while (end < turns.size() && turns[end].role == turns[begin].role) {
      has_tools |= turns[end].has_tools;
      ++end;
    }
    const size_t first = merged.size();
    for (size_t i = begin; i < end; ++i) {
      if (has_tools && merged.size() > first) {
        Merge(turns[i], merged.back());
      } else {
        merged.push_back(std::move(turns[i]));
      }
    }
    begin = end;
  }
  for (size_t i = 1; i < merged.size(); ++i) {
    if (merged[i].has_tools && merged[i].role == "user") {
      OrderResults(merged[i - 1], merged[i]);
    }
  }
  turns = std::move(merged);
}

// Has the user say the last instruction where nobody says anything: the
// provider refuses a conversation without contents.
// Its parts are those from `begin` on.
void SayLastInstruction(Conversation& conversation, size_t begin,
                        DroppedFields& dropped) {
  Turn& instructions = conversation.instructions;
  if (instructions.parts.empty()) return;
  Turn& turn = conversation.turns.emplace_back();
  turn.role = "user";
  const auto first =
      instructions.parts.begin() + static_cast<ptrdiff_t>(begin);
  turn.parts.assign(first, instructions.parts.end());
  turn.sources.push_back(instructions.sources.back());
  instructions.parts.erase(first, instructions.parts.end());
  dropped.Changed("messages[].role",
                  "the last instruction became the user's, since there is no "
                  "other message");
}

}  // namespace

Conversation Arrange(const v1::GenerateRequest& request, PartWriter& writer,
                     DroppedFields& dropped) {
  Conversation conversation;
  size_t last_instruction = 0;  // Where its parts begin.
  for (const v1::Message& message : request.messages()) {
    if (!message.name().empty()) dropped.LeftOut("messages[].name");
    dropped.Foreign("messages[]", message.extensions());
    Turn turn = TurnOf(message, writer);
    if (!IsInstruction(message)) {
      // A turn of which nothing could be carried is left out.
      if (!turn.parts.empty()) conversation.turns.push_back(std::move(turn));
      continue;
    }
    if (!conversation.turns.empty()) {
      dropped.Changed("messages[].role",
                      "an instruction amid the conversation was moved to its "
                      "beginning");
    }
    if (turn.parts.empty()) continue;
    last_instruction = conversation.instructions.parts.size();
    Merge(turn, conversation.instructions);
  }
  MergeToolTurns(conversation.turns);
  if (conversation.turns.empty()) {
    SayLastInstruction(conversation, last_instruction, dropped);
  }
  return conversation;
}

}  // namespace gateway::gemini
