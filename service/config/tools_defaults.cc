#include "service/config/tools_defaults.h"

#include <cstdint>

#include "service/config/fill_fields.h"

namespace gateway {
namespace {

// What the gateway of an earlier system offered of its code orchestrator.
struct ShippedTool {
  const char* name;
  const char* description;
  const char* parameters;
  const char* path;
};

constexpr ShippedTool kShippedTools[] = {
    {"compute_similarity",
     "Says how alike two texts are in meaning, from -1 (opposite) to 1 (the "
     "same).",
     R"({"type": "object", "properties": {)"
     R"("text1": {"type": "string"}, "text2": {"type": "string"}},)"
     R"( "required": ["text1", "text2"], "additionalProperties": false})",
     "/v1/similarity"},
    {"extract_keywords",
     "Finds the words that matter most in each text of a list.",
     R"({"type": "object", "properties": {)"
     R"("corpus": {"type": "array", "items": {"type": "string"}},)"
     R"( "top_k": {"type": "integer"}},)"
     R"( "required": ["corpus"], "additionalProperties": false})",
     "/v1/keywords"},
    {"generate_embeddings", "Turns each text of a list into a vector.",
     R"({"type": "object", "properties": {)"
     R"("texts": {"type": "array", "items": {"type": "string"}}},)"
     R"( "required": ["texts"], "additionalProperties": false})",
     "/v1/embeddings"},
};

}  // namespace

void FillTools(llmgateway::config::v1::ToolServiceConfig* tools) {
  FILL_TIME(*tools, timeout, 30'000);
  FILL(*tools, result_bytes_limit, int64_t{4} << 20);
  if (!tools->tools().empty()) return;
  for (const ShippedTool& shipped : kShippedTools) {
    auto* const tool = tools->add_tools();
    tool->set_name(shipped.name);
    tool->set_description(shipped.description);
    tool->set_parameters(shipped.parameters);
    tool->set_path(shipped.path);
  }
}

}  // namespace gateway
