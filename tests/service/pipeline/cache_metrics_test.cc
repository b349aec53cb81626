#include "service/pipeline/cache_metrics.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/cache/key_claims.h"
#include "service/cache/redis_answers.h"
#include "service/cache/resumable_streams.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class CacheMetricsTest : public testing::Test {
 public:
  static std::shared_ptr<const RuntimeSnapshot> With(std::string_view more,
                                                     const Ports& ports = {}) {
    return MakeTestRuntime(
        "providers: [{name: mock, mock: {}}]\n"
        "routing: {default_target: mock}\n" +
            std::string(more),
        {}, ports);
  }

  static CallQuestion Asked(std::string text, std::string key = "") {
    CallQuestion question;
    question.request.set_model("m");
    question.request.set_idempotency_key(key);
    v1::Message& message = *question.request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text(text);
    return question;
  }

  static std::map<std::string, double> Read(
      std::shared_ptr<const RuntimeSnapshot> runtime) {
    const CurrentRuntime current(std::move(runtime));
    FakeClock clock;
    MetricRegistry registry(clock);
    AddCacheMetrics(current, registry);
    std::map<std::string, double> read;
    for (const MetricFamilyValue& family : registry.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        std::string labels;
        for (const auto& [name, value] : metric.labels) {
          absl::StrAppend(&labels, labels.empty() ? "" : ",", value);
        }
        read[absl::StrCat(family.name, "{", labels, "}")] = metric.number;
      }
    }
    return read;
  }
};

TEST_F(CacheMetricsTest, WhatIsNotConfiguredIsNotTold) {
  EXPECT_TRUE(Read(With("")).empty());
}

TEST_F(CacheMetricsTest, TheCacheTellsWhatItFindsKeepsAndDrops) {
  const auto runtime = With("cache: {entries_limit: 1}\n");
  CallRunner runner(runtime);
  runner.Run(Asked("one"));
  runner.Run(Asked("one"));
  runner.Run(Asked("two"));
  auto read = Read(runtime);
  EXPECT_EQ(read["llmgw_cache_lookups_total{memory,hit}"], 1);
  EXPECT_EQ(read["llmgw_cache_lookups_total{memory,miss}"], 2);
  EXPECT_EQ(read["llmgw_cache_kept_total{memory}"], 2);
  EXPECT_EQ(read["llmgw_cache_dropped_total{memory,room}"], 1);
  EXPECT_EQ(read["llmgw_cache_dropped_total{memory,expired}"], 0);
  EXPECT_EQ(read["llmgw_cache_entries{memory}"], 1);
  EXPECT_GT(read["llmgw_cache_bytes{memory}"], 0);
}

TEST_F(CacheMetricsTest, AnswersThatAreTooLargeAreCounted) {
  const std::string reply(2000, 'x');
  const auto runtime = MakeTestRuntime(
      absl::StrCat("providers: [{name: mock, mock: {replies: [", reply, ", ",
                   reply, "]}}]\nrouting: {default_target: mock}\n",
                   "cache: {streams: true, answer_bytes_limit: 1KiB}\n"));
  CallRunner runner(runtime);
  CallQuestion question = Asked("one");
  runner.Run(question);
  auto read = Read(runtime);
  EXPECT_EQ(read["llmgw_cache_dropped_total{memory,size}"], 1);
  question.stream = true;
  runner.Run(question);
  read = Read(runtime);
  EXPECT_EQ(read["llmgw_cache_dropped_total{memory,size}"], 2);
  EXPECT_EQ(read["llmgw_cache_kept_total{memory}"], 0);
}

TEST_F(CacheMetricsTest, KeysTellWhatBecameOfTheirCalls) {
  const auto runtime = With("idempotency: {entries_limit: 1}\n");
  CallRunner runner(runtime);
  runner.Run(Asked("one", "k"));
  runner.Run(Asked("one", "k"));
  runner.Run(Asked("two", "k"));
  runner.Run(Asked("two", "l"));
  auto read = Read(runtime);
  EXPECT_EQ(read["llmgw_idempotency_keys{ended}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_keys{running}"], 0);
  EXPECT_GT(read["llmgw_idempotency_bytes{}"], 0);
  EXPECT_EQ(read["llmgw_idempotency_replays_total{ended}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_replays_total{running}"], 0);
  EXPECT_EQ(read["llmgw_idempotency_refusals_total{mismatch}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_refusals_total{room}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_answers_dropped_total{}"], 0);
}

TEST_F(CacheMetricsTest, WhatReplicasShareIsToldApart) {
  RedisAnswers answers({}, [] { return nullptr; }, SystemClock());
  KeyClaims claims({}, [] { return nullptr; });
  Ports ports;
  ports.shared_answers = &answers;
  ports.key_claims = &claims;
  const std::string_view redis = "redis: {addresses: ['a:1']}\n";
  EXPECT_TRUE(Read(With(redis, ports)).empty());
  const auto runtime =
      With(absl::StrCat("cache: {shared: true}\n",
                        "idempotency: {shared: true}\n", std::string(redis)),
           ports);
  CallRunner runner(runtime);
  runner.Run(Asked("one"));
  runner.Run(Asked("one", "k"));
  const KeyClaims::Waiting waits(claims);
  auto read = Read(runtime);
  EXPECT_EQ(read["llmgw_cache_lookups_total{redis,away}"], 1);
  EXPECT_EQ(read["llmgw_cache_lookups_total{redis,hit}"], 0);
  EXPECT_EQ(read["llmgw_cache_lookups_total{memory,miss}"], 1);
  EXPECT_EQ(read["llmgw_cache_kept_total{memory}"], 1);
  EXPECT_EQ(read["llmgw_cache_kept_total{redis}"], 0);
  EXPECT_EQ(read["llmgw_cache_dropped_total{redis,failed}"], 1);
  EXPECT_EQ(read.count("llmgw_cache_entries{redis}"), 0);
  EXPECT_EQ(read["llmgw_idempotency_refusals_total{store}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_replays_total{running}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_waiting{}"], 1);
  EXPECT_EQ(read["llmgw_idempotency_untold_ends{}"], 0);
  EXPECT_EQ(read["llmgw_idempotency_lost_ends_total{}"], 0);
}

TEST_F(CacheMetricsTest, StreamsTellWhoCameBackToThem) {
  const auto runtime = With("resumable_streams: {}\ncoalescing: {}\n");
  ResumableStreams& streams = *runtime->resumable_streams();
  ASSERT_NE(streams.Open("alice", "call"), nullptr);
  EXPECT_TRUE(streams.Find("alice", "call").ok());
  EXPECT_FALSE(streams.Find("bob", "call").ok());
  auto read = Read(runtime);
  EXPECT_EQ(read["llmgw_resumable_streams{}"], 1);
  EXPECT_EQ(read["llmgw_resumable_streams_refused_total{}"], 0);
  EXPECT_EQ(read["llmgw_stream_resumptions_total{found}"], 1);
  EXPECT_EQ(read["llmgw_stream_resumptions_total{not_found}"], 1);
  EXPECT_EQ(read.count("llmgw_coalescing_groups{}"), 1);
  EXPECT_EQ(read["llmgw_coalescing_joined_total{}"], 0);
}

}  // namespace
}  // namespace gateway
