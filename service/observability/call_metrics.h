// CallMetrics counts finished calls under the documented names:
//
//   llm_request_total{provider,model,protocol,status}
//   llm_request_duration_seconds{provider,model,stream}
//   llm_tokens_total{provider,model,type}           input, output
//   llm_errors_total{provider,type}                 by ErrorReason
//   retry_attempts_total{provider,operation}        sent again after a failure
//   llmgw_failed_calls_total{at_fault}              caller, policy, ...
//   llmgw_served_calls_total{provider,outcome}      answered, or who has failed
//   llmgw_fallbacks_total{provider,reason}          gone on to, and after what
//   llmgw_routes_total{reason}                      by kind of rule
//   llmgw_cached_input_tokens_total{provider,model} a part of the input
//   llmgw_reasoning_tokens_total{provider,model}    a part of the output
//   llm_cost_usd_total{provider,model}              what they are charged
//   llmgw_unpriced_requests_total{provider,model}   cost not known
//   llmgw_time_to_first_token_seconds{provider,model}
//   llmgw_overhead_seconds{protocol}                    arrival to dispatch
//   llmgw_caller_requests_total{caller,provider,status}
//   llmgw_caller_tokens_total{caller,provider,type} input, output
//   llmgw_caller_cost_usd_total{caller,provider}
//   llmgw_attempts_total{provider,outcome,upstream_status}
//   llmgw_attempt_duration_seconds{provider}
//   llmgw_attempt_first_byte_seconds{provider}
//   llmgw_received_bytes_total{protocol}, llmgw_sent_bytes_total{protocol}
//   llmgw_inflight_requests{protocol}                   a gauge
//
// `model` is the model that the call was sent to; `provider` and `model` are
// `none` for a call that was sent nowhere. Only so many different models are
// told apart, the rest are `other`: callers may choose their names. So is a
// name that nobody but a caller knows (CallAttempt::model_known) and that no
// provider has answered to. `caller` is
// the name of the key that was shown, `none` without one; of them only so many
// are told apart, too.
//
// A call is one or more attempts, each a request to a provider, counted by how
// it went: `outcome` is OK or an ErrorReason, `upstream_status` the provider's
// HTTP status, `none` where there was none. An attempt on a stale connection,
// which the provider never saw, is none. Tokens and costs are counted of every
// attempt of which they are known, at its own provider and model.
//
// A fallback is counted at the provider that the call went on to, by the
// ErrorReason of the attempt before; `not_asked` if the first targets rested or
// were disabled. The reason of a route is its kind, as `model_rule` of
// `model_rule:gpt-`; a call that went nowhere has none. Who is at fault,
// fault_party.h says, and which calls are served, service_outcome.h: those of
// which shares of failures are made.
//
//   CallMetrics metrics(registry, {.model_labels_limit = 512});
//   CallMetricsShard& shard = metrics.AddShard();  // One for each event loop.
//   InflightCall inflight = shard.StartCall(Protocol::kGrpc);
//   ...
//   shard.Count(record);
//
// Thread-safe; a shard is for one thread at a time. Counting a call costs some
// 100 ns and takes no lock once its provider and model are known to the shard,
// or once the shard knows that there are as many names as there may be.

#ifndef SERVICE_OBSERVABILITY_CALL_METRICS_H_
#define SERVICE_OBSERVABILITY_CALL_METRICS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/observability/call_record.h"
#include "service/observability/compatible_metrics.h"
#include "service/observability/metrics.h"

namespace gateway {

class CallMetrics;

// Counts a call as running while it lives. Must be destroyed on the thread that
// started it.
class InflightCall {
 public:
  explicit InflightCall(Gauge& gauge) : gauge_(&gauge) { gauge.Add(1); }
  InflightCall(InflightCall&& other) noexcept
      : gauge_(std::exchange(other.gauge_, nullptr)) {}
  InflightCall& operator=(InflightCall&& other) noexcept {
    std::swap(gauge_, other.gauge_);
    return *this;
  }
  ~InflightCall() {
    if (gauge_ != nullptr) gauge_->Add(-1);
  }

 private:
  Gauge* gauge_;
};

// The counters of one loop.
class CallMetricsShard {
 public:
  [[nodiscard]] InflightCall StartCall(Protocol protocol);
  void Count(const CallRecord& record);

  // Counts how often an unknown name took the lock.
  size_t names_asked_for() const { return models_.asked_for; }

 private:
  friend class CallMetrics;

  static constexpr size_t kProtocols = 2;
  static constexpr size_t kStatusCodes = 17;

  // The metrics of all attempts at one provider.
  struct Attempts {
    Counter* answered = nullptr;  // Calls, by one of them.
    Counter* succeeded = nullptr;
    MetricHistogram* duration = nullptr;
    MetricHistogram* first_byte = nullptr;
  };
  // The metrics of one provider and model. Those that few calls touch are made
  // when first needed.
  struct Target {
    // The labels.
    std::string_view provider;
    std::string_view model;
    Attempts* attempts = nullptr;  // Of the provider.
    std::array<std::array<Counter*, kStatusCodes>, kProtocols> requests = {};
    // For whole and streamed answers.
    std::array<MetricHistogram*, 2> duration = {};
    Counter* input_tokens = nullptr;
    Counter* output_tokens = nullptr;
    Counter* cached_input_tokens = nullptr;
    Counter* reasoning_tokens = nullptr;
    Counter* cost = nullptr;
    Counter* unpriced = nullptr;
    MetricHistogram* time_to_first_token = nullptr;
  };
  // The metrics of one caller at one provider.
  struct Caller {
    std::string_view name;  // The label.
    std::array<Counter*, kStatusCodes> requests = {};
    Counter* input_tokens = nullptr;
    Counter* output_tokens = nullptr;
    Counter* cost = nullptr;
  };
  // The metrics of one protocol.
  struct ProtocolMetrics {
    Gauge* inflight;
    Counter* received_bytes;
    Counter* sent_bytes;
    MetricHistogram* overhead;
  };

  CallMetricsShard(CallMetrics& metrics, MetricShard& shard);

  // Counts how long a call took, or the time to its first token.
  void ObserveTime(const CallRecord& record, absl::Duration time,
                   MetricHistogram& histogram);
  void ObserveFirstToken(const CallRecord& record, Target& target);

  // Names that have a label of their own; whether these are all; how often
  // another was asked for.
  struct KnownNames {
    absl::node_hash_set<std::string> labels;
    bool all = false;
    size_t asked_for = 0;
  };

  std::string_view LabelOf(std::string_view name, KnownNames& known);
  // Returns how many of them were retries. `target` is the call's.
  int64_t CountAttempts(const CallRecord& record, Target& target);
  // By names as a record has them.
  Target& TargetOf(std::string_view provider, std::string_view model);
  // `provider` is a label.
  Caller& CallerOf(std::string_view caller, std::string_view provider);
  Attempts& AttemptsAt(std::string_view provider);

  void CountCache(std::string_view result);
  void CountRoute(std::string_view reason);
  // Counts whether it was answered, and who failed it.
  void CountServed(const CallRecord& record, Target& target);
  void CountFallback(std::string_view provider,
                     const CallAttempt* attempt_before);
  void CountFailure(const CallRecord& record, std::string_view provider);
  // Counts what was consumed: tokens, and what they cost.
  void CountUsage(const llmgateway::v1::Usage& usage, Target& target);
  void CountUsage(const llmgateway::v1::Usage& usage, std::string_view provider,
                  Caller& caller);
  void CountCaller(const CallRecord& record, std::string_view provider);
  void CountAttempt(const CallAttempt& attempt, std::string_view provider,
                    Attempts& attempts);

  CallMetrics& metrics_;
  MetricShard& shard_;
  std::optional<CompatibleMetricsShard> compatible_;
  std::array<ProtocolMetrics, kProtocols> protocols_;
  KnownNames models_;  // Of models and of providers.
  KnownNames callers_;
  // Keyed by labels, so that a name which is its own label, as most are, is
  // looked up once.
  using Labels = std::pair<absl::string_view, absl::string_view>;
  absl::flat_hash_map<Labels, std::unique_ptr<Target>> targets_;
  absl::flat_hash_map<Labels, Caller> by_caller_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Attempts>> attempts_;
  // By kind of rule, of which there are few.
  std::vector<std::pair<std::string, Counter*>> routes_;
};

class CallMetrics {
 public:
  struct Options {
    // How many different names of models, and of providers, get a label.
    size_t model_labels_limit = 512;
    // How many different names of callers get a label.
    size_t caller_labels_limit = 256;
    // Whether histograms of calls tell which they have counted (exemplars.h).
    bool exemplars = false;
    // Whether calls are counted under other names, too (compatible_metrics.h).
    bool compatible_names = false;
  };

  // Borrows `registry`.
  CallMetrics(MetricRegistry& registry, const Options& options);

  // A new shard, valid as long as this object.
  CallMetricsShard& AddShard() LOCKS_EXCLUDED(mu_);

 private:
  friend class CallMetricsShard;

  // All names of one kind that have a label of their own.
  struct Names {
    size_t limit;
    absl::node_hash_set<std::string> labels;
  };

  // Gives the name a label of its own, everywhere, and returns true; false if
  // the limit is reached: then `known` receives all names that have one.
  bool ReserveModel(std::string_view name, CallMetricsShard::KnownNames& known)
      LOCKS_EXCLUDED(mu_);
  bool ReserveCaller(std::string_view name, CallMetricsShard::KnownNames& known)
      LOCKS_EXCLUDED(mu_);
  static bool Reserve(std::string_view name, Names& names,
                      CallMetricsShard::KnownNames& known);

  MetricRegistry& registry_;
  const bool exemplars_;
  const bool compatible_names_;

  Mutex mu_;
  std::vector<std::unique_ptr<CallMetricsShard>> shards_ GUARDED_BY(mu_);
  Names models_ GUARDED_BY(mu_);
  Names callers_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CALL_METRICS_H_
