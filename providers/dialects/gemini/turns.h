// Arranges a neutral conversation as Gemini wants it: instructions apart, then
// contents of the user and the model, in which the results of parallel calls
// stand together.
//
//   const Conversation conversation = Arrange(request, writer, dropped);
//
// Thread-safe: a plain function. The result points into the request.

#ifndef PROVIDERS_DIALECTS_GEMINI_TURNS_H_
#define PROVIDERS_DIALECTS_GEMINI_TURNS_H_

#include <map>
#include <string_view>
#include <vector>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_writer.h"

namespace gateway::gemini {

// One content.
struct Turn {
  std::string_view role;   // `user` or `model`; empty for instructions.
  bool has_tools = false;  // It holds calls or results.
  std::vector<const v1::Part*> parts;
  // Signatures that came as reasoning before parts of this turn; they point
  // into it.
  std::map<const v1::Part*, std::string_view> signatures;
  // The messages that it is made of, for their extensions.
  std::vector<const v1::Message*> sources;
};

struct Conversation {
  Turn instructions;
  std::vector<Turn> turns;
};

Conversation Arrange(const v1::GenerateRequest& request, PartWriter& writer,
                     DroppedFields& dropped);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_TURNS_H_
