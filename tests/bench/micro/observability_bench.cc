// What recording a call and cutting a stream cost, in nanoseconds.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/clock.h"
#include "base/text/sse_parser.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"

namespace gateway {
namespace {

// Prints the best of a few rounds, since others share the machine.
void Measure(const char* name, int runs, const std::function<void()>& run) {
  constexpr int kRounds = 7;
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration start = SystemClock().SteadyTime();
    for (int i = 0; i < runs; ++i) run();
    const absl::Duration taken = SystemClock().SteadyTime() - start;
    best = std::min(best, absl::ToDoubleNanoseconds(taken) / runs);
  }
  printf("%-44s %10.1f ns\n", name, best);
}

const CallAttempt kAttempt = {.provider = "openai", .reused_connection = true};

CallRecord Answered() {
  CallRecord record;
  record.request_id = "8c6f0e3d5b7a49128c6f0e3d5b7a4912";
  record.protocol = Protocol::kHttp;
  record.method = "POST";
  record.path = "/v1/chat/completions";
  record.operation = "POST /v1/chat/completions";
  record.caller = "team-a";
  record.start_time = SystemClock().WallTime();
  record.duration = absl::Microseconds(678123);
  record.overhead = absl::Microseconds(31);
  record.time_to_first_token = absl::Microseconds(79001);
  record.model_asked = "gpt-5-mini-2025-08-07";
  record.provider = "openai";
  record.model_served = "gpt-5-mini-2025-08-07";
  record.route_reason = "model_rule:gpt-";
  static constexpr const CallAttempt* kAttempts[] = {&kAttempt};
  record.attempts = kAttempts;
  record.http_status = 200;
  static const auto& usage = *[] {
    auto* usage = new llmgateway::v1::Usage;
    usage->set_input_tokens(1234);
    usage->set_output_tokens(567);
    return usage;
  }();
  record.usage = &usage;
  record.request_bytes = 4321;
  record.response_bytes = 6543;
  return record;
}

void MeasureRecording() {
  const CallRecord record = Answered();
  Measure("access log: format a line, into a new string", 100000,
          [&] { AccessLogLine(record); });
  absl::StatusOr<std::unique_ptr<AccessLog>> log =
      AccessLog::Open({.file = "/dev/null"});
  if (!log.ok()) return;
  AccessLogShard& log_shard = (*log)->AddShard();
  Measure("access log: write a line", 100000, [&] { log_shard.Write(record); });
  printf("%-44s %10llu\n", "  lines dropped",
         static_cast<unsigned long long>((*log)->DroppedLines()));

  MetricRegistry registry(SystemClock());
  CallMetrics metrics(registry, {});
  CallMetricsShard& metrics_shard = metrics.AddShard();
  Measure("metrics: count a call", 100000,
          [&] { metrics_shard.Count(record); });
  RequestFeed feed({});
  Measure("feed: publish to nobody", 1000000, [&] { feed.Publish(record); });
}

void MeasureParsing(const char* name, std::string_view stream,
                    size_t piece_bytes) {
  size_t events = 0;
  Measure(name, 200, [&] {
    SseParser parser(1 << 20);
    SseEvent event;
    events = 0;
    for (size_t begin = 0; begin < stream.size(); begin += piece_bytes) {
      if (!parser.Feed(stream.substr(begin, piece_bytes)).ok()) return;
      while (parser.Next(&event)) ++events;
    }
  });
  printf("%-44s %10zu events of %zu bytes each\n", "  in which", events,
         events == 0 ? 0 : stream.size() / events);
}

}  // namespace
}  // namespace gateway

int main() {
  gateway::MeasureRecording();

  std::string stream;
  for (int i = 0; i < 1000; ++i) {
    stream +=
        "data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\","
        "\"created\":1767323045,\"model\":\"gpt-5-mini\",\"choices\":[{"
        "\"index\":0,\"delta\":{\"content\":\" word\"},"
        "\"finish_reason\":null}]}\n\n";
  }
  gateway::MeasureParsing("sse: 1000 events, whole", stream, stream.size());
  gateway::MeasureParsing("sse: 1000 events, reads of 16 KiB", stream, 16384);
  gateway::MeasureParsing("sse: 1000 events, one per read", stream,
                          stream.size() / 1000);
  gateway::MeasureParsing("sse: 1000 events, reads of 64 bytes", stream, 64);
  return 0;
}
