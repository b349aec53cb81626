// The raw path of the Messages format: reads what the stages need of requests
// and answers whose bytes are forwarded untouched.
//
// Thread-safe: plain functions. MessagesTap belongs to one stream.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_SCAN_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_SCAN_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/told_usage.h"

namespace gateway::anthropic {

// Reads the top level in one pass. A repeated key that a policy or the price of
// the call depends on is refused, naming it.
absl::Status ScanRequest(std::string_view body, RequestScan* scan);

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts);

// Checks events by their names; only the three that carry facts are parsed.
class MessagesTap final : public StreamTap {
 public:
  absl::StatusOr<EventKind> OnEvent(std::string_view name,
                                    std::string_view data) override;
  const ResponseFacts& facts() const override { return facts_; }
  absl::Status error() const override { return error_; }
  bool finished() const override {
    return facts_.finish_reason != v1::FINISH_REASON_UNSPECIFIED;
  }

 private:
  // Returns whether the message has content already.
  absl::StatusOr<bool> ReadMessageStart(std::string_view data);
  absl::Status ReadMessageDelta(std::string_view data);
  absl::Status ReadUsage(JsonValue& value);
  // Records why the message ended; does nothing for an empty reason.
  void RecordEnd(std::string_view stop_reason);
  void TakeUsage(bool has_output, bool is_told) {
    told_.Take({.has_output = has_output,
                .is_told = is_told,
                .has_ended = finished()});
    facts_.usage_is_final = told_.counts_all() && finished();
  }

  WireUsage usage_;
  ToldOutput told_;
  bool started_ = false;
  ResponseFacts facts_;
  absl::Status error_;
};

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_SCAN_H_
