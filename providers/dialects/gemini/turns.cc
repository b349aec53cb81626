#include "providers/dialects/gemini/turns.h"

#include <cstddef>
#include <utility>

#include "providers/dialects/seals_of_parts.h"

namespace gateway::gemini {
namespace {

bool IsInstruction(const v1::Message& message) {
  return message.role() == v1::ROLE_SYSTEM ||
         message.role() == v1::ROLE_DEVELOPER;
}

// Says nothing, and means nothing: other formats have such a text beside tool
// calls.
bool IsIdle(const v1::Part& part) {
  return part.has_text() && part.text().empty() && part.extensions().empty();
}

Turn TurnOf(const v1::Message& message, PartWriter& writer) {
  Turn turn;
  if (!IsInstruction(message)) {
    turn.role = message.role() == v1::ROLE_ASSISTANT ? "model" : "user";
  }
  turn.sources.push_back(&message);
  std::string_view seal;  // Of the part that comes next.
  for (const v1::Part& part : message.parts()) {
    if (part.has_tool_call()) writer.NameCall(part.tool_call());
    const std::string_view own = SealFromReasoning(part.reasoning());
    if (!own.empty()) seal = own;
    const bool is_idle = seal.empty() && IsIdle(part);
    if (!own.empty() || is_idle || !writer.Carries(part)) continue;
    if (!seal.empty()) turn.seals[&part] = std::exchange(seal, {});
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
  to.seals.insert(from.seals.begin(), from.seals.end());
  Append(to.sources, from.sources);
}

// All calls of a turn must be in one content, and all results in the very next,
// so a run of one role with calls or results in it is one turn. Other runs stay
// as they are: the format allows them.
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
  turns = std::move(merged);
}

}  // namespace

Conversation Arrange(const v1::GenerateRequest& request, PartWriter& writer,
                     Losses& losses) {
  Conversation conversation;
  for (const v1::Message& message : request.messages()) {
    if (!message.name().empty()) losses.LeftOut("messages[].name");
    losses.Foreign("messages[]", message.extensions());
    Turn turn = TurnOf(message, writer);
    if (!IsInstruction(message)) {
      // A turn of which nothing can be said here is no turn.
      if (!turn.parts.empty()) conversation.turns.push_back(std::move(turn));
      continue;
    }
    if (!conversation.turns.empty()) {
      losses.Changed("messages[].role",
                     "an instruction amid the conversation was moved to its "
                     "beginning");
    }
    Merge(turn, conversation.instructions);
  }
  MergeToolTurns(conversation.turns);
  return conversation;
}

}  // namespace gateway::gemini
