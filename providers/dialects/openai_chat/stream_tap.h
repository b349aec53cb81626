// Reads along a stream of Chat Completions that is forwarded as it is.
//
// Nearly all events carry a few letters of text and nothing to record. Those
// are told from the rest by a search for the few words that matter, and only
// the rest is parsed.
//
// One stream, one thread.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_STREAM_TAP_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_STREAM_TAP_H_

#include <memory>

#include "providers/dialects/dialect.h"

namespace gateway::chat {

// `done_marker` is false for a service that ends its streams by closing them.
std::unique_ptr<StreamTap> NewStreamTap(bool done_marker = true);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_STREAM_TAP_H_
