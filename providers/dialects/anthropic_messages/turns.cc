#include "providers/dialects/anthropic_messages/turns.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {
namespace {

bool IsInstruction(const v1::Message& message) {
  return message.role() == v1::ROLE_SYSTEM ||
         message.role() == v1::ROLE_DEVELOPER;
}

// Returns whether the provider would refuse the turn, unless it is the last: it
// has nothing to say.
bool IsEmpty(const Turn& turn) {
  return turn.results.empty() && AreEmptyTexts(turn.parts);
}

void LeaveOutEmptyTurns(DroppedFields& dropped, std::vector<Turn>& turns) {
  if (turns.empty()) return;
  const auto last = turns.end() - 1;
  const auto kept = std::remove_if(turns.begin(), last, IsEmpty);
  if (kept == last) return;
  dropped.Changed("messages[].parts", "turns without content were left out");
  turns.erase(kept, last);
}

// Returns whether an instruction was read from between the turns and goes back
// there; the extension holds its role.
bool StaysInPlace(const v1::Message& message) {
  return message.role() == v1::ROLE_SYSTEM &&
         FindExtension(message.extensions(), "role") != nullptr;
}

void AppendSystem(const v1::Message& message, ContentWriter& writer,
                  DroppedFields& dropped, Conversation& conversation) {
  if (!conversation.turns.empty()) {
    dropped.Changed("messages[].role",
                    "an instruction amid the conversation was moved to its "
                    "beginning");
  }
  for (const v1::Part& part : message.parts()) {
    if (part.has_text() || part.has_opaque()) {
      if (writer.Carries(part)) conversation.system.push_back(&part);
    } else {
      dropped.Changed("messages[].parts[]",
                      "left out: instructions hold nothing but text");
    }
  }
}

Turn TurnOf(const v1::Message& message, ContentWriter& writer) {
  Turn turn;
  if (!StaysInPlace(message)) {
    turn.role = message.role() == v1::ROLE_ASSISTANT ? "assistant" : "user";
  }
  turn.sources.push_back(&message);
  for (const v1::Part& part : message.parts()) {
    if (!writer.Carries(part)) continue;
    if (part.has_tool_result()) {
      turn.results.push_back(&part);
    } else {
      turn.parts.push_back(&part);
    }
  }
  return turn;
}

// Makes a turn of the user of the instruction that begins at `begin`, where
// there is no turn: the provider wants one.
void SayAsTheUser(size_t begin, DroppedFields& dropped,
                  Conversation& conversation) {
  std::vector<const v1::Part*>& system = conversation.system;
  if (system.empty()) return;
  dropped.Changed("messages[].role",
                  "the last instruction became a turn of the user, of which "
                  "the provider wants one");
  Turn& turn = conversation.turns.emplace_back();
  turn.role = "user";
  const auto at = system.begin() + static_cast<std::ptrdiff_t>(begin);
  turn.parts.assign(at, system.end());
  system.erase(at, system.end());
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// Merges a run of user turns that holds tool results into one turn, since every
// call must be answered in the very next message. Other runs stay as they are:
// the format allows them.
void MergeResults(std::vector<Turn>& turns) {
  std::vector<Turn> merged;
  for (size_t begin = 0; begin < turns.size();) {
    size_t end = begin;
    bool has_results = false;
    while (end < turns.size() && turns[end].role == "user") {
      has_results |= !turns[end].results.empty();
      ++end;
    }
    if (end == begin) ++end;
    merged.push_back(std::move(turns[begin]));
    for (size_t i = begin + 1; i < end; ++i) {
      if (!has_results) {
        merged.push_back(std::move(turns[i]));
        continue;
      }
      Append(merged.back().results, turns[i].results);
      Append(merged.back().parts, turns[i].parts);
      Append(merged.back().sources, turns[i].sources);
    }
    begin = end;
  }
  turns = std::move(merged);
}

}  // namespace

Conversation Arrange(const v1::GenerateRequest& request, ContentWriter& writer,
                     DroppedFields& dropped) {
  Conversation conversation;
  size_t last_instruction = 0;  // Where it begins.
  for (const v1::Message& message : request.messages()) {
    if (!message.name().empty()) dropped.LeftOut("messages[].name");
    dropped.Foreign("messages[]", message.extensions());
    if (IsInstruction(message) && !StaysInPlace(message)) {
      const size_t begin = conversation.system.size();
      AppendSystem(message, writer, dropped, conversation);
      if (conversation.system.size() > begin) last_instruction = begin;
      continue;
    }
    Turn turn = TurnOf(message, writer);
    // A turn of which nothing could be carried is left out.
    const bool lost_all =
        turn.parts.empty() && turn.results.empty() && !message.parts().empty();
    if (!lost_all) conversation.turns.push_back(std::move(turn));
  }
  LeaveOutEmptyTurns(dropped, conversation.turns);
  MergeResults(conversation.turns);
  if (conversation.turns.empty()) {
    SayAsTheUser(last_instruction, dropped, conversation);
  }
  return conversation;
}

}  // namespace gateway::anthropic
