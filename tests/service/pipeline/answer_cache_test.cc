#include "service/pipeline/answer_cache.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/all_providers.h"
#include "service/cache/redis_answers.h"
#include "service/config/config_reader.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kMock =
    "providers: [{name: mock, mock: {replies: [first, second, third]}}]\n"
    "routing: {default_target: mock}\n"
    "resilience: {retry: {attempts_limit: 1}}\n";

CallQuestion Question(std::string text = "Hello") {
  CallQuestion question;
  question.request.set_model("m");
  v1::Message& message = *question.request.add_messages();
  message.set_role(v1::ROLE_USER);
  message.add_parts()->set_text(text);
  return question;
}

class AnswerCacheTest : public testing::Test {
 public:
  static std::string With(std::string_view cache) {
    return std::string(kMock) + std::string(cache);
  }

  // Asks, and expects the part that the cache has in it.
  CallResult Ask(CallRunner& runner, const CallQuestion& question,
                 std::string_view cache) {
    CallResult result = runner.Run(question);
    EXPECT_EQ(result.record().cache, cache);
    EXPECT_EQ(result.attempts.size(), cache == "hit" ? 0 : 1);
    return result;
  }
};

TEST_F(AnswerCacheTest, WhatIsNotConfiguredHasNoPart) {
  CallRunner runner(MakeTestRuntime(kMock));
  EXPECT_EQ(Ask(runner, Question(), "").Text(), "first");
  EXPECT_EQ(Ask(runner, Question(), "").Text(), "second");
}

TEST_F(AnswerCacheTest, WhereNoneIsConfiguredNothingIsKept) {
  for (const std::string_view more : {"", "idempotency: {}\n"}) {
    CallRunner runner(MakeTestRuntime(With(more)));
    CallQuestion only = Question();
    only.request.mutable_cache_control()->set_only_if_cached(true);
    const CallResult refused = runner.Run(only);
    EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_NOT_FOUND);
    EXPECT_TRUE(refused.attempts.empty());
    EXPECT_EQ(refused.record().cache, "");
    CallQuestion fresh = Question();
    fresh.request.mutable_cache_control()->set_no_cache(true);
    EXPECT_EQ(Ask(runner, fresh, "").Text(), "first");
  }
}

TEST_F(AnswerCacheTest, WhatAKeyRemembersIsKeptWithoutACache) {
  CallRunner runner(MakeTestRuntime(With("idempotency: {}\n")));
  CallQuestion question = Question();
  question.request.set_idempotency_key("k");
  EXPECT_EQ(runner.Run(question).Text(), "first");
  question.request.mutable_cache_control()->set_only_if_cached(true);
  EXPECT_EQ(runner.Run(question).Text(), "first");
}

// What is found in Redis, tests/integration/shared_cache_test.py shows.
TEST_F(AnswerCacheTest, WithoutRedisWhatReplicasShareIsInMemory) {
  RedisAnswers answers({}, [] { return nullptr; }, SystemClock());
  Ports ports;
  ports.shared_answers = &answers;
  CallRunner runner(MakeTestRuntime(
      With("cache: {shared: true}\nredis: {addresses: ['a:1']}\n"), {}, ports));
  CallQuestion only = Question();
  only.request.mutable_cache_control()->set_only_if_cached(true);
  EXPECT_EQ(FaultReason(runner.Run(only).status), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(Ask(runner, Question(), "miss").Text(), "first");
  EXPECT_EQ(Ask(runner, Question(), "hit").Text(), "first");
  // Who is found one in memory asks nobody.
  EXPECT_EQ(answers.stats().away, 2u);
}

TEST_F(AnswerCacheTest, TheSameIsAskedOnce) {
  CallRunner runner(MakeTestRuntime(With("cache: {}\n")));
  const CallResult miss = Ask(runner, Question(), "miss");
  EXPECT_EQ(miss.Text(), "first");
  EXPECT_FALSE(miss.response.has_cache_hit());
  const CallResult hit = Ask(runner, Question(), "hit");
  EXPECT_TRUE(hit.status.ok());
  EXPECT_EQ(hit.Text(), "first");
  EXPECT_EQ(hit.answers, 1);
  EXPECT_EQ(hit.response.cache_hit().request_id(), "req-test-1");
  EXPECT_EQ(hit.response.cache_hit().key().size(), 16);
  EXPECT_EQ(hit.response.cache_hit().key(), hit.record().cache_key);
  EXPECT_EQ(hit.response.cache_hit().key(), miss.record().cache_key);
  EXPECT_EQ(hit.response.route().provider(), "mock");
  EXPECT_TRUE(hit.response.attempts().empty());
  EXPECT_EQ(Ask(runner, Question("Hello?"), "miss").Text(), "second");
}

TEST_F(AnswerCacheTest, AHitCostsNothingAndSaysWhatItWouldHave) {
  CallRunner runner(MakeTestRuntime(
      With("cache: {}\n"
           "prices: {models: [{model: m, input: '1', output: '1'}]}\n")));
  const CallResult miss = Ask(runner, Question(), "miss");
  EXPECT_GT(miss.record().usage->cost_usd_nanos(), 0);
  const CallResult hit = Ask(runner, Question(), "hit");
  EXPECT_EQ(hit.record().usage->input_tokens(), 10);
  EXPECT_EQ(hit.record().usage->output_tokens(), 20);
  EXPECT_EQ(hit.record().usage->cost_usd_nanos(), 0);
  EXPECT_TRUE(hit.record().usage->cost_known());
  EXPECT_EQ(hit.response.usage().cost_usd_nanos(), 0);
  EXPECT_TRUE(hit.response.usage().cost_known());
  EXPECT_EQ(hit.response.usage().output_tokens(), 20);
}

TEST_F(AnswerCacheTest, WhoIsNamedAndWhatTheCallIsLabelledMeansNothing) {
  CallRunner runner(MakeTestRuntime(With("cache: {}\n")));
  Ask(runner, Question(), "miss");
  CallQuestion question = Question();
  question.request.mutable_scope()->set_user_id("somebody");
  (*question.request.mutable_labels())["a"] = "b";
  Ask(runner, question, "hit");
  question.request.mutable_sampling()->set_temperature(0.5);
  Ask(runner, question, "miss");
}

TEST_F(AnswerCacheTest, CallersOfDifferentKeysDoNotShareUnlessConfigured) {
  constexpr std::string_view kKeys =
      "auth: {callers: {api_keys: [{id: alice, key: 'env:A'},\n"
      "                            {id: bob, key: 'env:B'}]}}\n";
  const Environment environment = {{"A", "sk-alice-12345678"},
                                   {"B", "sk-bob-123456789"}};
  for (const std::string_view scope : {"caller", "all"}) {
    CallRunner runner(
        MakeTestRuntime(With(std::string(kKeys) +
                             "cache: {scope: " + std::string(scope) + "}\n"),
                        environment));
    CallQuestion question = Question();
    question.authorization = "Bearer sk-alice-12345678";
    EXPECT_EQ(Ask(runner, question, "miss").Text(), "first");
    question.authorization = "Bearer sk-bob-123456789";
    EXPECT_EQ(Ask(runner, question, scope == "all" ? "hit" : "miss").Text(),
              scope == "all" ? "first" : "second");
    question.authorization = "Bearer sk-alice-12345678";
    EXPECT_EQ(Ask(runner, question, "hit").Text(), "first");
  }
}

TEST_F(AnswerCacheTest, ACallerSaysWhatItWants) {
  CallRunner runner(MakeTestRuntime(With("cache: {}\n")));
  CallQuestion only_kept = Question();
  only_kept.request.mutable_cache_control()->set_only_if_cached(true);
  const CallResult refused = runner.Run(only_kept);
  EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_TRUE(refused.attempts.empty());
  CallQuestion not_kept = Question();
  not_kept.request.mutable_cache_control()->set_no_store(true);
  EXPECT_EQ(Ask(runner, not_kept, "miss").Text(), "first");
  EXPECT_EQ(Ask(runner, Question(), "miss").Text(), "second");
  EXPECT_EQ(Ask(runner, only_kept, "hit").Text(), "second");
  CallQuestion fresh = Question();
  fresh.request.mutable_cache_control()->set_no_cache(true);
  EXPECT_EQ(Ask(runner, fresh, "miss").Text(), "third");
  EXPECT_EQ(Ask(runner, Question(), "hit").Text(), "third");
}

TEST_F(AnswerCacheTest, FailuresAndToolsAreNotKept) {
  CallRunner runner(MakeTestRuntime(
      "providers: [{name: mock, mock: {fault: server_error, fault_calls: 1}}]\n"
      "routing: {default_target: mock}\n"
      "resilience: {retry: {attempts_limit: 1}}\n"
      "cache: {}\n"));
  EXPECT_FALSE(Ask(runner, Question(), "miss").status.ok());
  EXPECT_TRUE(Ask(runner, Question(), "miss").status.ok());
  Ask(runner, Question(), "hit");
  CallQuestion with_tools = Question();
  with_tools.request.add_tools()->mutable_function()->set_name("f");
  Ask(runner, with_tools, "bypass");
  Ask(runner, with_tools, "bypass");
}

TEST_F(AnswerCacheTest, OnlyModelsThatAreNamedAreKept) {
  CallRunner runner(MakeTestRuntime(With("cache: {models: ['gpt-*']}\n")));
  Ask(runner, Question(), "bypass");
  CallQuestion named = Question();
  named.request.set_model("gpt-4o");
  Ask(runner, named, "miss");
  Ask(runner, named, "hit");
}

TEST_F(AnswerCacheTest, ReloadKeepsAnswersWhileProvidersAndCacheAreTheSame) {
  const std::shared_ptr<const RuntimeSnapshot> first =
      MakeTestRuntime(With("cache: {}\n"));
  CallRunner runner(first);
  Ask(runner, Question(), "miss");
  const auto reload = [&](const std::string& yaml) {
    const ConfigReading reading = ReadConfigText(
        AllProviderKinds(), yaml, "test.yaml", {}, absl::UnixEpoch());
    ASSERT_NE(reading.snapshot, nullptr);
    const auto next = RuntimeSnapshot::Make(reading.snapshot, {}, first.get());
    ASSERT_TRUE(next.ok()) << next.status();
    runner.SetRuntime(*next);
  };
  reload(With("cache: {}\nlimits: {tools_limit: 7}\n"));
  Ask(runner, Question(), "hit");
  reload(With("cache: {ttl: 5m}\n"));
  Ask(runner, Question(), "miss");
}

}  // namespace
}  // namespace gateway
