// The events that end what an item of a streamed answer holds, each of which
// says once more, whole, what the deltas before it have said; and those of a
// text's annotations, which have no deltas.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_EVENTS_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_EVENTS_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/event_emitter.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

class ItemEvents {
 public:
  using ItemPlace = EventEmitter::ItemPlace;

  // Borrows both.
  ItemEvents(EventEmitter& emitter, ContentWriter& content)
      : emitter_(emitter), content_(content) {}

  // `index` is the part's place in the item.
  absl::Status EndPart(const v1::Part& part, const ItemPlace& item,
                       size_t index);
  absl::Status EndReasoning(const v1::Reasoning& reasoning,
                            const ItemPlace& item);
  absl::Status EndCall(const v1::ToolCall& call, const ItemPlace& item);

  // `json` is the list of annotations.
  absl::Status AddAnnotations(std::string_view json, const ItemPlace& item,
                              size_t index);

 private:
  EventEmitter& emitter_;
  ContentWriter& content_;
};

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_EVENTS_H_
