#include "service/pipeline/authentication_metrics.h"

#include <cstddef>
#include <memory>
#include <string_view>

#include "service/identity/authentication_counts.h"
#include "service/identity/caller.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kAuthenticationLabels[] = {"of", "method",
                                                      "outcome"};
constexpr MetricDefinition kAuthentications = {
    .name = "llmgw_authentications_total",
    .help =
        "How often callers and operators have shown who they are, how, and "
        "what came of it.",
    .kind = MetricKind::kCounter,
    .label_names = kAuthenticationLabels};

std::string_view MethodName(CallerMethod method) {
  return method == CallerMethod::kAnonymous ? "none" : CallerMethodName(method);
}

void Collect(std::string_view of, const AuthenticationCounts& counts,
             MetricRegistry::Values& values) {
  for (size_t i = 0; i < AuthenticationCounts::kMethods; ++i) {
    const auto method = static_cast<CallerMethod>(i);
    for (size_t j = 0; j < kAuthenticationOutcomes; ++j) {
      const auto outcome = static_cast<AuthenticationOutcome>(j);
      const uint64_t count = counts.Of(method, outcome);
      if (count == 0) continue;
      values.Add(kAuthentications,
                 {of, MethodName(method), AuthenticationOutcomeName(outcome)},
                 static_cast<double>(count));
    }
  }
}

}  // namespace

void AddAuthenticationMetrics(const CurrentRuntime& current,
                              MetricRegistry& registry) {
  registry.AddCollector([&current](MetricRegistry::Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    Collect("callers", *runtime->authentications().callers, values);
    Collect("operators", *runtime->authentications().operators, values);
  });
}

}  // namespace gateway
