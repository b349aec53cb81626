// What a service that speaks Chat Completions does otherwise than OpenAI, as
// plain data. The default is OpenAI itself.
//
//   const OpenAiChat dialect({.max_completion_tokens = false});
//
// A request that is written for the service obeys them: what the service lacks
// is a loss, unless the provider wants it passed on. A request whose bytes are
// forwarded is the service's to check, but for what the gateway itself would
// spoil or can mend in place; see scan.h.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_

#include <string>

namespace gateway {

struct OpenAiChatQuirks {
  // What the service does with a JSON Schema in `response_format`.
  enum class SchemaMode {
    kNative,      // Takes `json_schema`.
    kTool,        // Knows tools only.
    kJsonObject,  // Knows `json_object` only.
    kPrompt,      // Knows neither.
  };

  // How the service is told how much to reason.
  enum class ReasoningStyle {
    kEffort,    // `reasoning_effort`.
    kThinking,  // Beside that, `thinking: {"type": "enabled" | "disabled"}`.
    kObject,    // `reasoning: {"effort" or "max_tokens", "exclude"}`.
    kNone,
  };

  // Otherwise it is `max_tokens`.
  bool max_completion_tokens = true;
  // Otherwise the role is `system`.
  bool developer_role = true;
  bool stream_options = true;
  bool top_k = false;
  bool logprobs = true;
  // `name` in messages.
  bool message_names = true;
  // More than one choice, `n`.
  bool choice_count = true;
  bool logit_bias = true;
  bool parallel_tool_calls = true;
  // What OpenAI keeps account of: `verbosity`, `service_tier`, `store`,
  // `prompt_cache_key` and `metadata`.
  bool account_fields = true;
  SchemaMode schema_mode = SchemaMode::kNative;
  ReasoningStyle reasoning_style = ReasoningStyle::kEffort;
  // Turns that called tools must have their reasoning, if only an empty one.
  bool reasoning_of_calls = false;
  // Names of fields; empty if there is none. A message's reasoning:
  std::string reasoning_field = "reasoning_content";
  // In place of that field, it is an entry of a `content` that is a list.
  bool reasoning_in_content = false;
  // What a model draws stands in `images`, and is read back there.
  bool images = false;
  std::string seed_field = "seed";
  // Who the request is for.
  std::string user_field = "safety_identifier";
  // Streams end with `[DONE]`; otherwise with the connection, once every choice
  // has its finish reason.
  bool done_marker = true;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_
