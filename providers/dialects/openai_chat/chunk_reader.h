// Reads one chunk of a stream of Chat Completions, as it stands and without
// regard to those before it.
//
//   ChatChunk chunk;
//   absl::Status status = ReadChatChunk(data, /*with_preface=*/true, &chunk);
//   if (chunk.failed) ...  // It reports an error, whatever else is in it.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_CHUNK_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_CHUNK_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// The largest index that a stream may give to a call.
inline constexpr int32_t kToolCallIndexMax = 511;

// What one chunk says of a tool call.
struct CallFragment {
  std::optional<int32_t> index;
  std::string id;
  std::string name;
  std::string arguments;
  v1::ToolKind kind = v1::TOOL_KIND_UNSPECIFIED;
};

// What one chunk says of a choice.
struct ChoiceFragment {
  int32_t index = 0;
  std::string content;
  std::string_view raw_content;  // With quotes; valid while it is being read.
  // Set in place of both, where the content is a list; and pictures.
  std::vector<v1::Part> content_parts;
  std::string refusal;
  std::string reasoning;
  std::vector<CallFragment> calls;
  std::optional<v1::Audio> audio;
  std::optional<v1::Logprobs> logprobs;
  std::string finish_reason;
  bool blank_reason = false;  // There is a finish_reason without letters.
  ExtensionList extensions;
};

struct ChatChunk {
  // The fields that every chunk repeats.
  std::string id;
  std::string model;
  std::string system_fingerprint;
  int64_t created_seconds = 0;
  // Every chunk may tell another.
  std::string service_tier;

  absl::InlinedVector<ChoiceFragment, 1> choices;
  // The text of the chunk's only choice as it stands in the data, without
  // quotes; null if there is none.
  std::string_view raw_text;
  bool has_usage = false;
  v1::Usage usage;
  absl::Status usage_fault;  // A count of it cannot be read.
  bool failed = false;
  ExtensionList extensions;
};

// Reads a chunk. Without `with_preface`, the fields that every chunk repeats
// are skipped. An error is one of reading JSON.
absl::Status ReadChatChunk(std::string_view data, bool with_preface,
                           ChatChunk* chunk);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_CHUNK_READER_H_
