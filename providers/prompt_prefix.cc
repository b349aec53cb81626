#include "providers/prompt_prefix.h"

#include "providers/dialects/prompt_beginning.h"

namespace gateway {

std::string PromptPrefix(const RawRequest& raw, size_t bytes_max) {
  return wire::ReadPromptBeginning(raw.body, bytes_max).ToText();
}

std::string PromptPrefix(const v1::GenerateRequest& request, size_t bytes_max) {
  PromptBeginning beginning(bytes_max);
  beginning.SetCacheKey(request.prompt_cache_key());
  for (const v1::Tool& tool : request.tools()) {
    if (tool.has_function()) beginning.AddTool(tool.function().name());
    if (tool.has_custom()) beginning.AddTool(tool.custom().name());
  }
  for (const v1::Message& message : request.messages()) {
    const bool is_of_system = message.role() == v1::ROLE_SYSTEM ||
                              message.role() == v1::ROLE_DEVELOPER;
    for (const v1::Part& part : message.parts()) {
      if (!part.has_text()) continue;
      if (is_of_system) {
        beginning.AddSystem(part.text());
      } else {
        beginning.AddFirstTurn(part.text());
      }
    }
    if (!is_of_system) break;
  }
  return beginning.ToText();
}

}  // namespace gateway
