// Writes neutral events, of whatever origin, as a stream of Gemini's format.
//
// A call is written in one piece, so its arguments are collected until they are
// whole. Finish reasons wait for the end, because the event that has them is
// the one with the usage. What has no place in the format is told by a field of
// the next event, `llmgatewayWarnings`: Google's clients take a comment for the
// beginning of an error.
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_GEMINI_EVENT_WRITER_H_
#define PROVIDERS_DIALECTS_GEMINI_EVENT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/json_progress.h"

namespace gateway::gemini {

class ChunkWriter final : public EventWriter {
 public:
  // The most bytes of calls that have not come whole.
  static constexpr size_t kWaitingBytesLimit = 16 << 20;

  explicit ChunkWriter(const Options& options) : options_(options) {}

  absl::Status Write(const v1::GenerateEvent& event, std::string* out) override;

 private:
  struct WaitingCall {
    int32_t choice_index = 0;
    int32_t call_index = 0;
    v1::Part part;
    JsonProgress arguments;
    size_t bytes = 0;  // Those of its pieces.
  };

  // A choice, and how many calls had begun before the call.
  using Arrival = std::pair<int32_t, int64_t>;

  // Returns the call that a piece belongs to, which may begin it; null if there
  // is none.
  WaitingCall* FindCall(const v1::Delta& delta);
  void CountWaiting(WaitingCall& call, size_t bytes);

  absl::Status TakeDelta(const v1::Delta& delta, std::string* out);
  absl::Status TakeCall(const v1::Delta& delta, std::string* out);
  // Writes the calls of one answer that have not come whole, as they are.
  absl::Status EndCalls(int32_t choice_index, std::string* out);
  absl::Status EndAllCalls(std::string* out);
  // Writes one event: a part or none, and fields of the candidate.
  absl::Status WritePiece(int32_t choice_index, const v1::Part* part,
                          const v1::Delta* delta, std::string* out);
  absl::Status WriteEnd(const v1::StreamEnd& end, std::string* out);
  absl::Status WriteLastCandidate(const v1::ChoiceEnd& end, JsonWriter& json);
  absl::Status FinishChunk(ObjectWriter& object);
  void TellLeftOut(std::string_view what);
  bool IsBlockedPrompt() const;

  const Options options_;
  wire::StreamWarnings warnings_{kDialect};
  // Dropped fields that the next event tells of.
  std::vector<std::string> untold_;
  v1::StreamStarted started_;
  v1::Usage usage_;
  std::vector<v1::ChoiceEnd> ends_;
  std::map<Arrival, WaitingCall> calls_;
  // Where those are, by choice and index.
  std::map<std::pair<int32_t, int32_t>, Arrival> call_arrivals_;
  int64_t begun_calls_ = 0;
  size_t waiting_bytes_ = 0;
  size_t waiting_held_ = 0;  // Counted as held: the most so far.
  bool has_calls_ = false;
  bool has_chunk_ = false;
};

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_EVENT_WRITER_H_
