// Writes neutral events as a stream of Chat Completions.
//
//   data: {... "delta": {"role": "assistant", "content": "", ...}}
//   data: {... "delta": {"content": "Hel"}}
//   data: {... "delta": {}, "finish_reason": "stop"}
//   data: {... "choices": [], "usage": {...}}          if asked for
//   data: [DONE]
//
// A stream that fails ends with `data: {"error": {...}}` and no `[DONE]`.
//
// One stream, one thread.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_WRITER_H_

#include <memory>

#include "providers/dialects/dialect.h"

namespace gateway::chat {

std::unique_ptr<EventWriter> NewEventWriter(
    const EventWriter::Options& options);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_WRITER_H_
