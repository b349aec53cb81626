// Reads a stream of the Responses format into neutral events.
//
//   response.created              StreamStarted
//   text, refusals, arguments,
//   reasoning                     Deltas; each part has an index of its own
//   other items                   an opaque Delta, whole, when they are done
//   events of other items, and
//   events that nobody knows      opaque Deltas that hold the event
//   response.completed,
//   response.incomplete           Usage, ChoiceEnd, done()
//   response.failed, error        the fault that it reports
//
// What a `done` event says and no delta said is delivered then: some servers
// send no deltas. The extensions of a part come with its first delta, its
// annotations when it is done.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {

class ResponsesEventReader final : public EventReader {
 public:
  // The largest index of an item, or of a part in an item.
  static constexpr int32_t kIndexMax = 4096;

  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override;
  bool done() const override { return done_; }
  const v1::Usage& usage() const override { return usage_; }
  // The event that ends the answer has it.
  bool told_output() const override { return usage_is_final_; }
  bool usage_is_final() const override { return usage_is_final_; }
  std::string_view service_tier() const override { return service_tier_; }

 private:
  using Self = ResponsesEventReader;
  using Events = EventList;
  using EventMethod = absl::Status (Self::*)(ObjectFields&, Events*);

  enum class ItemKind { kNone, kText, kCall, kReasoning, kOpaque };

  // One text of a message, as it comes.
  struct StreamedText {
    int32_t part_index = 0;
    size_t bytes = 0;  // Bytes that were delivered.
    bool finished = false;
  };

  struct Item {
    ItemKind kind = ItemKind::kNone;
    int32_t part_index = -1;  // -1 for an item with texts.
    int32_t call_index = 0;
    size_t bytes = 0;
    std::string reasoning_source;  // The event by which its text comes.
    bool separate = false;         // A further summary has begun.
    bool done = false;
    // Go with the first delta.
    ExtensionList extensions;
    std::map<int32_t, StreamedText> words;
  };

  static const absl::flat_hash_map<std::string_view, EventMethod>& Methods();

  absl::Status ReadEvent(JsonValue& root, std::string_view name,
                         Events* events);
  absl::Status OnResponse(ObjectFields& event, Events* events);
  absl::Status OnTerminal(ObjectFields& event, Events* events);
  absl::Status OnItemAdded(ObjectFields& event, Events* events);
  absl::Status OnItemDone(ObjectFields& event, Events* events);
  absl::Status OnPartAdded(ObjectFields& event, Events* events);
  absl::Status OnPartDone(ObjectFields& event, Events* events);
  absl::Status OnTextDelta(ObjectFields& event, Events* events);
  absl::Status OnTextDone(ObjectFields& event, Events* events);
  absl::Status OnCallDelta(ObjectFields& event, Events* events);
  absl::Status OnCallDone(ObjectFields& event, Events* events);
  absl::Status OnSummaryAdded(ObjectFields& event, Events* events);
  absl::Status OnReasoningDelta(ObjectFields& event, Events* events);
  absl::Status OnReasoningDone(ObjectFields& event, Events* events);
  absl::Status OnNothing(ObjectFields&, Events*) { return absl::OkStatus(); }

  absl::Status FinishText(Item& item, std::string_view json, Events* events);
  absl::Status FinishCall(Item& item, std::string_view json, Events* events);
  absl::Status FinishReasoning(Item& item, std::string_view json,
                               Events* events);
  absl::Status DeliverOpaque(ObjectFields& event, std::string_view whole,
                             Events* events);
  // Delivers a part of which nothing was delivered yet.
  void DeliverPart(const v1::Part& part, int32_t index, Events* events);

  absl::Status ItemOf(ObjectFields& event, Item** item);
  absl::Status StreamedTextOf(ObjectFields& event, Item& item, Events* events,
                              StreamedText** words);
  // Adds a delta to the item's part, which begins with the first call.
  v1::Delta* DeltaOf(Item& item, Events* events);
  void AddReasoning(Item& item, std::string_view text, Events* events);

  v1::Delta* AddDelta(int32_t part_index, Events* events);
  void EnsureStarted(Events* events);

  std::map<int32_t, Item> items_;
  // A failure that an event reported, as opposed to an error of reading it.
  absl::Status failure_;
  // The event that is being read.
  std::string_view type_;
  int32_t next_part_ = 0;
  int32_t calls_ = 0;
  Contents contents_;
  v1::Usage usage_;
  bool usage_is_final_ = false;
  std::string service_tier_;
  bool started_ = false;
  bool done_ = false;
};

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_READER_H_
