// Reads a stream of Ollama's chat format into neutral events.
//
//   the first line        StreamStarted, and what follows
//   thinking, content     Deltas; what is of one kind in a row is one part
//   tool_calls            each call whole, in a Delta and a part of its own
//   done: true            Usage, ChoiceEnd; done()
//   error                 the fault that it reports
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OLLAMA_EVENT_READER_H_
#define PROVIDERS_DIALECTS_OLLAMA_EVENT_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/ollama/chat_line.h"
#include "providers/dialects/ollama/fields.h"

namespace gateway::ollama {

class ChatEventReader final : public EventReader {
 public:
  // `data` is a line; `name` is empty.
  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override;
  bool done() const override { return done_; }
  const v1::Usage& usage() const override { return usage_; }
  // The last line has it.
  bool told_output() const override { return done_; }

 private:
  using Events = EventList;

  enum class PartKind { kNone, kText, kReasoning };

  void AddStarted(ChatLine& line, Events* events);
  void AddDeltas(ChatLine& line, Events* events);
  void AddCall(v1::Part& part, Events* events);
  void AddEnd(ChatLine& line, Events* events);
  // Adds a delta to the part that is open, or to a new one if that is of
  // another kind.
  v1::Delta* AddDelta(PartKind kind, Events* events);
  // Removes the fields that each line repeats, so that they are told once.
  void DropKnown(ExtensionList* extensions) const;

  ExtensionList known_;  // Those of the first line.
  PartKind open_ = PartKind::kNone;
  int32_t parts_ = 0;
  int32_t calls_ = 0;
  v1::Usage usage_;
  bool started_ = false;
  bool done_ = false;
};

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_EVENT_READER_H_
