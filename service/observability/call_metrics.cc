#include "service/observability/call_metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/string_view.h"
#include "service/observability/attempt_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/charged_cost.h"
#include "service/observability/fault_party.h"
#include "service/observability/metrics.h"
#include "service/observability/service_outcome.h"

namespace gateway {
namespace {

// Longer names get no label of their own.
constexpr size_t kLabelBytesLimit = 128;
constexpr std::string_view kNoLabel = "none";
// Why a call went on to another target, if no attempt was made before.
constexpr std::string_view kNotAsked = "not_asked";

// Bounds of durations in seconds: answers of language models take from
// milliseconds, when cached, to many minutes, when they reason.
constexpr double kDurationBounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                      0.5,   1,    2.5,   5,    10,  20,
                                      40,    80,   160,   320,  640};
constexpr double kFirstTokenBounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06,
                                        0.08,  0.1,   0.25, 0.5,  0.75, 1,
                                        2.5,   5,     7.5,  10,   30,   60};
constexpr double kOverheadBounds[] = {0.00002, 0.00005, 0.0001, 0.00025,
                                      0.0005,  0.001,   0.0025, 0.005,
                                      0.01,    0.05,    0.1,    1};

constexpr std::string_view kRequestLabels[] = {"provider", "model", "protocol",
                                               "status"};
constexpr std::string_view kDurationLabels[] = {"provider", "model", "stream"};
constexpr std::string_view kTokensLabels[] = {"provider", "model", "type"};
constexpr std::string_view kErrorsLabels[] = {"provider", "type"};
constexpr std::string_view kRetryLabels[] = {"provider", "operation"};
constexpr std::string_view kAtFaultLabels[] = {"at_fault"};
constexpr std::string_view kServedLabels[] = {"provider", "outcome"};
constexpr std::string_view kFallbackLabels[] = {"provider", "reason"};
constexpr std::string_view kRouteLabels[] = {"reason"};
constexpr std::string_view kResultLabels[] = {"result"};
constexpr std::string_view kTargetLabels[] = {"provider", "model"};
constexpr std::string_view kProtocolLabels[] = {"protocol"};
constexpr std::string_view kCallerRequestLabels[] = {"caller", "provider",
                                                     "status"};
constexpr std::string_view kCallerTokensLabels[] = {"caller", "provider",
                                                    "type"};
constexpr std::string_view kCallerCostLabels[] = {"caller", "provider"};
constexpr std::string_view kAttemptLabels[] = {"provider", "outcome",
                                               "upstream_status"};
constexpr std::string_view kProviderLabels[] = {"provider"};

constexpr MetricDefinition kRequests = {
    .name = "llm_request_total",
    .help = "Calls that ended, by how they ended.",
    .kind = MetricKind::kCounter,
    .label_names = kRequestLabels};
constexpr MetricDefinition kDuration = {
    .name = "llm_request_duration_seconds",
    .help = "Time from the arrival of a call to the end of its answer.",
    .kind = MetricKind::kHistogram,
    .label_names = kDurationLabels,
    .bounds = kDurationBounds};
constexpr MetricDefinition kTokens = {
    .name = "llm_tokens_total",
    .help = "Tokens consumed. Input includes cached, output reasoning tokens.",
    .kind = MetricKind::kCounter,
    .label_names = kTokensLabels};
constexpr MetricDefinition kErrors = {.name = "llm_errors_total",
                                      .help = "Calls that failed, by reason.",
                                      .kind = MetricKind::kCounter,
                                      .label_names = kErrorsLabels};
constexpr MetricDefinition kRetries = {
    .name = "retry_attempts_total",
    .help = "Times that calls were sent again after a failure.",
    .kind = MetricKind::kCounter,
    .label_names = kRetryLabels};
constexpr MetricDefinition kFailedCalls = {
    .name = "llmgw_failed_calls_total",
    .help = "Calls that failed, by who is at fault.",
    .kind = MetricKind::kCounter,
    .label_names = kAtFaultLabels};
constexpr MetricDefinition kServedCalls = {
    .name = "llmgw_served_calls_total",
    .help = "Calls that a provider answered for themselves alone, or that a "
            "provider or the gateway failed.",
    .kind = MetricKind::kCounter,
    .label_names = kServedLabels};
constexpr MetricDefinition kFallbacks = {
    .name = "llmgw_fallbacks_total",
    .help = "Times that calls went on to another target, by its provider and "
            "why.",
    .kind = MetricKind::kCounter,
    .label_names = kFallbackLabels};
constexpr MetricDefinition kRoutes = {
    .name = "llmgw_routes_total",
    .help = "Calls that went somewhere, by the kind of rule that said so.",
    .kind = MetricKind::kCounter,
    .label_names = kRouteLabels,
    .label_sets_limit = 64};
constexpr MetricDefinition kCacheResults = {
    .name = "llmgw_cache_total",
    .help = "Calls that the cache of answers was asked for: hit, miss, bypass.",
    .kind = MetricKind::kCounter,
    .label_names = kResultLabels};
constexpr MetricDefinition kCachedInputTokens = {
    .name = "llmgw_cached_input_tokens_total",
    .help = "The input tokens that the provider read from its cache.",
    .kind = MetricKind::kCounter,
    .label_names = kTargetLabels};
constexpr MetricDefinition kReasoningTokens = {
    .name = "llmgw_reasoning_tokens_total",
    .help = "The output tokens that were reasoning.",
    .kind = MetricKind::kCounter,
    .label_names = kTargetLabels};
constexpr int64_t kNanosPerDollar = 1'000'000'000;
constexpr MetricDefinition kCost = {
    .name = "llm_cost_usd_total",
    .help =
        "What calls were charged, in US dollars: at the standard tier's price "
        "where the tier that served has none.",
    .kind = MetricKind::kCounter,
    .label_names = kTargetLabels,
    .per_unit = kNanosPerDollar};
constexpr MetricDefinition kUnpriced = {
    .name = "llmgw_unpriced_requests_total",
    .help = "Calls that consumed tokens of a model whose price is not known.",
    .kind = MetricKind::kCounter,
    .label_names = kTargetLabels};
constexpr MetricDefinition kTimeToFirstToken = {
    .name = "llmgw_time_to_first_token_seconds",
    .help = "Time from the arrival of a call to its first model output.",
    .kind = MetricKind::kHistogram,
    .label_names = kTargetLabels,
    .bounds = kFirstTokenBounds};
constexpr MetricDefinition kCallerRequests = {
    .name = "llmgw_caller_requests_total",
    .help = "Calls that ended, by who made them and how they ended.",
    .kind = MetricKind::kCounter,
    .label_names = kCallerRequestLabels};
constexpr MetricDefinition kCallerTokens = {
    .name = "llmgw_caller_tokens_total",
    .help = "Tokens consumed, by whose calls.",
    .kind = MetricKind::kCounter,
    .label_names = kCallerTokensLabels};
constexpr MetricDefinition kCallerCost = {
    .name = "llmgw_caller_cost_usd_total",
    .help = "What calls have cost, in US dollars, by whose they were.",
    .kind = MetricKind::kCounter,
    .label_names = kCallerCostLabels,
    .per_unit = kNanosPerDollar};
constexpr MetricDefinition kAttempts = {
    .name = "llmgw_attempts_total",
    .help = "Requests to providers, by how they went.",
    .kind = MetricKind::kCounter,
    .label_names = kAttemptLabels};
constexpr MetricDefinition kAttemptDuration = {
    .name = "llmgw_attempt_duration_seconds",
    .help = "Time that requests to providers took, whole answers included.",
    .kind = MetricKind::kHistogram,
    .label_names = kProviderLabels,
    .bounds = kDurationBounds};
constexpr MetricDefinition kAttemptFirstByte = {
    .name = "llmgw_attempt_first_byte_seconds",
    .help = "Time from a request to a provider to its first byte.",
    .kind = MetricKind::kHistogram,
    .label_names = kProviderLabels,
    .bounds = kDurationBounds};
constexpr MetricDefinition kOverhead = {
    .name = "llmgw_overhead_seconds",
    .help = "Time from the arrival of a call to its dispatch upstream.",
    .kind = MetricKind::kHistogram,
    .label_names = kProtocolLabels,
    .bounds = kOverheadBounds};
constexpr MetricDefinition kReceivedBytes = {
    .name = "llmgw_received_bytes_total",
    .help = "Bytes of callers' requests, without headers.",
    .kind = MetricKind::kCounter,
    .label_names = kProtocolLabels};
constexpr MetricDefinition kSentBytes = {
    .name = "llmgw_sent_bytes_total",
    .help = "Bytes of answers to callers, without headers.",
    .kind = MetricKind::kCounter,
    .label_names = kProtocolLabels};
constexpr MetricDefinition kInflight = {
    .name = "llmgw_inflight_requests",
    .help = "Calls that have begun and not ended.",
    .kind = MetricKind::kGauge,
    .label_names = kProtocolLabels};

// A name that only a caller knows has no label until it is answered to.
std::string_view ModelToLabel(std::string_view model, bool known,
                              bool answered) {
  return model.empty() || known || answered ? model : kOtherLabel;
}

void AddTokens(Counter& counter, int64_t tokens) {
  // Negative numbers of a provider are ignored, since a counter must not go
  // back.
  if (tokens > 0) counter.Add(tokens);
}

}  // namespace

CallMetricsShard::CallMetricsShard(CallMetrics& metrics, MetricShard& shard)
    : metrics_(metrics), shard_(shard) {
  for (const Protocol protocol : {Protocol::kGrpc, Protocol::kHttp}) {
    const std::string_view name = ProtocolName(protocol);
    protocols_[static_cast<size_t>(protocol)] = {
        .inflight = &shard.GaugeOf(kInflight, {name}),
        .received_bytes = &shard.CounterOf(kReceivedBytes, {name}),
        .sent_bytes = &shard.CounterOf(kSentBytes, {name}),
        .overhead = &shard.HistogramOf(kOverhead, {name})};
  }
  if (metrics.compatible_names_) compatible_.emplace(shard);
}

InflightCall CallMetricsShard::StartCall(Protocol protocol) {
  return InflightCall(*protocols_[static_cast<size_t>(protocol)].inflight);
}

void CallMetricsShard::Count(const CallRecord& record) {
  Target& target =
      TargetOf(record.provider,
               ModelToLabel(record.model_served, record.model_known,
                            record.status_code == absl::StatusCode::kOk));
  const std::string_view provider = target.provider;
  const std::string_view model = target.model;

  const auto protocol = static_cast<size_t>(record.protocol);
  const auto status = static_cast<size_t>(record.status_code);
  Counter*& requests =
      target.requests[protocol][status < kStatusCodes ? status : 2];
  if (requests == nullptr) {
    requests = &shard_.CounterOf(
        kRequests, {provider, model, ProtocolName(record.protocol),
                    StatusCodeName(record.status_code)});
  }
  requests->Add(1);

  MetricHistogram*& duration = target.duration[record.stream ? 1 : 0];
  if (duration == nullptr) {
    duration = &shard_.HistogramOf(
        kDuration, {provider, model, record.stream ? "true" : "false"});
  }
  ObserveTime(record, record.duration, *duration);
  ObserveFirstToken(record, target);
  // What was made for another call consumes nothing again.
  if (record.answer_of.empty()) CountUsage(*record.usage, target);
  CountCaller(record, provider);
  CountServed(record, target);
  CountRoute(record.route_reason);
  CountCache(record.cache);
  const int64_t retries = CountAttempts(record, target);
  protocols_[protocol].received_bytes->Add(record.request_bytes);
  protocols_[protocol].sent_bytes->Add(record.response_bytes);
  if (record.overhead.has_value()) {
    protocols_[protocol].overhead->Observe(
        absl::ToDoubleSeconds(*record.overhead));
  }
  if (record.status_code != absl::StatusCode::kOk) {
    CountFailure(record, provider);
  }
  if (retries > 0) {
    shard_.CounterOf(kRetries, {provider, record.operation}).Add(retries);
  }
  if (compatible_.has_value()) compatible_->Count(record, provider, model);
}

int64_t CallMetricsShard::CountAttempts(const CallRecord& record,
                                        Target& target) {
  const std::string_view provider = target.provider;
  int64_t retries = 0;
  const CallAttempt* before = nullptr;
  for (const CallAttempt* attempt : record.attempts) {
    // A reconnect, in place of a connection that the provider had given up, is
    // none.
    if (attempt->kind == llmgateway::v1::Attempt::KIND_RETRY) ++retries;
    if (attempt->kind == llmgateway::v1::Attempt::KIND_FALLBACK) {
      CountFallback(LabelOf(attempt->provider, models_), before);
    }
    before = attempt;
    if (attempt->replaced) continue;
    if (attempt->usage != nullptr && attempt->usage != record.usage) {
      Target& other =
          TargetOf(attempt->provider,
                   ModelToLabel(attempt->model, attempt->model_known,
                                attempt->error_reason ==
                                    llmgateway::v1::ERROR_REASON_UNSPECIFIED));
      CountUsage(*attempt->usage, other);
      CountUsage(*attempt->usage, other.provider,
                 CallerOf(record.caller, other.provider));
    }
    // Mostly the provider that the call is counted under.
    if (attempt->provider == record.provider) {
      CountAttempt(*attempt, provider, *target.attempts);
      if (IsOfNote(*attempt)) CountFollowUp(*attempt, provider, shard_);
    } else {
      const std::string_view label = LabelOf(attempt->provider, models_);
      CountAttempt(*attempt, label, AttemptsAt(label));
      if (IsOfNote(*attempt)) CountFollowUp(*attempt, label, shard_);
    }
  }
  return retries;
}

void CallMetricsShard::ObserveTime(const CallRecord& record,
                                   absl::Duration time,
                                   MetricHistogram& histogram) {
  const double seconds = absl::ToDoubleSeconds(time);
  if (metrics_.exemplars_) {
    histogram.ObserveCall(seconds, record.request_id,
                          record.start_time + record.duration);
  } else {
    histogram.Observe(seconds);
  }
}

void CallMetricsShard::ObserveFirstToken(const CallRecord& record,
                                         Target& target) {
  if (!record.time_to_first_token.has_value()) return;
  MetricHistogram*& histogram = target.time_to_first_token;
  if (histogram == nullptr) {
    histogram =
        &shard_.HistogramOf(kTimeToFirstToken, {target.provider, target.model});
  }
  ObserveTime(record, *record.time_to_first_token, *histogram);
}

void CallMetricsShard::CountCache(std::string_view result) {
  if (!result.empty()) shard_.CounterOf(kCacheResults, {result}).Add(1);
}

void CallMetricsShard::CountRoute(std::string_view reason) {
  if (reason.empty()) return;
  for (const auto& [kind, counter] : routes_) {
    if (reason.starts_with(kind) &&
        (reason.size() == kind.size() || reason[kind.size()] == ':')) {
      return counter->Add(1);
    }
  }
  const std::string_view kind = reason.substr(0, reason.find(':'));
  routes_.emplace_back(std::string(kind),
                       &shard_.CounterOf(kRoutes, {kind}));
  routes_.back().second->Add(1);
}

void CallMetricsShard::CountServed(const CallRecord& record, Target& target) {
  const ServiceOutcome outcome = ServiceOutcomeOf(record);
  if (outcome == ServiceOutcome::kNone) return;
  const auto counter = [&]() -> Counter& {
    return shard_.CounterOf(kServedCalls,
                            {target.provider, ServiceOutcomeName(outcome)});
  };
  if (outcome != ServiceOutcome::kAnswered) return counter().Add(1);
  Counter*& answered = target.attempts->answered;
  if (answered == nullptr) answered = &counter();
  answered->Add(1);
}

void CallMetricsShard::CountFallback(std::string_view provider,
                                     const CallAttempt* attempt_before) {
  const std::string_view reason =
      attempt_before == nullptr ? kNotAsked
                                : ErrorReasonName(attempt_before->error_reason);
  shard_.CounterOf(kFallbacks, {provider, reason}).Add(1);
}

void CallMetricsShard::CountFailure(const CallRecord& record,
                                    std::string_view provider) {
  const std::string_view reason = ErrorReasonName(record.error_reason);
  if (!reason.empty()) shard_.CounterOf(kErrors, {provider, reason}).Add(1);
  shard_.CounterOf(kFailedCalls, {FaultPartyName(PartyAtFault(record))}).Add(1);
}

void CallMetricsShard::CountCaller(const CallRecord& record,
                                   std::string_view provider) {
  Caller& caller = CallerOf(record.caller, provider);
  const std::string_view name = caller.name;
  const auto status = static_cast<size_t>(record.status_code);
  Counter*& requests = caller.requests[status < kStatusCodes ? status : 2];
  if (requests == nullptr) {
    requests = &shard_.CounterOf(
        kCallerRequests, {name, provider, StatusCodeName(record.status_code)});
  }
  requests->Add(1);
  if (record.answer_of.empty()) {
    CountUsage(*record.usage, provider, caller);
  }
}

void CallMetricsShard::CountUsage(const llmgateway::v1::Usage& usage,
                                  std::string_view provider, Caller& caller) {
  if (usage.input_tokens() <= 0 && usage.output_tokens() <= 0) return;
  const std::string_view name = caller.name;
  if (caller.input_tokens == nullptr) {
    caller.input_tokens =
        &shard_.CounterOf(kCallerTokens, {name, provider, "input"});
    caller.output_tokens =
        &shard_.CounterOf(kCallerTokens, {name, provider, "output"});
    caller.cost = &shard_.CounterOf(kCallerCost, {name, provider});
  }
  caller.cost->Add(usage.cost_usd_nanos());
  AddTokens(*caller.input_tokens, usage.input_tokens());
  AddTokens(*caller.output_tokens, usage.output_tokens());
}

void CallMetricsShard::CountAttempt(const CallAttempt& attempt,
                                    std::string_view provider,
                                    Attempts& attempts) {
  if (attempts.duration == nullptr) {
    attempts.duration = &shard_.HistogramOf(kAttemptDuration, {provider});
    attempts.first_byte = &shard_.HistogramOf(kAttemptFirstByte, {provider});
  }
  attempts.duration->Observe(absl::ToDoubleSeconds(attempt.duration));
  if (attempt.first_byte.has_value()) {
    attempts.first_byte->Observe(absl::ToDoubleSeconds(*attempt.first_byte));
  }
  const std::string_view failure = ErrorReasonName(attempt.error_reason);
  const bool succeeded = failure.empty();
  if (succeeded && attempts.succeeded != nullptr) {
    return attempts.succeeded->Add(1);
  }
  const std::string status = attempt.http_status == 0
                                 ? std::string(kNoLabel)
                                 : std::to_string(attempt.http_status);
  Counter& counter = shard_.CounterOf(
      kAttempts, {provider, succeeded ? "OK" : failure, status});
  counter.Add(1);
  if (succeeded) attempts.succeeded = &counter;
}

void CallMetricsShard::CountUsage(const llmgateway::v1::Usage& usage,
                                  Target& target) {
  const std::string_view provider = target.provider;
  const std::string_view model = target.model;
  if (usage.input_tokens() <= 0 && usage.output_tokens() <= 0) return;
  if (target.input_tokens == nullptr) {
    target.input_tokens =
        &shard_.CounterOf(kTokens, {provider, model, "input"});
    target.output_tokens =
        &shard_.CounterOf(kTokens, {provider, model, "output"});
    target.cached_input_tokens =
        &shard_.CounterOf(kCachedInputTokens, {provider, model});
    target.reasoning_tokens =
        &shard_.CounterOf(kReasoningTokens, {provider, model});
  }
  AddTokens(*target.input_tokens, usage.input_tokens());
  AddTokens(*target.output_tokens, usage.output_tokens());
  AddTokens(*target.cached_input_tokens, usage.cached_input_tokens());
  AddTokens(*target.reasoning_tokens, usage.reasoning_tokens());
  if (const auto charged = ChargedNanos(usage); charged.has_value()) {
    if (target.cost == nullptr) {
      target.cost = &shard_.CounterOf(kCost, {provider, model});
    }
    target.cost->Add(*charged);
  }
  if (!usage.cost_known()) {
    if (target.unpriced == nullptr) {
      target.unpriced = &shard_.CounterOf(kUnpriced, {provider, model});
    }
    target.unpriced->Add(1);
  }
}

std::string_view CallMetricsShard::LabelOf(std::string_view name,
                                           KnownNames& known) {
  if (name.empty()) return kNoLabel;
  if (name == kOtherLabel) return kOtherLabel;
  const auto found = known.labels.find(ToAbsl(name));
  if (found != known.labels.end()) return *found;
  // A name without a label is not kept: there may be any number of them.
  if (known.all || name.size() > kLabelBytesLimit) return kOtherLabel;
  ++known.asked_for;
  const bool reserved = &known == &models_
                            ? metrics_.ReserveModel(name, known)
                            : metrics_.ReserveCaller(name, known);
  if (reserved) return *known.labels.emplace(name).first;
  // From here on no lock is taken for unknown names: callers choose them, and
  // could make every loop wait for the others' lock.
  known.all = true;
  return kOtherLabel;
}

CallMetricsShard::Target& CallMetricsShard::TargetOf(std::string_view provider,
                                                     std::string_view model) {
  const auto found =
      targets_.find(Labels(ToAbsl(provider.empty() ? kNoLabel : provider),
                           ToAbsl(model.empty() ? kNoLabel : model)));
  if (found != targets_.end()) return *found->second;
  provider = LabelOf(provider, models_);
  model = LabelOf(model, models_);
  std::unique_ptr<Target>& target =
      targets_[Labels(ToAbsl(provider), ToAbsl(model))];
  if (target == nullptr) {
    target = std::make_unique<Target>();
    target->provider = provider;
    target->model = model;
    target->attempts = &AttemptsAt(provider);
  }
  return *target;
}

CallMetricsShard::Caller& CallMetricsShard::CallerOf(
    std::string_view caller, std::string_view provider) {
  const auto found = by_caller_.find(
      Labels(ToAbsl(caller.empty() ? kNoLabel : caller), ToAbsl(provider)));
  if (found != by_caller_.end()) return found->second;
  const std::string_view label = LabelOf(caller, callers_);
  Caller& made = by_caller_[Labels(ToAbsl(label), ToAbsl(provider))];
  made.name = label;
  return made;
}

CallMetricsShard::Attempts& CallMetricsShard::AttemptsAt(
    std::string_view provider) {
  std::unique_ptr<Attempts>& attempts = attempts_[ToAbsl(provider)];
  if (attempts == nullptr) attempts = std::make_unique<Attempts>();
  return *attempts;
}

CallMetrics::CallMetrics(MetricRegistry& registry, const Options& options)
    : registry_(registry),
      exemplars_(options.exemplars),
      compatible_names_(options.compatible_names),
      models_{.limit = options.model_labels_limit, .labels = {}},
      callers_{.limit = options.caller_labels_limit, .labels = {}} {}

CallMetricsShard& CallMetrics::AddShard() {
  std::unique_ptr<CallMetricsShard> shard(
      new CallMetricsShard(*this, registry_.AddShard()));
  MutexLock lock(mu_);
  shards_.push_back(std::move(shard));
  return *shards_.back();
}

bool CallMetrics::ReserveModel(std::string_view name,
                               CallMetricsShard::KnownNames& known) {
  MutexLock lock(mu_);
  return Reserve(name, models_, known);
}

bool CallMetrics::ReserveCaller(std::string_view name,
                                CallMetricsShard::KnownNames& known) {
  MutexLock lock(mu_);
  return Reserve(name, callers_, known);
}

bool CallMetrics::Reserve(std::string_view name, Names& names,
                          CallMetricsShard::KnownNames& known) {
  if (names.labels.contains(ToAbsl(name))) return true;
  if (names.labels.size() >= names.limit) {
    known.labels.insert(names.labels.begin(), names.labels.end());
    return false;
  }
  names.labels.emplace(name);
  return true;
}

}  // namespace gateway
