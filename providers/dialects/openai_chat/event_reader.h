// Reads a stream of Chat Completions into neutral events.
//
// A choice's parts are numbered as they begin: its text is one part however
// often tool calls interrupt it, each tool call is a part of its own, and so
// are refusal, reasoning and sound. Unmodelled fields ride on the first event
// that their chunk makes: those of the choice under their own names, those of
// the `delta` as `delta.<name>`, those of the chunk as `chunk.<name>` (on
// StreamStarted under their own names). Padding (`obfuscation`) is dropped.
//
// A tool call begins with its id, its name and what came of it before the name.
// One to which the vendor gives no id by then gets one that is made up.
//
// One stream, one thread.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_READER_H_

#include <memory>

#include "providers/dialects/dialect.h"

namespace gateway::chat {

// `done_marker` is false for a service that ends its streams by closing them.
std::unique_ptr<EventReader> NewEventReader(bool done_marker = true);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_EVENT_READER_H_
