// Arranges a neutral conversation as the Messages format wants it: a system
// prompt, then turns of the user and the assistant, in which the results of
// tool calls come first. Turns without content are left out but for the last;
// where there is no turn, the last instruction becomes one.
//
//   const Conversation conversation = Arrange(request, writer, dropped);
//
// Thread-safe: a plain function. The result points into the request.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_TURNS_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_TURNS_H_

#include <string_view>
#include <vector>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/content_writer.h"

namespace gateway::anthropic {

// One message of the format.
struct Turn {
  // `user` or `assistant`; empty where an extension says it.
  std::string_view role;
  // Results of tool calls, which stand first.
  std::vector<const v1::Part*> results;
  std::vector<const v1::Part*> parts;
  // The messages that it is made of, for their extensions.
  std::vector<const v1::Message*> sources;
};

struct Conversation {
  std::vector<const v1::Part*> system;
  std::vector<Turn> turns;
};

Conversation Arrange(const v1::GenerateRequest& request, ContentWriter& writer,
                     DroppedFields& dropped);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_TURNS_H_
