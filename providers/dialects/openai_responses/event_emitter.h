// Writes the events of a stream of the Responses format, one by one: framing,
// numbers without gaps, and the place that each event speaks of.
//
//   emitter.WriteTo(out);
//   emitter.Emit("response.completed", [&](ObjectWriter& object) { ... });
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_EMITTER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_EMITTER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

class EventEmitter {
 public:
  using Fields = absl::FunctionRef<absl::Status(ObjectWriter&)>;

  // Where an item is in the answer.
  struct ItemPlace {
    std::string_view id;
    int index = 0;
  };

  // Sets where to write. `out` must outlive the calls that follow.
  void WriteTo(std::string* out) { out_ = out; }

  // Gives the next event this number.
  void CountFrom(int64_t number) { next_number_ = number; }

  // Writes one event: its type, its number, and what `fields` writes.
  absl::Status Emit(std::string_view type, Fields fields) {
    out_->append("event: ").append(type).append("\ndata: ");
    const size_t begin = out_->size();
    JsonWriter json(out_);
    ObjectWriter object(kFormat, json);
    object.Text("type", type);
    object.Int64("sequence_number", next_number_++);
    GATEWAY_RETURN_IF_ERROR(fields(object));
    object.End();
    // Replaces line breaks, which JSON from elsewhere may have between its
    // tokens: one would end the line of data.
    std::replace_if(
        out_->begin() + static_cast<std::ptrdiff_t>(begin), out_->end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out_->append("\n\n");
    return absl::OkStatus();
  }

  // As Emit, for an event of an item.
  absl::Status EmitFor(std::string_view type, const ItemPlace& item,
                       Fields fields) {
    return Emit(type, [&](ObjectWriter& object) {
      object.Text("item_id", item.id);
      object.Int64("output_index", item.index);
      return fields(object);
    });
  }

  // As Emit, for an event of the only summary of reasoning.
  absl::Status EmitInSummary(std::string_view type, const ItemPlace& item,
                             Fields fields) {
    return EmitFor(type, item, [&](ObjectWriter& object) {
      object.Int64("summary_index", 0);
      return fields(object);
    });
  }

  // Writes a summary's beginning, or its end.
  absl::Status EmitSummary(std::string_view type, const ItemPlace& item,
                           std::string_view text) {
    return EmitInSummary(type, item, [&](ObjectWriter& object) {
      ObjectWriter part(kFormat, object.Field("part"));
      part.Text("type", "summary_text");
      part.Text("text", text);
      part.End();
      return absl::OkStatus();
    });
  }

  // As Emit, for an event of a part of an item's content.
  absl::Status EmitInContent(std::string_view type, const ItemPlace& item,
                             size_t part, Fields fields) {
    return EmitFor(type, item, [&](ObjectWriter& object) {
      object.Int64("content_index", static_cast<int64_t>(part));
      return fields(object);
    });
  }

 private:
  std::string* out_ = nullptr;
  int64_t next_number_ = 0;
};

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_EVENT_EMITTER_H_
