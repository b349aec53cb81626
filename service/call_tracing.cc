#include "service/call_tracing.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "proto/proto_time.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/trace_metrics.h"
#include "service/version.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::TracingConfig;

Tracer::Options TracerOptionsOf(const TracingConfig& config, size_t loops) {
  const absl::Duration slow = ToAbsl(config.slow_threshold());
  return {
      .loops = loops,
      .sampling_ratio = config.sampling_ratio(),
      .slow_threshold =
          slow > absl::ZeroDuration() ? slow : absl::InfiniteDuration(),
      .spans = {.llm_attributes = config.llm_attributes()},
      .store = {.traces = static_cast<size_t>(config.store().traces_limit()),
                .bytes = static_cast<size_t>(config.store().size_bytes_limit()),
                .ttl = ToAbsl(config.store().ttl())},
      .exports = config.exporter() != TracingConfig::EXPORTER_NONE,
      .queue = {
          .spans_max = static_cast<size_t>(config.queue_spans_limit()),
          .batch_spans = static_cast<size_t>(config.batch_spans_limit())}};
}

ExportProtocol ProtocolOf(const TracingConfig& config) {
  switch (config.exporter()) {
    case TracingConfig::EXPORTER_OTLP_HTTP:
      return ExportProtocol::kHttp;
    case TracingConfig::EXPORTER_CONSOLE:
      return ExportProtocol::kLog;
    default:
      return ExportProtocol::kGrpc;
  }
}

SpanExporter::Headers HeadersOf(const ConfigSnapshot& snapshot) {
  SpanExporter::Headers headers;
  for (const ConfigSnapshot::TracingHeader& header :
       snapshot.tracing_headers()) {
    headers.emplace_back(header.name, header.value);
  }
  return headers;
}

SpanExporter::Options ExporterOptionsOf(const ConfigSnapshot& snapshot) {
  const TracingConfig& config = snapshot.config().tracing();
  SpanExporter::Options options;
  options.protocol = ProtocolOf(config);
  options.endpoint = config.endpoint();
  options.headers = HeadersOf(snapshot);
  options.ca_file = config.ca_file();
  options.interval = ToAbsl(config.batch_interval());
  options.timeout = ToAbsl(config.timeout());
  options.resource = MakeOtlpResource(
      config.service_name(), kVersion,
      std::map<std::string, std::string>(config.resource_attributes().begin(),
                                         config.resource_attributes().end()));
  return options;
}

}  // namespace

absl::Status CallTracing::Open(const ConfigSnapshot& config,
                               MetricRegistry& registry) {
  if (!config.config().has_tracing()) return absl::OkStatus();
  const Tracer::Options options = TracerOptionsOf(
      config.config().tracing(),
      static_cast<size_t>(EventLoopCount(config.config().runtime())));
  tracer_.emplace(options, SystemClock(), SystemRandom());
  if (options.exports) {
    absl::StatusOr<std::unique_ptr<SpanExporter>> made = SpanExporter::Make(
        ExporterOptionsOf(config), tracer_->queue(), SystemRandom());
    if (!made.ok()) {
      return absl::Status(
          made.status().code(),
          absl::StrCat("tracing.endpoint: ", made.status().message()));
    }
    exporter_ = *std::move(made);
  }
  AddTraceMetrics(*tracer_, exporter_.get(), registry);
  return absl::OkStatus();
}

void CallTracing::Follow(LoopRuntime& runtime) {
  if (exporter_ == nullptr) return;
  loop_ = &runtime.loop();
  loop_->Post([this, &runtime] {
    Spawn(exporter_->Run(runtime.loop(), runtime.services().http));
  });
}

std::function<void()> CallTracing::Prepare(const ConfigSnapshot& next) {
  return [this, headers = HeadersOf(next)] {
    if (loop_ == nullptr) return;
    loop_->Post([this, headers] { exporter_->SetHeaders(headers); });
  };
}

void CallTracing::Stop() {
  if (loop_ == nullptr) return;
  exporter_->Stop(*std::exchange(loop_, nullptr));
}

}  // namespace gateway
