// What a service that speaks Chat Completions does otherwise than OpenAI, as
// plain data. The default is OpenAI itself.
//
//   const OpenAiChat dialect({.max_completion_tokens = false});
//
// A request that is written for the service obeys them: what the service lacks
// is a loss, unless the provider wants it passed on. A request whose bytes are
// forwarded is the service's to check, but for what the gateway itself would
// spoil or can mend in place; see scan.h.
//
// Thread-compatible: plain data.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_

#include <string>

namespace gateway {

struct OpenAiChatQuirks {
  // What the service does with a JSON Schema in `response_format`.
  enum class SchemaMode {
    kNative,      // It takes `json_schema`.
    kTool,        // It takes tools only.
    kJsonObject,  // It takes `json_object` only.
    kPrompt,      // It takes neither.
  };

  // How the service is told how much to reason.
  enum class ReasoningStyle {
    kEffort,    // `reasoning_effort`.
    kThinking,  // Beside that, `thinking: {"type": "enabled" | "disabled"}`.
    kObject,    // `reasoning: {"effort" or "max_tokens", "exclude"}`.
    kNone,
  };

  // The output limit is `max_completion_tokens`; otherwise `max_tokens`.
  bool max_completion_tokens = true;
  // Instructions have the role `developer`; otherwise `system`.
  bool developer_role = true;
  bool stream_options = true;
  bool top_k = false;
  bool logprobs = true;
  // Messages may have a `name`.
  bool message_names = true;
  // More than one choice can be asked for (`n`).
  bool choice_count = true;
  bool logit_bias = true;
  // The most entries of `stop`; 0 if no limit is known.
  int stop_limit = 4;
  bool parallel_tool_calls = true;
  // It has what OpenAI keeps account of: `verbosity`, `service_tier`, `store`,
  // `prompt_cache_key` and `metadata`.
  bool account_fields = true;
  SchemaMode schema_mode = SchemaMode::kNative;
  ReasoningStyle reasoning_style = ReasoningStyle::kEffort;
  // Turns that called tools must have their reasoning, even if empty.
  bool reasoning_of_calls = false;
  // Names of fields; empty if there is none. Here, of a message's reasoning.
  std::string reasoning_field = "reasoning_content";
  // Reasoning is not that field but an entry of a `content` that is a list.
  bool reasoning_in_content = false;
  // Pictures that a model draws stand in `images`, and are read back there.
  bool images = false;
  std::string seed_field = "seed";
  // The field for whom the request is made.
  std::string user_field = "safety_identifier";
  // Streams end with `[DONE]`; otherwise by closing the connection, once every
  // choice has its finish reason.
  bool done_marker = true;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_QUIRKS_H_
