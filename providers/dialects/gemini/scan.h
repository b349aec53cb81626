// The raw path of Gemini's format: reads what the stages need of requests and
// answers whose bytes are forwarded untouched. The model and the wish for a
// stream are in the path, so that no byte of a request ever changes.
//
// Thread-safe: plain functions. ChunkTap belongs to one stream.

#ifndef PROVIDERS_DIALECTS_GEMINI_SCAN_H_
#define PROVIDERS_DIALECTS_GEMINI_SCAN_H_

#include <bitset>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/told_usage.h"

namespace gateway::gemini {

// Reads the top level in one pass. A repeated key that a policy or the price of
// the call depends on is refused, naming it.
absl::Status ScanRequest(std::string_view body, RequestScan* scan);

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts);

// Reads every event, since every event may have facts.
class ChunkTap final : public StreamTap {
 public:
  absl::StatusOr<EventKind> OnEvent(std::string_view name,
                                    std::string_view data) override;
  const ResponseFacts& facts() const override { return facts_; }
  absl::Status error() const override { return error_; }
  bool finished() const override {
    return begun_.any() && (begun_ & ~ended_).none();
  }
  bool CompleteAtClose() const override { return finished(); }

 private:
  ResponseFacts facts_;
  ToldOutput told_;
  absl::Status error_;
  bool has_tool_call_ = false;  // In the first answer.
  bool has_content_ = false;
  std::bitset<kCandidatesMax> begun_;
  std::bitset<kCandidatesMax> ended_;
};

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_SCAN_H_
