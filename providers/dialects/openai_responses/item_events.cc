#include "providers/dialects/openai_responses/item_events.h"

#include <cstdint>
#include <string>

#include "base/status_macros.h"
#include "base/text/json.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

absl::Status ItemEvents::EndPart(const v1::Part& part, const ItemPlace& item,
                                 size_t index) {
  if (HasUrl(part.citations()) &&
      FindExtension(part.extensions(), "annotations") == nullptr) {
    std::string annotations;
    JsonWriter json(&annotations);
    WriteUrlCitations(part, json);
    GATEWAY_RETURN_IF_ERROR(AddAnnotations(annotations, item, index));
  }
  if (part.has_text() || part.has_refusal()) {
    GATEWAY_RETURN_IF_ERROR(emitter_.EmitInContent(
        part.has_refusal() ? "response.refusal.done"
                           : "response.output_text.done",
        item, index, [&](ObjectWriter& object) {
          if (part.has_refusal()) {
            object.Text("refusal", part.refusal());
            return absl::OkStatus();
          }
          const v1::Extension* logprobs =
              FindExtension(part.extensions(), "logprobs");
          object.Text("text", part.text());
          object.Field("logprobs")
              .Raw(logprobs == nullptr ? std::string_view("[]")
                                       : logprobs->json());
          return absl::OkStatus();
        }));
  }
  return emitter_.EmitInContent(
      "response.content_part.done", item, index, [&](ObjectWriter& object) {
        return content_.WriteOne(part, Speaker::kModel, object.Field("part"));
      });
}

absl::Status ItemEvents::EndReasoning(const v1::Reasoning& reasoning,
                                      const ItemPlace& item) {
  const std::string& text = reasoning.text();
  if (text.empty()) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(
      emitter_.EmitInSummary("response.reasoning_summary_text.done", item,
                             [&](ObjectWriter& object) {
                               object.Text("text", text);
                               return absl::OkStatus();
                             }));
  return emitter_.EmitSummary("response.reasoning_summary_part.done", item,
                              text);
}

absl::Status ItemEvents::EndCall(const v1::ToolCall& call,
                                 const ItemPlace& item) {
  if (call.kind() == v1::TOOL_KIND_CUSTOM) {
    return emitter_.EmitFor("response.custom_tool_call_input.done", item,
                            [&](ObjectWriter& object) {
                              object.Text("input", call.arguments());
                              return absl::OkStatus();
                            });
  }
  return emitter_.EmitFor("response.function_call_arguments.done", item,
                          [&](ObjectWriter& object) {
                            object.Text("name", call.name());
                            object.Text("arguments", call.arguments());
                            return absl::OkStatus();
                          });
}

absl::Status ItemEvents::AddAnnotations(std::string_view json,
                                        const ItemPlace& item, size_t index) {
  int64_t number = 0;
  return ReadJson(json, [&](JsonValue& root) {
    return root.EachElement([&](JsonValue& annotation) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, annotation.Raw());
      return emitter_.EmitInContent("response.output_text.annotation.added",
                                    item, index, [&](ObjectWriter& object) {
                                      object.Int64("annotation_index",
                                                   number++);
                                      object.Field("annotation").Raw(raw);
                                      return absl::OkStatus();
                                    });
    });
  });
}

}  // namespace gateway::responses
