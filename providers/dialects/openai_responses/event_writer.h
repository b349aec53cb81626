// Writes neutral events, of whatever origin, as a stream of the Responses
// format: each item begins, grows and is done, each with its own events, and
// the last event holds the whole answer.
//
//   neutral:  text "Hel"  text "lo"  call f `{}`
//   wire:     created, in_progress,
//             item 0 added, part added, 2 x text delta,
//             text done, part done, item 0 done,
//             item 1 added, arguments delta, arguments done, item 1 done,
//             completed
//
// StreamedText and reasoning end when something else begins; if they go on
// later, a new item begins. A call that is not complete stays open, since calls
// may be interleaved.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_WRITER_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/json_progress.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/event_emitter.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/item_events.h"
#include "providers/dialects/openai_responses/item_writer.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {

class ResponsesEventWriter final : public EventWriter {
 public:
  explicit ResponsesEventWriter(const Options& options) : options_(options) {}

  absl::Status Write(const v1::GenerateEvent& event, std::string* out) override;

  void GoOnFrom(const ResponseFacts& facts) override;

 private:
  enum class Kind { kText, kCall, kReasoning, kPicture, kOpaque };

  // An item of the answer. An item with texts has several parts, any other one.
  struct Item {
    Kind kind = Kind::kText;
    int index = 0;
    std::string id;
    std::vector<v1::Part> parts;  // Empty once it is done.
    std::string json;            // Set once it is done.
    bool done = false;
    bool changed = false;    // It is among changed_.
    JsonProgress arguments;  // Those of a call.

    EventEmitter::ItemPlace Place() const { return {.id = id, .index = index}; }
  };

  // Which item and part a piece belongs to.
  struct Key {
    Kind kind = Kind::kText;
    int32_t part_index = 0;
    int32_t call_index = 0;

    auto operator<=>(const Key&) const = default;
  };

  // Where a neutral part is in the answer.
  struct Place {
    Item* item = nullptr;
    size_t part = 0;
  };

  absl::Status TakeDelta(const v1::Delta& delta, std::string* out);
  // Keeps citations until the part ends: before, it is not known where the text
  // ends that they belong to.
  void TakeCitations(const v1::Delta& delta, std::string* out);
  absl::Status TakeText(const v1::Delta& delta, std::string_view text);
  absl::Status TakeReasoning(const v1::Delta& delta);
  absl::Status TakeCall(const v1::Delta& delta);
  absl::Status TakePicture(const v1::Delta& delta);
  absl::Status TakeOpaque(const v1::Delta& delta);
  absl::Status TakeOpaqueEvent(const v1::Delta& delta);
  absl::Status TakeExtensions(const v1::Delta& delta);
  absl::Status AddExtensions(const ExtensionList& extensions,
                             const Place& place);

  // Returns the open place of a key; null if there is none.
  Place* Find(const Key& key);
  Place* Open(const Key& key, Item* item);
  Item* NewItem(Kind kind);
  // Has CloseOthers look at an item.
  void SetChanged(Item* item);
  absl::Status OpenText(const v1::Delta& delta, Place** place);
  absl::Status OpenReasoning(const v1::Delta& delta, Place** place);

  // End the items that another item ends, or all. `status` is that of the last
  // item.
  absl::Status CloseOthers();
  absl::Status CloseAll(std::string_view status);
  absl::Status Close(Item& item, std::string_view status);
  absl::Status WriteItem(const Item& item, std::string_view status,
                         JsonWriter& json);
  absl::Status AddItem(const Item& item);

  // Returns the list of the items that are done, whose JSON this gives away:
  // an answer lists them once, at its end.
  std::string TakeOutput();

  absl::Status EnsureStarted();
  absl::Status WriteEnd(const v1::StreamEnd& end);
  absl::Status WriteResponse(std::string_view type, std::string_view status,
                             std::string_view incomplete_reason,
                             const v1::StreamError* error);

  const Options options_;
  EventEmitter emitter_;
  wire::StreamWarnings warnings_{kDialect};
  std::string response_id_;
  bool created_ = false;
  v1::StreamStarted started_;
  v1::Usage usage_;
  bool has_usage_ = false;
  v1::ChoiceEnd choice_end_;
  Contents contents_;

  std::deque<Item> items_;
  size_t closed_items_ = 0;  // So many of the first ones are done.
  // Those that the next item may end: new ones, and calls that have grown. A
  // call that was found not to be whole is looked at again when it grows.
  std::vector<Item*> changed_;
  std::map<Key, Place> places_;
  // Extensions and citations of parts that have not begun.
  std::map<int32_t, ExtensionList> waiting_;
  std::map<int32_t, CitationList> waiting_citations_;
  Item* text_item_ = nullptr;  // The open item with texts.
  DroppedFields dropped_{kDialect, nullptr};
  ContentWriter content_{Side::kAnswer, dropped_};
  ItemWriter item_writer_{content_};
  ItemEvents item_events_{emitter_, content_};
};

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_WRITER_H_
