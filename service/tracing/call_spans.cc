#include "service/tracing/call_spans.h"

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/observability/call_words.h"
#include "service/observability/charged_cost.h"
#include "service/tracing/span_writer.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr double kNanosPerDollar = 1e9;

double Dollars(const v1::Usage& usage) {
  return static_cast<double>(usage.cost_usd_nanos()) / kNanosPerDollar;
}

void NonZero(std::string_view key, int64_t number, AttributeWriter& to) {
  if (number != 0) to.Number(key, number);
}

void WriteUsage(const v1::Usage& usage, AttributeWriter& to) {
  to.Number("gen_ai.usage.input_tokens", usage.input_tokens());
  to.Number("gen_ai.usage.output_tokens", usage.output_tokens());
  NonZero("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens(),
          to);
  NonZero("gen_ai.usage.cache_write.input_tokens", usage.cache_write_tokens(),
          to);
  NonZero("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens(), to);
  NonZero("gen_ai.usage.audio.input_tokens", usage.audio_input_tokens(), to);
  NonZero("gen_ai.usage.audio.output_tokens", usage.audio_output_tokens(), to);
  NonZero("gen_ai.usage.image.input_tokens", usage.image_input_tokens(), to);
  NonZero("gen_ai.usage.image.output_tokens", usage.image_output_tokens(), to);
  if (ChargedNanos(usage).has_value()) {
    to.Real("llmgateway.cost_usd", Dollars(usage));
  }
  if (usage.estimated()) to.Flag("llmgateway.usage_estimated", true);
}

// The names that an earlier system's spans had.
void WriteLlm(const CallRecord& record, AttributeWriter& to) {
  const v1::Usage& usage = *record.usage;
  to.Text("llm.model", record.model_served.empty() ? record.model_asked
                                                   : record.model_served);
  to.Text("llm.provider", record.provider);
  to.Number("llm.input_tokens", usage.input_tokens());
  to.Number("llm.output_tokens", usage.output_tokens());
  to.Number("llm.total_tokens", usage.input_tokens() + usage.output_tokens());
  to.Real("llm.cost_usd", Dollars(usage));
  to.Real("llm.latency_ms", absl::ToDoubleMilliseconds(record.duration));
}

void WriteProtocol(const CallRecord& record, AttributeWriter& to) {
  if (record.protocol == Protocol::kHttp) {
    to.Text("http.request.method", record.method);
    const size_t route = record.operation.find(' ');
    if (route != record.operation.npos) {
      to.Text("http.route", record.operation.substr(route + 1));
    }
    to.Text("url.path", record.path);
    NonZero("http.response.status_code", record.http_status, to);
    return;
  }
  to.Text("rpc.system.name", "grpc");
  to.Text("rpc.method", record.operation);
  to.Text("rpc.status_code", StatusCodeName(record.status_code));
}

class CallSpans {
 public:
  CallSpans(const TracedCall& call, const CallSpanOptions& options,
            Random& random, std::string* out)
      : call_(call),
        record_(call.record),
        options_(options),
        random_(random),
        operation_(GenAiOperationOf(call.record.operation)),
        spans_(out) {}

  int Write() {
    WriteCall();
    if (call_.trace.queue.has_value()) {
      WritePart("queue", *call_.trace.queue);
      spans_.End();
    }
    if (call_.trace.cache.has_value()) {
      WritePart("cache lookup", *call_.trace.cache);
      spans_.attributes().Text("llmgateway.cache", record_.cache);
      spans_.End();
    }
    if (call_.trace.budgets.has_value()) {
      WritePart("budget check", *call_.trace.budgets);
      spans_.End();
    }
    for (const TracedCommit& each : call_.trace.commits) WriteCommit(each);
    for (const TracedAttempt& each : call_.attempts) WriteAttempt(each);
    return spans_.count();
  }

 private:
  SpanHead HeadOf(SpanId span) const {
    return {.trace = call_.trace.trace(),
            .span = span,
            .parent = call_.trace.span(),
            .flags = call_.trace.flags(),
            .state = call_.trace.state()};
  }

  // That of the attempt that answered, or else of the last; empty without any.
  std::string_view VendorOfCall() const {
    std::string_view vendor;
    for (const TracedAttempt& each : call_.attempts) {
      vendor = each.vendor;
      if (each.attempt->answered) break;
    }
    return vendor;
  }

  void WriteCall();
  void WriteCaller(AttributeWriter& to) const;
  SpanHead HeadOfPart(std::string_view name, const TracedPart& part) const;
  void WritePart(std::string_view name, const TracedPart& part);
  void WriteCommit(const TracedCommit& commit);
  void WriteAttempt(const TracedAttempt& traced);

  const TracedCall& call_;
  const CallRecord& record_;
  const CallSpanOptions& options_;
  Random& random_;
  const std::string_view operation_;
  SpanWriter spans_;
};

void CallSpans::WriteCall() {
  SpanHead head = HeadOf(call_.trace.span());
  head.parent = call_.trace.parent();
  head.parent_is_remote = head.parent != 0;
  head.name = record_.operation;
  head.kind = SpanKind::kServer;
  head.start_time = record_.start_time;
  head.duration = record_.duration;
  head.failed = record_.status_code != absl::StatusCode::kOk;
  head.failure_message = record_.error_message;
  spans_.Begin(head);
  AttributeWriter& to = spans_.attributes();
  WriteProtocol(record_, to);
  to.Text("error.type", ErrorReasonName(record_.error_reason));
  to.Text("gen_ai.operation.name", operation_);
  to.Text("gen_ai.provider.name", GenAiProviderOf(VendorOfCall()));
  to.Text("gen_ai.request.model", record_.model_asked);
  to.Text("gen_ai.response.model", record_.model_served);
  if (record_.stream) to.Flag("gen_ai.request.stream", true);
  to.TextList("gen_ai.response.finish_reasons",
              FinishReasonWord(record_.finish_reason));
  if (record_.time_to_first_token.has_value()) {
    to.Real("gen_ai.response.time_to_first_chunk",
            absl::ToDoubleSeconds(*record_.time_to_first_token));
  }
  to.Text("gen_ai.conversation.id", record_.scope.session_id);
  WriteUsage(*record_.usage, to);
  WriteCaller(to);
  if (options_.llm_attributes) WriteLlm(record_, to);
  spans_.End();
}

void CallSpans::WriteCaller(AttributeWriter& to) const {
  to.Text("llmgateway.request_id", record_.request_id);
  to.Text("llmgateway.caller", record_.caller);
  to.Text("llmgateway.node", call_.node);
  to.Text("llmgateway.agent_type", record_.scope.agent_type);
  to.Text("llmgateway.project_id", record_.scope.project_id);
  to.Text("llmgateway.provider", record_.provider);
  to.Text("llmgateway.route_reason", record_.route_reason);
  to.Text("llmgateway.cache", record_.cache);
  to.Text("llmgateway.answer_of", record_.answer_of);
  to.Number("llmgateway.attempts", static_cast<int64_t>(call_.attempts.size()));
}

SpanHead CallSpans::HeadOfPart(std::string_view name,
                               const TracedPart& part) const {
  SpanHead head = HeadOf(call_.trace.NewSpan(random_));
  head.name = name;
  head.start_time = record_.start_time + (part.begin - call_.arrival);
  head.duration = part.end - part.begin;
  return head;
}

void CallSpans::WritePart(std::string_view name, const TracedPart& part) {
  spans_.Begin(HeadOfPart(name, part));
}

void CallSpans::WriteCommit(const TracedCommit& commit) {
  SpanHead head = HeadOfPart("ledger commit", commit.part);
  head.failed = commit.status != absl::StatusCode::kOk;
  spans_.Begin(head);
  AttributeWriter& to = spans_.attributes();
  to.Text("db.system.name", call_.ledger_system);
  to.Text("db.operation.name", "commit");
  if (head.failed) to.Text("error.type", StatusCodeName(commit.status));
  to.Text("llmgateway.ledger.event_type", commit.event_type);
  to.Number("llmgateway.ledger.entries", commit.entries);
  spans_.End();
}

void CallSpans::WriteAttempt(const TracedAttempt& traced) {
  const CallAttempt& attempt = *traced.attempt;
  SpanHead head = HeadOf(traced.span);
  const std::string name =
      absl::StrCat(ToAbsl(operation_), " ", ToAbsl(attempt.model));
  head.name = name;
  head.kind = SpanKind::kClient;
  head.start_time = attempt.start_time;
  head.duration = attempt.duration;
  head.failed = attempt.error_reason != v1::ERROR_REASON_UNSPECIFIED;
  head.failure_message = attempt.error_message;
  spans_.Begin(head);
  AttributeWriter& to = spans_.attributes();
  to.Text("error.type", ErrorReasonName(attempt.error_reason));
  to.Text("gen_ai.operation.name", operation_);
  to.Text("gen_ai.provider.name", GenAiProviderOf(traced.vendor));
  to.Text("gen_ai.request.model", attempt.model);
  if (record_.stream) to.Flag("gen_ai.request.stream", true);
  if (attempt.time_to_first_token.has_value()) {
    to.Real("gen_ai.response.time_to_first_chunk",
            absl::ToDoubleSeconds(*attempt.time_to_first_token));
  }
  if (attempt.usage != nullptr) WriteUsage(*attempt.usage, to);
  NonZero("http.response.status_code", attempt.http_status, to);
  to.Text("llmgateway.provider", attempt.provider);
  to.Text("llmgateway.attempt.kind", AttemptKindWord(attempt.kind));
  to.Text("llmgateway.attempt.cause", ErrorReasonName(attempt.cause));
  to.Flag("llmgateway.attempt.answered", attempt.answered);
  to.Flag("llmgateway.attempt.reused_connection", attempt.reused_connection);
  to.Text("llmgateway.provider_request_id", attempt.provider_request_id);
  to.Text("llmgateway.dispatch_entry_id", traced.dispatch_entry_id);
  to.Text("llmgateway.exchange_entry_id", traced.exchange_entry_id);
  if (attempt.first_byte.has_value()) {
    to.Real("llmgateway.attempt.first_byte_seconds",
            absl::ToDoubleSeconds(*attempt.first_byte));
  }
  spans_.End();
}

}  // namespace

int WriteCallSpans(const TracedCall& call, const CallSpanOptions& options,
                   Random& random, std::string* out) {
  return CallSpans(call, options, random, out).Write();
}

std::string_view GenAiOperationOf(std::string_view operation) {
  const auto has = [operation](std::string_view text) {
    return operation.find(text) != operation.npos;
  };
  if (has("embeddings") || has("/Embed")) return "embeddings";
  // The conventions have no name for these.
  if (has("ount") && (has("okens"))) return "count_tokens";
  if (has("/input_tokens")) return "count_tokens";
  if (has("/responses/{id}")) return "retrieve";
  if (has("enerateContent")) return "generate_content";
  return "chat";
}

std::string_view GenAiProviderOf(std::string_view vendor) {
  using Names = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Names, 4> kNames = {{
      {"azure_openai", "azure.ai.openai"},
      {"gemini", "gcp.gemini"},
      {"mistral", "mistral_ai"},
      {"xai", "x_ai"},
  }};
  for (const auto& [kind, name] : kNames) {
    if (vendor == kind) return name;
  }
  return vendor;
}

}  // namespace gateway
