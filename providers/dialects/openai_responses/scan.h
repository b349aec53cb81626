// The raw path of the Responses format: reads what the stages need of requests
// and answers whose bytes are forwarded untouched.
//
// Thread-safe: plain functions. ResponsesTap belongs to one stream.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_SCAN_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_SCAN_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "providers/dialects/dialect.h"

namespace gateway::responses {

// What a request says of kept answers, which decides whether its bytes can be
// forwarded at all.
struct StateScan {
  std::string previous_response_id;  // Empty if absent.
  std::optional<bool> store;
  bool background = false;
  bool conversation = false;
  // The index of the first item of the input that only names what the provider
  // has stored, such as an `item_reference`.
  std::optional<int> stored_item;
};

// Reads the top level in one pass. A repeated key that a policy or the price of
// the call depends on is refused, naming it.
absl::Status ScanRequest(std::string_view body, RequestScan* scan);
absl::Status ScanState(std::string_view body, StateScan* state);

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts);

// Checks events by their names; only the first and the last are parsed.
class ResponsesTap final : public StreamTap {
 public:
  absl::StatusOr<EventKind> OnEvent(std::string_view name,
                                    std::string_view data) override;
  const ResponseFacts& facts() const override { return facts_; }
  absl::Status error() const override { return error_; }
  bool finished() const override {
    return facts_.finish_reason != v1::FINISH_REASON_UNSPECIFIED;
  }

 private:
  ResponseFacts facts_;
  absl::Status error_;
};

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_SCAN_H_
