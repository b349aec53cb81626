// Writes neutral events, of whatever origin, as a stream of the Messages
// format.
//
// The format's blocks follow one another; other formats interleave. A piece of
// another part ends the open block, unless that is a tool call whose arguments
// are not complete yet: then the piece waits. Text or reasoning that goes on
// after its block has ended opens a new block.
//
//   neutral:  call 0 `{"a":`   call 1 `{}`   call 0 `1}`
//   wire:     block 0 `{"a":` `1}` end,  block 1 `{}` end
//
// `message_start` waits for the event after StreamStarted, which may be the
// usage that it should carry; `message_delta` waits for the end, because usage
// may come last.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_WRITER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_WRITER_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/json_progress.h"

namespace gateway::anthropic {

class MessagesEventWriter final : public EventWriter {
 public:
  // The most bytes of pieces that wait.
  static constexpr size_t kWaitingBytesLimit = 16 << 20;

  explicit MessagesEventWriter(const Options& options) : options_(options) {}

  absl::Status Write(const v1::GenerateEvent& event, std::string* out) override;

 private:
  enum class BlockKind {
    kNone,
    kText,
    kThinking,
    kRedacted,
    kToolUse,
    kOpaque
  };

  // Which block a piece belongs to.
  struct Key {
    BlockKind kind = BlockKind::kNone;
    int32_t part_index = 0;
    int32_t call_index = 0;

    auto operator<=>(const Key&) const = default;
  };

  // Pieces of one block that wait until the open block ends.
  struct Waiting {
    Key key;
    std::vector<v1::Delta> deltas;
  };

  static Key KeyOf(const v1::Delta& delta);

  absl::Status TakeDelta(const v1::Delta& delta, std::string* out);
  // Records content that the format has no block for as dropped.
  void TellLeftOut(const v1::Delta& delta, std::string* out);
  absl::Status Wait(const Key& key, const v1::Delta& delta);
  // Writes the blocks that wait, up to one that must stay open. With `all`,
  // none stays open.
  absl::Status Drain(bool all, std::string* out);
  bool MayClose() const;

  absl::Status OpenBlock(const Key& key, const v1::Delta& delta,
                         std::string* out);
  absl::Status WriteBlockStart(const v1::Delta& delta, JsonWriter& json);
  absl::Status AppendPiece(const v1::Delta& delta, std::string* out);
  absl::Status AppendCitations(const v1::Delta& delta, std::string* out);
  void AppendArguments(std::string_view piece, std::string* out);
  void WritePiece(std::string_view type, std::string_view key,
                  std::string_view text, std::string* out);
  void CloseBlock(std::string* out);

  absl::Status EnsureStart(std::string* out);
  absl::Status WriteEnd(const v1::StreamEnd& end, std::string* out);
  absl::Status WriteMessageDelta(std::string* out);

  const Options options_;
  wire::StreamWarnings warnings_{kDialect};
  v1::StreamStarted started_;
  v1::Usage usage_;
  v1::ChoiceEnd choice_end_;
  bool start_written_ = false;
  bool refused_ = false;

  Key open_;  // kNone if no block is open.
  bool open_is_free_text_ = false;
  ObjectProgress open_progress_;
  int32_t next_index_ = 0;
  std::set<Key> ended_calls_;
  std::deque<Waiting> waiting_;
  std::map<Key, Waiting*> waiting_by_key_;
  size_t waiting_bytes_ = 0;
  size_t waiting_deltas_ = 0;
  size_t waiting_held_ = 0;  // Counted as held: the most so far.
};

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_WRITER_H_
