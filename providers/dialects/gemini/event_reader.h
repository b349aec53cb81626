// Reads a stream of Gemini's format into neutral events.
//
// Every event is an answer that holds what is new: parts, the usage so far, at
// the end a finish reason. Texts that follow one another are one part, unless
// one of them is signed: a signed part is replayed alone. There is no end
// marker; the stream is whole when each of its answers has a finish reason.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_GEMINI_EVENT_READER_H_
#define PROVIDERS_DIALECTS_GEMINI_EVENT_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/partial_arguments.h"

namespace gateway::gemini {

class ChunkReader final : public EventReader {
 public:
  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override;
  bool done() const override { return false; }
  bool CompleteAtClose() const override;
  const v1::Usage& usage() const override { return usage_; }
  std::string_view service_tier() const override { return service_tier_; }
  bool told_output() const override { return told_output_; }

 private:
  using Events = EventList;

  // What the next piece may be appended to.
  enum class Open { kNothing, kText, kThought, kAudio };

  // A call of which pieces have come and more will.
  struct OpenCall {
    v1::Part part;  // The call as it began.
    PartialArguments arguments;
  };

  struct Choice {
    Open open = Open::kNothing;
    int32_t part_index = -1;
    int32_t calls = 0;
    bool has_content = false;
    bool ended = false;
    ExtensionList extensions;  // The last one of each name.
    std::unique_ptr<OpenCall> call;
  };

  void Start(Answer& answer, Events* events);
  absl::Status TakeParts(Candidate& candidate, Events* events);
  absl::Status TakePart(v1::Part& part, int32_t choice_index, Choice& choice,
                        Events* events);
  absl::Status TakeCall(v1::Part& part, int32_t choice_index, Choice& choice,
                        Events* events);
  // Delivers the call that came in pieces, if one is open.
  void CloseCall(int32_t choice_index, Choice& choice, Events* events);
  void AddCall(v1::Part& part, int32_t choice_index, Choice& choice,
               Events* events);
  void TakeReasoning(const v1::Part& part, int32_t choice_index, Choice& choice,
                     Events* events);
  absl::Status TakeWhole(const v1::Part& part, v1::Delta* delta);
  absl::Status TakeExtensions(Candidate& candidate, Choice& choice,
                              Events* events);
  void TakeUsage(Answer& answer, Events* events);
  void EndChoice(int32_t index, std::string_view word, Choice& choice,
                 Events* events);
  v1::Delta* AddDelta(int32_t choice_index, Choice& choice, Open open,
                      bool appends, Events* events);

  std::map<int32_t, Choice> choices_;
  std::string seed_;  // Of ids that calls lack.
  v1::Usage usage_;
  std::string service_tier_;
  bool told_output_ = false;
  ExtensionList usage_extensions_;
  bool started_ = false;
};

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_EVENT_READER_H_
