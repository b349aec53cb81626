#include "service/pipeline/key_set_metrics.h"

#include <string_view>

#include "absl/time/time.h"

namespace gateway {
namespace {

constexpr std::string_view kIssuerLabels[] = {"issuer"};
constexpr MetricDefinition kKeySetKeys = {
    .name = "llmgw_key_set_keys",
    .help = "Keys of an issuer that its tokens may be signed with now.",
    .kind = MetricKind::kGauge,
    .label_names = kIssuerLabels};
constexpr MetricDefinition kKeySetFailures = {
    .name = "llmgw_key_set_failures",
    .help =
        "How often the key set of an issuer could not be read since it was.",
    .kind = MetricKind::kGauge,
    .label_names = kIssuerLabels};
constexpr MetricDefinition kKeySetAge = {
    .name = "llmgw_key_set_age_seconds",
    .help = "How long ago the key set of an issuer was read.",
    .kind = MetricKind::kGauge,
    .label_names = kIssuerLabels};

}  // namespace

void AddKeySetMetrics(KeySets& key_sets, MetricRegistry& registry) {
  registry.AddCollector([&key_sets](MetricRegistry::Values& values) {
    for (const KeySets::State& state : key_sets.Read()) {
      values.Add(kKeySetKeys, {state.issuer}, static_cast<double>(state.keys));
      values.Add(kKeySetFailures, {state.issuer},
                 static_cast<double>(state.failures));
      if (state.age == absl::InfiniteDuration()) continue;
      values.Add(kKeySetAge, {state.issuer}, absl::ToDoubleSeconds(state.age));
    }
  });
}

}  // namespace gateway
