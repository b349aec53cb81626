// Reads a stream of the Messages format into neutral events.
//
//   message_start         StreamStarted, Usage; Deltas of what it holds already
//   content_block_*       Deltas; part_index is the block's index
//   message_delta         Usage, ChoiceEnd
//   message_stop          done(); ChoiceEnd, if only the start gave a reason
//   ping, unknown         nothing
//   error                 the fault that it reports
//
// Blocks that the contract does not model are collected and delivered whole
// when they end. Counts of usage are totals: each replaces the one before. A
// message that goes on from calls that a hosted tool has deferred begins with
// them, whole, and may have its reason from the start. A second message_start
// is an error.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_READER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/dialect.h"

namespace gateway::anthropic {

class MessagesEventReader final : public EventReader {
 public:
  // The longest block that is delivered whole.
  static constexpr size_t kOpaqueBytesLimit = 16 << 20;

  absl::Status Read(std::string_view name, std::string_view data,
                    EventList* events) override;
  bool done() const override { return done_; }
  const v1::Usage& usage() const override { return usage_; }
  bool told_output() const override { return told_output_; }
  std::string_view service_tier() const override {
    return wire_usage_.service_tier();
  }

 private:
  using Events = EventList;

  enum class BlockKind { kNone, kText, kReasoning, kToolCall, kOpaque };

  // The block that is being read. Blocks do not interleave: another that starts
  // ends it, and what still comes of it is an error.
  struct Block {
    BlockKind kind = BlockKind::kNone;
    int32_t index = 0;
    int32_t call_index = 0;
    // Something of the block was delivered.
    bool delivered = false;
    // For a tool call: its arguments, if the start held them and no delta
    // follows.
    std::string whole_input;
    // For an opaque block: its fields, and the pieces of its input.
    std::vector<std::pair<std::string, std::string>> fields;
    std::string partial_input;
    size_t opaque_bytes = 0;
  };

  absl::Status ReadMessageStart(JsonValue& root, Events* events);
  // Adds the blocks that the message begins with to `blocks`, as JSON.
  absl::Status ReadMessageField(std::string_view key, JsonValue& value,
                                v1::StreamStarted* started,
                                std::vector<std::string_view>* blocks);
  // Delivers a block that the message begins with.
  absl::Status ReadFirstBlock(std::string_view json, int32_t index,
                              Events* events);
  absl::Status ReadBlockStart(JsonValue& root, Events* events);
  // Returns the part that a block becomes, counted behind those that the
  // message began with.
  int32_t PartIndexOf(int32_t block_index);
  // Returns whether an event's index, if it has one, is the open block's.
  bool IsOpen(std::optional<int32_t> index) const;
  absl::Status ReadBlock(std::string_view json, std::string_view path,
                         Events* events);
  absl::Status StartBlock(ObjectFields& fields, Events* events);
  absl::Status StartText(ObjectFields& fields, Events* events);
  absl::Status StartReasoning(ObjectFields& fields, Events* events);
  absl::Status TakeCitation(std::string_view json, Events* events);
  absl::Status StartToolCall(ObjectFields& fields, Events* events);
  absl::Status StartOpaque(std::string_view json, std::string_view path);
  // Reads, in one go, the event that nearly all are: a piece of text and
  // nothing else. Returns false, and does nothing, if it is any other, or a bad
  // one.
  bool ReadPlainText(std::string_view data, Events* events);
  absl::Status ReadBlockDelta(JsonValue& root, Events* events);
  absl::Status ReadBlockStop(JsonValue& root, Events* events);
  absl::Status ReadDelta(ObjectFields& fields, Events* events);
  absl::Status ReadOpaqueDelta(ObjectFields& fields);
  absl::Status ReadMessageDelta(JsonValue& root, Events* events);
  absl::Status ReadDeltaOfMessage(std::string_view json, v1::ChoiceEnd* end);
  void EndChoice(v1::ChoiceEnd* end, Events* events);
  void EndMessage(Events* events);
  void EndBlock(Events* events);
  void EndOpaque(Events* events);

  v1::Delta* AddDelta(Events* events);
  void AddUsage(Events* events);

  Block block_;
  WireUsage wire_usage_;
  v1::Usage usage_;
  bool told_output_ = false;
  std::string text_;  // Used by ReadPlainText; a field to keep its memory.
  // How many blocks the message begins with, and its end, if it says that at
  // the beginning.
  int32_t first_blocks_ = 0;
  v1::ChoiceEnd first_end_;
  std::optional<int32_t> block_shift_;
  // A block started before the one in front had ended, so that what follows may
  // be of either.
  bool overlapped_ = false;
  bool started_ = false;
  int32_t calls_ = 0;
  bool has_content_ = false;
  bool ended_ = false;  // The choice has ended.
  bool done_ = false;
};

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_EVENT_READER_H_
