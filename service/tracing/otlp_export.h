// What an export is by OTLP, and what its answer means: by gRPC as by HTTP, as
// the protocol's specification has it.
//
//   OtlpBatch batch(resource, traces, /*framed=*/true);
//   call.body = batch.pieces();
//   ...
//   const ExportOutcome outcome = OutcomeOfGrpc(status, details, body);
//   if (outcome.verdict == ExportVerdict::kLater) Wait(outcome.delay);
//
// Thread-safe: plain functions, and a batch is immutable.

#ifndef SERVICE_TRACING_OTLP_EXPORT_H_
#define SERVICE_TRACING_OTLP_EXPORT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/tracing/kept_trace.h"

namespace gateway {

// Who says what is exported: written once, for all exports.
struct OtlpResource {
  // As fields of a ResourceSpans and of a ScopeSpans.
  std::string resource;
  std::string scope;
};

// The attributes besides the name; the version is that of the program.
OtlpResource MakeOtlpResource(
    std::string_view service_name, std::string_view version,
    const std::map<std::string, std::string>& attributes);

// An ExportTraceServiceRequest, in pieces of which most are the traces' own.
class OtlpBatch {
 public:
  // With `framed` as a message of gRPC. Borrows the traces.
  OtlpBatch(const OtlpResource& resource, absl::Span<const KeptTraceRef> traces,
            bool framed);

  OtlpBatch(const OtlpBatch&) = delete;
  OtlpBatch& operator=(const OtlpBatch&) = delete;

  absl::Span<const std::string_view> pieces() const { return pieces_; }
  int64_t spans() const { return spans_; }

 private:
  std::string head_;
  std::vector<std::string_view> pieces_;
  int64_t spans_ = 0;
};

// What is to become of spans that were sent.
enum class ExportVerdict {
  kTaken,
  kLater,    // They may be sent again.
  kRefused,  // They may not.
};

struct ExportOutcome {
  ExportVerdict verdict = ExportVerdict::kTaken;
  // Of those that were taken, how many were not.
  int64_t rejected = 0;
  // Why, in words; empty if there is nothing to say.
  std::string message;
  // How long the collector wants to be left alone; nothing if it does not say.
  std::optional<absl::Duration> delay;
};

// `retry_after` and `body` may be empty.
ExportOutcome OutcomeOfHttp(int status, std::string_view retry_after,
                            std::string_view body);

// `status` is `grpc-status`, which is empty if the answer has none; `details`
// is `grpc-status-details-bin`, and `body` the answer's bytes.
ExportOutcome OutcomeOfGrpc(std::string_view status, std::string_view message,
                            std::string_view details, std::string_view body);

}  // namespace gateway

#endif  // SERVICE_TRACING_OTLP_EXPORT_H_
