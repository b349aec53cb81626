// Calls that have ended, for tests of their traces.
//
//   TestCall call;
//   call.record.duration = absl::Seconds(2);
//   Record(tracer.shard(0), call, clock.SteadyTime());

#ifndef TESTS_SERVICE_TRACING_TRACED_CALLS_H_
#define TESTS_SERVICE_TRACING_TRACED_CALLS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/tracing/call_spans.h"
#include "service/tracing/call_trace.h"
#include "service/tracing/kept_trace.h"
#include "service/tracing/span_reader.h"
#include "service/tracing/trace_statistics.h"
#include "service/tracing/tracer.h"
#include "tests/testing/fake_random.h"

namespace gateway {

// One of a chat, which nobody was asked for unless attempts are added.
struct TestCall {
  explicit TestCall(std::string_view traceparent = "",
                    std::string_view tracestate = "", double ratio = 1)
      : trace(CallTrace::Begin(traceparent, tracestate, SampledShare(ratio),
                               Chance())) {
    record.request_id = "request-1";
    record.protocol = Protocol::kHttp;
    record.operation = "POST /v1/chat/completions";
    record.method = "POST";
    record.path = "/v1/chat/completions";
    record.model_asked = "gpt-x";
    record.start_time = absl::FromUnixSeconds(1767323045);
    record.duration = absl::Milliseconds(120);
    record.http_status = 200;
    record.usage = &usage;
  }

  static FakeRandom& Chance() {
    static FakeRandom& random = *new FakeRandom(11);
    return random;
  }

  CallAttempt& AddAttempt(std::string_view provider, std::string_view model) {
    CallAttempt& attempt = attempts.emplace_back();
    attempt.provider = provider;
    attempt.model = model;
    attempt.start_time = record.start_time + absl::Milliseconds(1);
    attempt.duration = absl::Milliseconds(100);
    traced_attempts.push_back({.attempt = &attempt,
                               .span = trace->NewSpan(Chance()),
                               .vendor = provider});
    return attempt;
  }

  void Fail(absl::StatusCode code, llmgateway::v1::ErrorReason reason,
            std::string_view message) {
    record.status_code = code;
    record.error_reason = reason;
    record.error_message = message;
  }

  // Valid as long as this is and stays.
  TracedCall traced() {
    pointers.clear();
    for (const CallAttempt& each : attempts) pointers.push_back(&each);
    record.attempts = pointers;
    return {.record = record,
            .trace = *trace,
            .attempts = traced_attempts,
            .node = node,
            .capabilities = capabilities,
            .ledger_system = ledger_system,
            .arrival = absl::Hours(1)};
  }

  // The same; it ends at the steady time `now`.
  CountedCall counted(absl::Duration now) const {
    return {.record = record,
            .node = node,
            .capabilities = capabilities,
            .now = now};
  }

  KeptTraceRef kept() {
    return std::make_shared<const KeptTrace>(traced(), CallSpanOptions(),
                                             Chance());
  }

  CallRecord record;
  llmgateway::v1::Usage usage;
  std::unique_ptr<CallTrace> trace;
  std::deque<CallAttempt> attempts;
  std::vector<TracedAttempt> traced_attempts;
  std::vector<const CallAttempt*> pointers;
  std::string_view node;
  std::string_view ledger_system;
  std::vector<std::string_view> capabilities;
};

// Records a call that ends at the steady time `now`.
inline void Record(TraceShard& shard, TestCall& call, absl::Duration now) {
  if (shard.Count(*call.trace, call.counted(now))) shard.Keep(call.traced());
}

// The attribute as a text; `none` if it has none of that name.
inline std::string AttributeOf(const ReadSpan& span, std::string_view key) {
  for (const auto& [name, value] : span.attributes) {
    if (name != key) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<int64_t>(&value)) {
      return std::to_string(*number);
    }
    if (const auto* real = std::get_if<double>(&value)) {
      return std::to_string(*real);
    }
    return std::get<bool>(value) ? "true" : "false";
  }
  return "none";
}

}  // namespace gateway

#endif  // TESTS_SERVICE_TRACING_TRACED_CALLS_H_
