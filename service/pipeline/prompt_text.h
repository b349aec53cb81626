// What a call asks, as one text: what the ledger's `context_hash` is the hash
// of, so that whoever has a prompt can find its entries, and whoever has
// neither learns nothing.
//
// It is the text itself where the conversation is a single one of the user's;
// otherwise the canonical JSON (service/ledger/python_json.h) of its messages:
// of a request in a vendor's format, of the members that hold them -
// `messages`, `input` or `contents` - as they were written, as an object with
// those that hold instructions beside them, if there are any; of one by gRPC,
// of messages with `content` and `role`, as OpenAI's Chat writes them; of what
// is turned into vectors, of a list of its texts and lists of tokens, or of the
// one list of tokens. Of a body that is forwarded and cannot be read - it is no
// UTF-8, nested deeper than kJsonDepthLimit, or has none of these members - it
// is the body.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_PROMPT_TEXT_H_
#define SERVICE_PIPELINE_PROMPT_TEXT_H_

#include <string>

#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

// Empty if the call asks a model nothing, as one for a stored answer. REQUIRES:
// the request is still there. For OffLoop, it is as much work as to read the
// request.
std::string PromptText(const IncomingCall& call);

// What a model answers, in the same form: the text itself where it says nothing
// else, otherwise the canonical JSON of its parts, calls of tools among them.
// Without its reasoning. Of several answers, as `n` asks for, it is the JSON of
// a list, by their index: of each its text, as a string, or the list of its
// parts.
std::string AnswerText(const llmgateway::v1::GenerateResponse& response);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PROMPT_TEXT_H_
