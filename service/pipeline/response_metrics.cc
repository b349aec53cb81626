#include "service/pipeline/response_metrics.h"

#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kUnkeptNames[] = {"reason"};
constexpr MetricDefinition kUnkept = {
    .name = "llmgw_responses_not_kept_total",
    .help = "Answers that should outlast the process and do not, by why.",
    .kind = MetricKind::kCounter,
    .label_names = kUnkeptNames};

}  // namespace

void AddResponseMetrics(const ResponseStore& responses,
                        MetricRegistry& registry) {
  registry.AddCollector([&responses](MetricRegistry::Values& values) {
    using Unkept = ResponseStore::Unkept;
    const auto add = [&](std::string_view reason, Unkept unkept) {
      values.Add(kUnkept, {reason},
                 static_cast<double>(responses.unkept(unkept)));
    };
    add("store", Unkept::kStore);
    add("too_large", Unkept::kTooLarge);
    add("record_too_large", Unkept::kRecordTooLarge);
  });
}

}  // namespace gateway
