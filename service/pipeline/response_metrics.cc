#include "service/pipeline/response_metrics.h"

#include <string_view>

namespace gateway {
namespace {

constexpr MetricDefinition kResponseEntries = {
    .name = "llmgw_response_store_entries",
    .help = "Answers that callers can ask for again, as this process knows.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kResponseBytes = {
    .name = "llmgw_response_store_bytes",
    .help = "What answers that callers can ask for again take, in bytes.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kResponseEvictions = {
    .name = "llmgw_response_store_evictions_total",
    .help =
        "Answers that callers could ask for again and that were dropped before "
        "their time, for want of room.",
    .kind = MetricKind::kCounter};

constexpr std::string_view kUnkeptNames[] = {"reason"};
constexpr MetricDefinition kUnkept = {
    .name = "llmgw_responses_not_kept_total",
    .help =
        "Answers that are not kept for their callers, or do not outlast the "
        "process though they should, by why.",
    .kind = MetricKind::kCounter,
    .label_names = kUnkeptNames};

}  // namespace

void AddResponseMetrics(ResponseStore& responses, MetricRegistry& registry) {
  if (!responses.enabled()) return;
  registry.AddCollector([&responses](MetricRegistry::Values& values) {
    const ResponseStore::Stats stats = responses.stats();
    values.Add(kResponseEntries, {}, static_cast<double>(stats.entries));
    values.Add(kResponseBytes, {}, static_cast<double>(stats.size_bytes));
    values.Add(kResponseEvictions, {}, static_cast<double>(stats.evicted));
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
