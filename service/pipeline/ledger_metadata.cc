#include "service/pipeline/ledger_metadata.h"

#include <cstdint>

#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/ledger/metadata_writer.h"
#include "service/observability/call_words.h"

namespace gateway {
namespace {

// As earlier systems have it.
std::string_view FinishWord(v1::FinishReason reason) {
  return reason == v1::FINISH_REASON_TOOL_CALLS ? "tool_use"
                                                : FinishReasonWord(reason);
}

void AddCount(const MemberName& name, int64_t count, MetadataWriter* out) {
  if (count != 0) out->AddInt(name, count);
}

// All that a cost is computed from; what is zero is left out.
void AddUsageMembers(const v1::Usage& usage, MetadataWriter out) {
  AddCount("audio_input_tokens", usage.audio_input_tokens(), &out);
  AddCount("audio_output_tokens", usage.audio_output_tokens(), &out);
  AddCount("cache_write_1h_tokens", usage.cache_write_1h_tokens(), &out);
  AddCount("cache_write_tokens", usage.cache_write_tokens(), &out);
  AddCount("cached_input_tokens", usage.cached_input_tokens(), &out);
  AddCount("image_input_tokens", usage.image_input_tokens(), &out);
  AddCount("image_output_tokens", usage.image_output_tokens(), &out);
  AddCount("input_tokens", usage.input_tokens(), &out);
  AddCount("output_tokens", usage.output_tokens(), &out);
  AddCount("reasoning_tokens", usage.reasoning_tokens(), &out);
}

std::string_view TierThatServed(const Attempt& attempt) {
  const v1::GenerateResponse* const response = attempt.answer.response;
  return response == nullptr
             ? std::string_view(attempt.answer.facts.service_tier)
             : std::string_view(response->service_tier());
}

// What only this gateway says of an attempt.
void AddGateway(const PlannedCall& call, const Attempt& attempt,
                const v1::Usage& usage, std::string_view note_hash,
                MetadataWriter out) {
  out.AddText("attempt", AttemptKindWord(attempt.kind));
  out.AddText("caller", call.caller->id);
  out.AddBool("cost_known", usage.cost_known());
  out.AddInt("cost_usd_nanos", usage.cost_usd_nanos());
  out.AddBool("estimated", usage.estimated());
  out.AddInt("http_status", attempt.http_status);
  out.AddText("model_asked", call.recorded_model);
  if (!note_hash.empty()) out.AddText("note_hash", note_hash);
  out.AddText("operation", call.facts.operation);
  out.AddText("priced_as", attempt.priced_as);
  out.AddText("project_id", call.admitted.scope.project_id);
  out.AddText("provider", attempt.provider);
  if (usage.has_provider_cost_usd_nanos()) {
    out.AddInt("provider_cost_usd_nanos", usage.provider_cost_usd_nanos());
  }
  out.AddText("provider_request_id", attempt.provider_request_id);
  out.AddText("request_id", call.facts.request_id);
  out.AddText("service_tier", TierThatServed(attempt));
  // Whose prices hold.
  out.AddTime("start_time", call.start_time);
  out.AddBool("stream", call.facts.stream);
  AddUsageMembers(usage, out.Object("usage"));
  out.AddText("user_id", call.admitted.scope.user_id);
}

v1::FinishReason FinishReasonOfAttempt(const ProviderAnswer& answer) {
  const v1::GenerateResponse* const whole = answer.response;
  if (whole == nullptr || whole->choices().empty()) {
    return answer.facts.finish_reason;
  }
  return whole->choices(0).finish_reason();
}

// How an exchange ended, in the words of entries.
struct Ending {
  std::string_view outcome;
  std::string_view code;
  std::string_view message;
};

std::string WriteExchange(const PlannedCall& call, const Attempt& attempt,
                          const ExchangeTexts& texts, const Ending& ending,
                          const v1::Usage& usage) {
  const CallScope& scope = call.admitted.scope;
  const bool succeeded = ending.outcome == "success";
  std::string metadata;
  metadata.reserve(1024 + texts.prompt.size() + texts.response.size());
  {
    MetadataWriter out(&metadata);
    out.AddText("agent_id", scope.agent_id);
    out.AddText("context_hash", texts.context_hash);
    out.AddText("contract_id", scope.contract_id);
    out.AddText("dispatch_entry_id", texts.dispatch_id);
    if (!succeeded) {
      out.AddText("error_code", ending.code);
      out.AddText("error_message", ending.message);
    } else {
      out.AddText("finish_reason",
                  FinishWord(FinishReasonOfAttempt(attempt.answer)));
    }
    out.AddText("framework_id", scope.framework_id);
    AddGateway(call, attempt, usage, texts.note_hash, out.Object("gateway"));
    if (succeeded) out.AddInt("input_tokens", usage.input_tokens());
    out.AddFloat("latency_ms", absl::ToDoubleMilliseconds(attempt.duration));
    out.AddText("model_id", attempt.model);
    out.AddText("outcome", ending.outcome);
    if (succeeded) out.AddInt("output_tokens", usage.output_tokens());
    out.AddText("prompt", texts.prompt);
    out.AddText("response", texts.response);
    out.AddText("session_id", scope.session_id);
    out.AddText("tier", scope.tier);
    out.AddText("work_order_id", scope.work_order_id);
  }
  return metadata;
}

bool IsTimeout(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_PROVIDER_TIMEOUT ||
         reason == v1::ERROR_REASON_DEADLINE_EXCEEDED;
}

}  // namespace

std::string_view LedgerCode(v1::ErrorReason reason, bool refused) {
  switch (reason) {
    case v1::ERROR_REASON_INVALID_REQUEST:
      return refused ? "INVALID_INPUT" : "INVALID_REQUEST";
    case v1::ERROR_REASON_API_KEY_INVALID:
    case v1::ERROR_REASON_API_KEY_EXPIRED:
    case v1::ERROR_REASON_API_KEY_DISABLED:
    case v1::ERROR_REASON_FORBIDDEN:
    case v1::ERROR_REASON_MODEL_NOT_ALLOWED:
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
      return "AUTH_ERROR";
    case v1::ERROR_REASON_BUDGET_EXCEEDED:
      return "BUDGET_EXHAUSTED";
    case v1::ERROR_REASON_RATE_LIMITED:
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      return "RATE_LIMITED";
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return "TIMEOUT";
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return "SERVER_ERROR";
    case v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
      return "PROVIDER_ERROR";
    default:
      return ReasonName(reason);
  }
}

std::string_view RefusalCode(const absl::Status& refusal) {
  const v1::ErrorReason reason = FaultReason(refusal);
  if (reason == v1::ERROR_REASON_BUDGET_EXCEEDED) {
    const std::string code = FaultMetadata(refusal, "code");
    for (const std::string_view each :
         {"HIERARCHY_EXCEEDED", "TURN_LIMIT", "NOT_ALLOCATED"}) {
      if (code == each) return each;
    }
  }
  return LedgerCode(reason, /*refused=*/true);
}

std::string DispatchMetadata(const PlannedCall& call,
                             std::string_view note_hash) {
  const CallScope& scope = call.admitted.scope;
  std::string metadata;
  metadata.reserve(384);
  {
    MetadataWriter out(&metadata);
    out.AddText("agent_id", scope.agent_id);
    out.AddText("contract_id", scope.contract_id);
    {
      MetadataWriter own = out.Object("gateway");
      own.AddText("caller", call.caller->id);
      own.AddText("note_hash", note_hash);
      own.AddText("request_id", call.facts.request_id);
    }
    out.AddText("session_id", scope.session_id);
  }
  return metadata;
}

std::string ExchangeMetadata(const PlannedCall& call, const Attempt& attempt,
                             const ExchangeTexts& texts) {
  Ending ending = {.outcome = "success"};
  if (!attempt.status.ok()) {
    ending.outcome = IsTimeout(attempt.error_reason) ? "timeout" : "error";
    ending.code = LedgerCode(attempt.error_reason, /*refused=*/false);
    ending.message = attempt.error_message;
  }
  return WriteExchange(call, attempt, texts, ending,
                       attempt.usage == nullptr ? v1::Usage::default_instance()
                                                : *attempt.usage);
}

std::string UnknownExchangeMetadata(const PlannedCall& call,
                                    const Attempt& attempt,
                                    const ExchangeTexts& texts,
                                    const v1::Usage& estimate) {
  return WriteExchange(call, attempt, texts,
                       {.outcome = "unknown", .code = "UNKNOWN", .message = ""},
                       estimate);
}

std::string RejectionMetadata(const Call& call, const absl::Status& refusal,
                              std::string_view told,
                              std::string_view note_hash, int64_t others) {
  const CallScope& scope = call.admitted.scope;
  std::string metadata;
  {
    MetadataWriter out(&metadata);
    out.AddText("agent_id", scope.agent_id);
    out.AddText("contract_id", scope.contract_id);
    out.AddText("error_code", RefusalCode(refusal));
    out.AddText("error_message", told);
    {
      MetadataWriter own = out.Object("gateway");
      own.AddText("caller", call.caller->id);
      own.AddText("model_asked", call.recorded_model);
      if (!note_hash.empty()) own.AddText("note_hash", note_hash);
      own.AddText("operation", call.facts.operation);
      own.AddText("request_id", call.facts.request_id);
      if (others > 0) own.AddInt("stands_for", others);
    }
    out.AddText("session_id", scope.session_id);
  }
  return metadata;
}

std::string ReuseMetadata(const Call& call, const ReusedAnswer& reused) {
  const CallScope& scope = call.admitted.scope;
  std::string metadata;
  {
    MetadataWriter out(&metadata);
    out.AddText("agent_id", scope.agent_id);
    out.AddText("contract_id", scope.contract_id);
    out.AddText("exchange_entry_id", reused.kept->exchange_entry_id);
    {
      MetadataWriter own = out.Object("gateway");
      own.AddText("answer_of", reused.kept->request_id);
      own.AddText("caller", call.caller->id);
      own.AddInt("cost_usd_nanos", 0);
      own.AddText("model_asked", call.recorded_model);
      own.AddText("operation", call.facts.operation);
      own.AddText("provider", reused.kept->provider);
      own.AddText("request_id", call.facts.request_id);
    }
    out.AddText("model_id", reused.kept->model);
    out.AddText("session_id", scope.session_id);
    out.AddText("work_order_id", scope.work_order_id);
  }
  return metadata;
}

}  // namespace gateway
