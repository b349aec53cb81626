#include "service/tracing/span_exporter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/repeated_secret.h"
#include "service/tracing/span_reader.h"

namespace gateway {
namespace {

constexpr std::string_view kGrpcPath =
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr std::string_view kHttpPath = "/v1/traces";
// What a collector answers is little.
constexpr uint64_t kAnswerBytesMax = 256 * 1024;
constexpr size_t kIdleConnectionsMax = 1;
constexpr absl::Duration kIdleConnectionTimeout = absl::Minutes(2);

// A shorter value of a header is no secret, but may be a part of any word.
constexpr size_t kSecretBytesMin = 8;

std::string TextOf(const AttributeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return absl::StrCat(*number);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return absl::StrCat(*real);
  }
  return std::get<bool>(value) ? "true" : "false";
}

std::string AttributesText(const ReadSpan& span) {
  std::string text;
  for (const auto& [key, value] : span.attributes) {
    absl::StrAppend(&text, text.empty() ? "" : " ", key, "=", TextOf(value));
  }
  return text;
}

// Returns what a collector says without what it repeats of the headers.
std::string WithoutSecrets(const SpanExporter::Headers& headers,
                           std::string text) {
  for (const auto& [name, value] : headers) {
    const std::string_view whole = value.Reveal();
    // A token may be repeated without the scheme in front of it.
    for (const std::string_view secret :
         {whole, whole.substr(whole.rfind(' ') + 1)}) {
      if (secret.size() < kSecretBytesMin) continue;
      text = BlotOut(secret, std::move(text));
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SpanExporter>> SpanExporter::Make(
    const Options& options, SpanQueue& queue, Random& random) {
  std::unique_ptr<SpanExporter> exporter(
      new SpanExporter(options, queue, random));
  GATEWAY_RETURN_IF_ERROR(exporter->Prepare());
  return exporter;
}

absl::Status SpanExporter::Prepare() {
  if (options_.protocol == ExportProtocol::kLog) return absl::OkStatus();
  const bool by_grpc = options_.protocol == ExportProtocol::kGrpc;
  GATEWAY_ASSIGN_OR_RETURN(const BaseUrl url, ParseBaseUrl(options_.endpoint));
  GATEWAY_ASSIGN_OR_RETURN(
      destination_,
      HttpDestinationOf(url,
                        by_grpc ? HttpVersion::kHttp2 : HttpVersion::kHttp1,
                        options_.ca_file));
  destination_->timeouts = TimeoutsOf(options_.timeout);
  destination_->idle_connections_max = kIdleConnectionsMax;
  destination_->idle_connection_timeout = kIdleConnectionTimeout;
  destination_->response_bytes_limit = kAnswerBytesMax;
  path_ = url.path;
  if (by_grpc) {
    absl::StrAppend(&path_, ToAbsl(kGrpcPath));
  } else if (path_.empty()) {
    path_ = kHttpPath;
  }
  heading_ = HeadingWith(options_.headers);
  return absl::OkStatus();
}

std::shared_ptr<const SpanExporter::Heading> SpanExporter::HeadingWith(
    Headers headers) const {
  const bool by_grpc = options_.protocol == ExportProtocol::kGrpc;
  std::vector<HttpRequestHead::Field> fields;
  fields.push_back(
      {"content-type",
       Secret(by_grpc ? "application/grpc" : "application/x-protobuf"), true});
  fields.push_back({"user-agent", Secret("llmgateway"), true});
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  if (by_grpc) fields.push_back({"te", Secret("trailers"), true});
  auto heading = std::make_shared<Heading>();
  heading->head = std::make_unique<const HttpRequestHead>(
      destination_, "POST", path_, std::move(fields));
  heading->headers = std::move(headers);
  return heading;
}

void SpanExporter::SetHeaders(Headers headers) {
  if (destination_ != nullptr) heading_ = HeadingWith(std::move(headers));
}

Task<void> SpanExporter::Run(EventLoop& loop, HttpClient& http) {
  queue_.SetWakeUp([this, &loop] { loop.Post([this] { wake_.Set(); }); });
  while (!stop_.cancelled()) {
    if (!queue_.has_batch()) co_await AwaitSpans(loop);
    std::vector<KeptTraceRef> traces = queue_.Take();
    if (!traces.empty()) co_await Export(loop, http, std::move(traces));
  }
  queue_.SetWakeUp(nullptr);
  // What is left, once.
  while (true) {
    std::vector<KeptTraceRef> traces = queue_.Take();
    if (traces.empty()) break;
    co_await Export(loop, http, std::move(traces));
  }
  patience_.reset();
  ended_.Open();
}

Task<void> SpanExporter::AwaitSpans(EventLoop& loop) {
  Timer timer([this] { wake_.Set(); });
  loop.ArmTimer(timer, options_.interval);
  co_await wake_.Wait();
}

Task<void> SpanExporter::Export(EventLoop& loop, HttpClient& http,
                                std::vector<KeptTraceRef> traces) {
  if (options_.protocol == ExportProtocol::kLog) {
    WriteToLog(traces);
    co_return;
  }
  const OtlpBatch batch(options_.resource, traces,
                        options_.protocol == ExportProtocol::kGrpc);
  for (int failed = 0;; ++failed) {
    const std::shared_ptr<const Heading> heading = heading_;
    const ExportOutcome outcome = co_await Send(http, batch, *heading->head);
    if (outcome.verdict == ExportVerdict::kTaken) {
      const int64_t rejected = std::min(outcome.rejected, batch.spans());
      exported_.fetch_add(batch.spans() - rejected, std::memory_order_relaxed);
      refused_.fetch_add(rejected, std::memory_order_relaxed);
      if (rejected > 0) LogFailure(loop.Now(), outcome, *heading);
      co_return;
    }
    failures_.fetch_add(1, std::memory_order_relaxed);
    LogFailure(loop.Now(), outcome, *heading);
    const bool again =
        outcome.verdict == ExportVerdict::kLater && !stop_.cancelled();
    if (again) {
      const absl::Duration delay = std::max(
          outcome.delay.value_or(absl::ZeroDuration()), Backoff(failed));
      // Stop ends the wait, and it is tried once more.
      (co_await Sleep(loop, delay, stop_)).IgnoreError();
      continue;
    }
    refused_.fetch_add(batch.spans(), std::memory_order_relaxed);
    co_return;
  }
}

Task<ExportOutcome> SpanExporter::Send(HttpClient& http, const OtlpBatch& batch,
                                       const HttpRequestHead& head) {
  HttpProgress progress;
  HttpCall call;
  call.head = &head;
  call.body = batch.pieces();
  call.cancel = &abort_;
  call.progress = &progress;
  ExportOutcome failed = {.verdict = ExportVerdict::kLater};
  absl::StatusOr<std::unique_ptr<HttpExchange>> sent = co_await http.Send(call);
  if (!sent.ok()) {
    failed.message = std::string(sent.status().message());
    co_return failed;
  }
  const std::unique_ptr<HttpExchange> exchange = *std::move(sent);
  const int status = exchange->status();
  const std::string retry_after(exchange->Find("retry-after"));
  const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
  if (!body.ok()) {
    failed.message = std::string(body.status().message());
    co_return failed;
  }
  if (options_.protocol == ExportProtocol::kHttp || status != 200) {
    co_return OutcomeOfHttp(status, retry_after, *body);
  }
  // The client keeps what gRPC says behind the body among the fields.
  co_return OutcomeOfGrpc(exchange->Find("grpc-status"),
                          exchange->Find("grpc-message"),
                          exchange->Find("grpc-status-details-bin"), *body);
}

void SpanExporter::WriteToLog(const std::vector<KeptTraceRef>& traces) {
  for (const KeptTraceRef& trace : traces) {
    exported_.fetch_add(trace->span_count, std::memory_order_relaxed);
    if (!LogEnabled(LogLevel::kInfo, "tracing")) continue;
    for (const ReadSpan& span : ReadSpans(trace->spans)) {
      Log(LogLevel::kInfo, "tracing", "span",
          {{"trace_id", TraceIdText(span.trace)},
           {"span_id", SpanIdText(span.span)},
           {"parent_span_id", SpanIdText(span.parent)},
           {"name", span.name},
           {"start_time", absl::FormatTime(absl::RFC3339_full, span.start_time,
                                           absl::UTCTimeZone())},
           {"duration_seconds", span.end_time - span.start_time},
           {"status", span.failed ? "error" : "ok"},
           {"error", span.failure_message},
           {"attributes", AttributesText(span)}});
    }
  }
}

absl::Duration SpanExporter::Backoff(int failures) {
  absl::Duration delay = kFirstRetry;
  for (int i = 0; i < failures && delay < kLongestRetry; ++i) delay *= 2;
  delay = std::min(delay, kLongestRetry);
  return delay * (1 - random_.UniformDouble() / 2);
}

void SpanExporter::LogFailure(absl::Duration now, const ExportOutcome& outcome,
                              const Heading& heading) {
  const std::optional<int64_t> unlogged = pace_.Take(now);
  if (!unlogged.has_value()) return;
  Log(LogLevel::kWarn, "tracing", "spans could not be exported",
      {{"endpoint", options_.endpoint},
       {"error", WithoutSecrets(heading.headers, outcome.message)},
       {"again", outcome.verdict == ExportVerdict::kLater},
       {"unlogged", *unlogged}});
}

void SpanExporter::StopOnLoop(EventLoop& loop) {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
  patience_.emplace([this] {
    abort_.Cancel(absl::DeadlineExceededError(
        "the gateway is shutting down, and the collector takes too long"));
  });
  loop.ArmTimer(*patience_, kLastTimeout);
  wake_.Set();
}

void SpanExporter::Stop(EventLoop& loop) {
  loop.Post([this, &loop] { StopOnLoop(loop); });
  ended_.Wait();
}

}  // namespace gateway
