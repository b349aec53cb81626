#include "service/pipeline/cache_metrics.h"

#include <memory>
#include <string_view>

#include "service/cache/idempotency_table.h"
#include "service/cache/in_flight_calls.h"
#include "service/cache/key_claims.h"
#include "service/cache/redis_answers.h"
#include "service/cache/response_cache.h"
#include "service/cache/resumable_streams.h"
#include "service/pipeline/answer_cache.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/shared_calls.h"

namespace gateway {
namespace {

using Values = MetricRegistry::Values;

constexpr std::string_view kStoreNames[] = {"store"};
constexpr std::string_view kResultNames[] = {"store", "result"};
constexpr std::string_view kDroppedNames[] = {"store", "reason"};
constexpr std::string_view kStateNames[] = {"state"};
constexpr std::string_view kRefusalNames[] = {"reason"};
constexpr std::string_view kFromNames[] = {"from"};
constexpr std::string_view kFoundNames[] = {"result"};

constexpr std::string_view kMemory = "memory";
constexpr std::string_view kRedis = "redis";

constexpr MetricDefinition kLookups = {
    .name = "llmgw_cache_lookups_total",
    .help = "How often an answer was looked for.",
    .kind = MetricKind::kCounter,
    .label_names = kResultNames};
constexpr MetricDefinition kKept = {.name = "llmgw_cache_kept_total",
                                    .help = "Answers that were kept.",
                                    .kind = MetricKind::kCounter,
                                    .label_names = kStoreNames};
constexpr MetricDefinition kDropped = {
    .name = "llmgw_cache_dropped_total",
    .help =
        "Answers that are not, or no longer, kept: for want of room, since "
        "their time was over, since they were too large, or since Redis did "
        "not take them.",
    .kind = MetricKind::kCounter,
    .label_names = kDroppedNames};
constexpr MetricDefinition kEntries = {.name = "llmgw_cache_entries",
                                       .help = "Answers that are kept.",
                                       .kind = MetricKind::kGauge,
                                       .label_names = kStoreNames};
constexpr MetricDefinition kBytes = {
    .name = "llmgw_cache_bytes",
    .help = "What kept answers take, in bytes.",
    .kind = MetricKind::kGauge,
    .label_names = kStoreNames};

constexpr MetricDefinition kKeys = {
    .name = "llmgw_idempotency_keys",
    .help = "Idempotency keys that are known, by whether their calls run.",
    .kind = MetricKind::kGauge,
    .label_names = kStateNames};
constexpr MetricDefinition kKeysBytes = {
    .name = "llmgw_idempotency_bytes",
    .help = "What idempotency keys and their answers take, in bytes.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kReplays = {
    .name = "llmgw_idempotency_replays_total",
    .help =
        "Calls that were not the first of their idempotency key, by whether "
        "that one still ran.",
    .kind = MetricKind::kCounter,
    .label_names = kStateNames};
constexpr MetricDefinition kKeyRefusals = {
    .name = "llmgw_idempotency_refusals_total",
    .help =
        "Calls that were refused for their idempotency key: used before with "
        "another request, without room for it, or since Redis is away.",
    .kind = MetricKind::kCounter,
    .label_names = kRefusalNames};
constexpr MetricDefinition kAnswersDropped = {
    .name = "llmgw_idempotency_answers_dropped_total",
    .help =
        "Answers of idempotency keys that were dropped before their time, for "
        "want of room.",
    .kind = MetricKind::kCounter};

constexpr MetricDefinition kWaiting = {
    .name = "llmgw_idempotency_waiting",
    .help = "Calls that wait for one of another replica with the same key.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kUntold = {
    .name = "llmgw_idempotency_untold_ends",
    .help =
        "Calls with an idempotency key of whose end Redis does not know yet.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kLost = {
    .name = "llmgw_idempotency_lost_ends_total",
    .help =
        "Calls with an idempotency key whose end Redis could not be told: they "
        "count as broken.",
    .kind = MetricKind::kCounter};

constexpr MetricDefinition kLargeAnswers = {
    .name = "llmgw_idempotency_large_answers_total",
    .help =
        "Large answers that callers came back for, by where they were: in "
        "Redis, or here since they were fetched or made.",
    .kind = MetricKind::kCounter,
    .label_names = kFromNames};

constexpr MetricDefinition kGroups = {
    .name = "llmgw_coalescing_groups",
    .help = "Calls under way that others which are the same may join.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kJoined = {
    .name = "llmgw_coalescing_joined_total",
    .help = "Calls that have joined another which was the same.",
    .kind = MetricKind::kCounter};

constexpr MetricDefinition kStreams = {
    .name = "llmgw_resumable_streams",
    .help = "Streams that can be gone on with.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kStreamsRefused = {
    .name = "llmgw_resumable_streams_refused_total",
    .help = "Streams that cannot be gone on with, for want of room.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kResumptions = {
    .name = "llmgw_stream_resumptions_total",
    .help = "Callers that came back to a stream, by whether they found it.",
    .kind = MetricKind::kCounter,
    .label_names = kFoundNames};

void TellOfMemory(const ResponseCache::Stats& stats, Values& values) {
  values.Add(kLookups, {kMemory, "hit"}, static_cast<double>(stats.hits));
  values.Add(kLookups, {kMemory, "miss"}, static_cast<double>(stats.misses));
  values.Add(kKept, {kMemory}, static_cast<double>(stats.stored));
  values.Add(kDropped, {kMemory, "room"}, static_cast<double>(stats.evicted));
  values.Add(kDropped, {kMemory, "expired"},
             static_cast<double>(stats.expired));
  values.Add(kDropped, {kMemory, "memory"},
             static_cast<double>(stats.for_memory));
  values.Add(kDropped, {kMemory, "size"}, static_cast<double>(stats.too_large));
  values.Add(kEntries, {kMemory}, static_cast<double>(stats.entries));
  values.Add(kBytes, {kMemory}, static_cast<double>(stats.size_bytes));
}

void TellOfRedis(const RedisAnswers::Stats& stats, Values& values) {
  values.Add(kLookups, {kRedis, "hit"}, static_cast<double>(stats.hits));
  values.Add(kLookups, {kRedis, "miss"}, static_cast<double>(stats.misses));
  values.Add(kLookups, {kRedis, "unreadable"},
             static_cast<double>(stats.unreadable));
  values.Add(kLookups, {kRedis, "failed"}, static_cast<double>(stats.failed));
  values.Add(kLookups, {kRedis, "away"}, static_cast<double>(stats.away));
  values.Add(kKept, {kRedis}, static_cast<double>(stats.kept));
  values.Add(kDropped, {kRedis, "room"}, static_cast<double>(stats.no_room));
  values.Add(kDropped, {kRedis, "size"}, static_cast<double>(stats.too_large));
  values.Add(kDropped, {kRedis, "failed"},
             static_cast<double>(stats.not_written));
}

void TellOfKeys(const IdempotencyTable::Stats& stats, Values& values) {
  values.Add(kKeys, {"running"}, static_cast<double>(stats.running));
  values.Add(kKeys, {"ended"}, static_cast<double>(stats.ended));
  values.Add(kKeysBytes, {}, static_cast<double>(stats.size_bytes));
  values.Add(kReplays, {"running"}, static_cast<double>(stats.waited));
  values.Add(kReplays, {"ended"},
             static_cast<double>(stats.replayed - stats.waited));
  values.Add(kKeyRefusals, {"mismatch"}, static_cast<double>(stats.mismatches));
  values.Add(kKeyRefusals, {"room"}, static_cast<double>(stats.refused));
  values.Add(kAnswersDropped, {}, static_cast<double>(stats.answers_dropped));
}

void TellOfClaims(const KeyClaims::Stats& stats, Values& values) {
  values.Add(kReplays, {"running"}, static_cast<double>(stats.waited));
  values.Add(kReplays, {"ended"},
             static_cast<double>(stats.replayed + stats.broken));
  values.Add(kKeyRefusals, {"mismatch"}, static_cast<double>(stats.mismatches));
  values.Add(kKeyRefusals, {"store"}, static_cast<double>(stats.refused));
  values.Add(kAnswersDropped, {}, static_cast<double>(stats.answers_left));
  values.Add(kWaiting, {}, static_cast<double>(stats.waiting));
  values.Add(kUntold, {}, static_cast<double>(stats.untold));
  values.Add(kLost, {}, static_cast<double>(stats.lost));
  values.Add(kLargeAnswers, {kRedis}, static_cast<double>(stats.fetched));
  values.Add(kLargeAnswers, {kMemory}, static_cast<double>(stats.found_here));
}

void TellOfStreams(const ResumableStreams::Stats& stats, Values& values) {
  values.Add(kStreams, {}, static_cast<double>(stats.streams));
  values.Add(kStreamsRefused, {}, static_cast<double>(stats.no_room));
  values.Add(kResumptions, {"found"}, static_cast<double>(stats.found));
  values.Add(kResumptions, {"not_found"}, static_cast<double>(stats.not_found));
}

}  // namespace

void AddCacheMetrics(const CurrentRuntime& current, MetricRegistry& registry) {
  registry.AddCollector([&current](Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    if (runtime->answer_cache() != nullptr) {
      TellOfMemory(runtime->answer_cache()->answers().stats(), values);
    }
    const RedisAnswers* const of_replicas = runtime->ports().shared_answers;
    if (of_replicas != nullptr && runtime->config().cache().shared()) {
      TellOfRedis(of_replicas->stats(), values);
    }
    const SharedCalls& shared = runtime->shared_calls();
    if (shared.keys() != nullptr) TellOfKeys(shared.keys()->stats(), values);
    const KeyClaims* const claims = runtime->ports().key_claims;
    if (claims != nullptr && runtime->config().idempotency().shared()) {
      TellOfClaims(claims->stats(), values);
    }
    if (shared.in_flight() != nullptr) {
      values.Add(kGroups, {}, static_cast<double>(shared.in_flight()->size()));
      values.Add(kJoined, {},
                 static_cast<double>(shared.in_flight()->joined()));
    }
    if (runtime->resumable_streams() != nullptr) {
      TellOfStreams(runtime->resumable_streams()->stats(), values);
    }
  });
}

}  // namespace gateway
