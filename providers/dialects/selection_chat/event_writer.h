// Writes neutral events as a stream of the dialect `selection_chat`:
//
//   event: metadata  {type, model, provider, reasoning, trace_id,
//                     estimated_cost}, once, before the first piece
//   event: content   {type, token, model, provider, trace_id}, a piece of text
//   event: progress  {type, tokens_generated, chunk_count}, after each
//                     kChunksPerProgress pieces
//   event: done      {type, total_tokens, chunk_count, trace_id,
//                     finish_reason}, or
//   event: error     {type, error, reason, provider, trace_id}: the last
//
// Nothing is kept of what was written but numbers and names.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_EVENT_WRITER_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_EVENT_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/selection_chat/fields.h"

namespace gateway::selection_chat {

inline constexpr int64_t kChunksPerProgress = 50;

class ChatEventWriter final : public EventWriter {
 public:
  explicit ChatEventWriter(const Options& options) : options_(options) {}

  absl::Status Write(const v1::GenerateEvent& event, std::string* out) override;

 private:
  void WriteMetadata(const v1::StreamStarted& started, std::string* out);
  void WriteDelta(const v1::Delta& delta, std::string* out);
  void WritePiece(std::string_view text, std::string* out);
  void WriteProgress(std::string* out) const;
  void WriteEnd(const v1::StreamEnd& end, std::string* out);
  void WriteDone(const v1::StreamEnd& end, std::string* out) const;
  void WriteFailure(const v1::StreamEnd& end, std::string* out) const;
  void CountWords(std::string_view text);

  const Options options_;
  wire::StreamWarnings warnings_{kDialect};
  std::string trace_id_;
  std::string provider_;
  std::string model_;  // As the provider is asked for it.
  v1::FinishReason finish_reason_ = v1::FINISH_REASON_UNSPECIFIED;
  int64_t chunks_ = 0;
  int64_t words_ = 0;
  bool in_word_ = false;
};

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_EVENT_WRITER_H_
