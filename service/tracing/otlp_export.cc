#include "service/tracing/otlp_export.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "service/tracing/otlp_fields.h"
#include "service/tracing/span_writer.h"
#include "service/tracing/wire.h"

namespace gateway {
namespace {

constexpr std::string_view kScopeName = "llmgateway";
// gRPC's: whether it is compressed, and the length.
constexpr size_t kFrameHeadBytes = 5;
// Nobody is left alone for longer.
constexpr absl::Duration kDelayMax = absl::Minutes(5);
constexpr size_t kMessageBytesMax = 256;

// Fields of google.rpc's and protobuf's own messages.
constexpr int kStatusDetails = 3;
constexpr int kAnyTypeUrl = 1;
constexpr int kAnyValue = 2;
constexpr int kRetryDelay = 1;
constexpr int kDurationSeconds = 1;
constexpr int kDurationNanos = 2;
constexpr std::string_view kRetryInfo = "google.rpc.RetryInfo";

constexpr int kResourceExhausted = 8;

std::string FrameHead(size_t bytes) {
  std::string head(kFrameHeadBytes, '\0');
  for (size_t i = 0; i < 4; ++i) {
    head[1 + i] = static_cast<char>(bytes >> (8 * (3 - i)));
  }
  return head;
}

// The message of an answer by gRPC; nothing if it is none, or compressed.
std::optional<std::string_view> Unframed(std::string_view body) {
  if (body.size() < kFrameHeadBytes || body[0] != 0) return std::nullopt;
  size_t size = 0;
  for (const char c : body.substr(1, 4)) {
    size = size << 8 | static_cast<uint8_t>(c);
  }
  body.remove_prefix(kFrameHeadBytes);
  if (body.size() < size) return std::nullopt;
  return body.substr(0, size);
}

// What an ExportTraceServiceResponse says.
ExportOutcome Taken(std::string_view response) {
  ExportOutcome outcome;
  WireReader wire(response);
  while (wire.Next()) {
    if (wire.field() != otlp::export_response::kPartialSuccess) continue;
    WireReader partial(wire.bytes());
    while (partial.Next()) {
      if (partial.field() == otlp::partial_success::kRejectedSpans) {
        outcome.rejected =
            std::max<int64_t>(static_cast<int64_t>(partial.number()), 0);
      } else if (partial.field() == otlp::partial_success::kErrorMessage) {
        outcome.message = CutText(partial.bytes(), kMessageBytesMax);
      }
    }
  }
  return outcome;
}

absl::Duration Bounded(absl::Duration delay) {
  return std::clamp(delay, absl::ZeroDuration(), kDelayMax);
}

std::optional<absl::Duration> DelayOfRetryInfo(std::string_view bytes) {
  WireReader info(bytes);
  while (info.Next()) {
    if (info.field() != kRetryDelay) continue;
    absl::Duration delay;
    WireReader wire(info.bytes());
    while (wire.Next()) {
      const auto number = static_cast<int64_t>(wire.number());
      if (wire.field() == kDurationSeconds) delay += absl::Seconds(number);
      if (wire.field() == kDurationNanos) delay += absl::Nanoseconds(number);
    }
    return Bounded(delay);
  }
  return std::nullopt;
}

// The delay that a google.rpc.Status has among its details.
std::optional<absl::Duration> DelayOfDetails(std::string_view encoded) {
  std::string bytes;
  if (!absl::Base64Unescape(ToAbsl(encoded), &bytes)) return std::nullopt;
  WireReader status(bytes);
  while (status.Next()) {
    if (status.field() != kStatusDetails) continue;
    WireReader any(status.bytes());
    bool is_retry_info = false;
    std::string_view value;
    while (any.Next()) {
      if (any.field() == kAnyTypeUrl) {
        is_retry_info = any.bytes().ends_with(kRetryInfo);
      } else if (any.field() == kAnyValue) {
        value = any.bytes();
      }
    }
    if (is_retry_info) return DelayOfRetryInfo(value);
  }
  return std::nullopt;
}

bool MaySendAgainByGrpc(int code, bool has_delay) {
  switch (code) {
    case 1:   // CANCELLED
    case 4:   // DEADLINE_EXCEEDED
    case 10:  // ABORTED
    case 11:  // OUT_OF_RANGE
    case 14:  // UNAVAILABLE
    case 15:  // DATA_LOSS
      return true;
    case kResourceExhausted:
      return has_delay;
    default:
      return false;
  }
}

}  // namespace

OtlpResource MakeOtlpResource(
    std::string_view service_name, std::string_view version,
    const std::map<std::string, std::string>& attributes) {
  std::string fields;
  AttributeWriter to(otlp::resource::kAttributes, &fields);
  to.Text("service.name", service_name);
  to.Text("service.version", version);
  for (const auto& [key, value] : attributes) to.Text(key, value);
  OtlpResource resource;
  WireWriter(&resource.resource, BytesFieldMax(fields.size()))
      .Bytes(otlp::resource_spans::kResource, fields);
  fields.clear();
  {
    WireWriter scope(&fields, BytesFieldMax(kScopeName.size()) +
                                  BytesFieldMax(version.size()));
    scope.Bytes(otlp::scope::kName, kScopeName);
    scope.Bytes(otlp::scope::kVersion, version);
  }
  WireWriter(&resource.scope, BytesFieldMax(fields.size()))
      .Bytes(otlp::scope_spans::kScope, fields);
  return resource;
}

OtlpBatch::OtlpBatch(const OtlpResource& resource,
                     absl::Span<const KeptTraceRef> traces, bool framed) {
  size_t spans_bytes = resource.scope.size();
  for (const KeptTraceRef& trace : traces) {
    spans_bytes += trace->spans.size();
    spans_ += trace->span_count;
  }
  std::string scope_head;
  WireWriter(&scope_head, kNumberFieldMax)
      .BytesHead(otlp::resource_spans::kScopeSpans, spans_bytes);
  const size_t resource_bytes =
      resource.resource.size() + scope_head.size() + spans_bytes;
  std::string request_head;
  WireWriter(&request_head, kNumberFieldMax)
      .BytesHead(otlp::export_request::kResourceSpans, resource_bytes);
  if (framed) head_ = FrameHead(request_head.size() + resource_bytes);
  absl::StrAppend(&head_, request_head, resource.resource, scope_head,
                  resource.scope);
  pieces_.reserve(1 + traces.size());
  pieces_.push_back(head_);
  for (const KeptTraceRef& trace : traces) pieces_.push_back(trace->spans);
}

ExportOutcome OutcomeOfHttp(int status, std::string_view retry_after,
                            std::string_view body) {
  if (status >= 200 && status < 300) return Taken(body);
  ExportOutcome outcome = {
      .verdict = ExportVerdict::kRefused,
      .message = absl::StrCat("the collector answered ", status)};
  if (status != 429 && status != 502 && status != 503 && status != 504) {
    return outcome;
  }
  outcome.verdict = ExportVerdict::kLater;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(absl::StripAsciiWhitespace(ToAbsl(retry_after)),
                       &seconds) &&
      seconds >= 0) {
    outcome.delay = Bounded(absl::Seconds(seconds));
  }
  return outcome;
}

ExportOutcome OutcomeOfGrpc(std::string_view status, std::string_view message,
                            std::string_view details, std::string_view body) {
  int code = 0;
  if (!absl::SimpleAtoi(ToAbsl(status), &code)) {
    return {.verdict = ExportVerdict::kLater,
            .message = "the collector's answer has no grpc-status"};
  }
  if (code == 0) {
    const std::optional<std::string_view> response = Unframed(body);
    return response.has_value() ? Taken(*response) : ExportOutcome{};
  }
  ExportOutcome outcome;
  outcome.delay = DelayOfDetails(details);
  outcome.verdict = MaySendAgainByGrpc(code, outcome.delay.has_value())
                        ? ExportVerdict::kLater
                        : ExportVerdict::kRefused;
  outcome.message =
      absl::StrCat("the collector answered with grpc-status ", code, ": ",
                   ToAbsl(CutText(message, kMessageBytesMax)));
  return outcome;
}

}  // namespace gateway
