#include "service/pipeline/session_metrics.h"

#include <string_view>

namespace gateway {
namespace {

constexpr MetricDefinition kSessions = {
    .name = "llmgw_sessions",
    .help = "Sessions that there are, by what was counted last.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kOpened = {
    .name = "llmgw_sessions_opened_total",
    .help = "Sessions that callers have opened here.",
    .kind = MetricKind::kCounter};
constexpr std::string_view kReason[] = {"reason"};
constexpr MetricDefinition kRefused = {
    .name = "llmgw_sessions_refused_total",
    .help = "Sessions that callers could not open or go on with, by why.",
    .kind = MetricKind::kCounter,
    .label_names = kReason};
constexpr std::string_view kOutcome[] = {"outcome"};
constexpr MetricDefinition kTurns = {
    .name = "llmgw_session_turns_total",
    .help = "Turns of sessions that have ended, by whether they were kept.",
    .kind = MetricKind::kCounter,
    .label_names = kOutcome};

}  // namespace

void AddSessionMetrics(const SessionStore& sessions, MetricRegistry& registry) {
  registry.AddCollector([&sessions](MetricRegistry::Values& values) {
    const SessionStore::Stats stats = sessions.stats();
    const auto number = [](int64_t n) { return static_cast<double>(n); };
    values.Add(kSessions, {}, number(stats.sessions));
    values.Add(kOpened, {}, number(stats.opened));
    values.Add(kRefused, {"limit"}, number(stats.refused_by_limit));
    values.Add(kRefused, {"share"}, number(stats.refused_by_share));
    values.Add(kRefused, {"bytes"}, number(stats.refused_by_bytes));
    values.Add(kTurns, {"kept"}, number(stats.turns_kept));
    values.Add(kTurns, {"not_kept"}, number(stats.turns_not_kept));
  });
}

}  // namespace gateway
