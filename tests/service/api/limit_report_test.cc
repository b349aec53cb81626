#include "service/api/limit_report.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "providers/registry/registry.h"
#include "service/pipeline/call_limits.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using Told = std::vector<std::pair<std::string, std::string>>;

class LimitReportTest : public testing::Test {
 protected:
  // What is told of a call that has been let in by these limits.
  Told Tell(const std::string& limits, LimitWords words) {
    std::vector<ProviderRegistry::Entry> entries;
    entries.push_back({.name = "mock",
                       .provider = std::make_unique<ScriptedProvider>("mock")});
    Call call(MakeTestRuntimeWith(
                  absl::StrCat("providers: [{name: mock, mock: {}}]\n"
                               "rate_limits: [",
                               limits, "]\n"),
                  std::make_unique<const ProviderRegistry>(std::move(entries)),
                  {.clock = &clock_, .secure_random = &random_}),
              client_.loop(), client_.http(), cancel_, arena_,
              client_.loop().Now());
    call.limits = CallLimits::Of(call);
    if (call.limits != nullptr) {
      LimitCharges::Taking taking = call.limits->Take(clock_.SteadyTime());
      EXPECT_TRUE(taking.await_ready() && taking.await_resume());
    }
    Told told;
    CallFields fields;
    AddLimits(call, words, &fields);
    for (const CallField& field : fields) {
      told.emplace_back(field.name, field.value);
    }
    return told;
  }

  FakeClock clock_{absl::FromUnixMillis(1767323045'300)};
  FakeRandom random_{1};
  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
};

constexpr char kBoth[] =
    "{name: r, unit: requests, limit: 6, window: 9m}, "
    "{name: t, unit: total_tokens, limit: 600, window: 1m}";

TEST_F(LimitReportTest, AsOpenAiWritesIt) {
  EXPECT_EQ(Tell(kBoth, LimitWords::kOpenAi),
            (Told{{"x-ratelimit-limit-requests", "6"},
                  {"x-ratelimit-remaining-requests", "5"},
                  {"x-ratelimit-reset-requests", "1m30s"},
                  {"x-ratelimit-limit-tokens", "600"},
                  {"x-ratelimit-remaining-tokens", "599"},
                  {"x-ratelimit-reset-tokens", "100ms"}}));
}

TEST_F(LimitReportTest, AsAnthropicWritesIt) {
  EXPECT_EQ(
      Tell(kBoth, LimitWords::kAnthropic),
      (Told{{"anthropic-ratelimit-requests-limit", "6"},
            {"anthropic-ratelimit-requests-remaining", "5"},
            {"anthropic-ratelimit-requests-reset", "2026-01-02T03:05:36Z"},
            {"anthropic-ratelimit-tokens-limit", "600"},
            {"anthropic-ratelimit-tokens-remaining", "599"},
            {"anthropic-ratelimit-tokens-reset", "2026-01-02T03:04:06Z"}}));
  EXPECT_EQ(Tell("{name: o, unit: output_tokens, limit: 5}",
                 LimitWords::kAnthropic)[0]
                .first,
            "anthropic-ratelimit-output-tokens-limit");
  EXPECT_EQ(
      Tell("{name: i, unit: input_tokens, limit: 5}", LimitWords::kAnthropic)[1]
          .first,
      "anthropic-ratelimit-input-tokens-remaining");
}

TEST_F(LimitReportTest, AsOthersWriteIt) {
  EXPECT_EQ(Tell(kBoth, LimitWords::kPlain),
            (Told{{"x-ratelimit-limit", "6"},
                  {"x-ratelimit-remaining", "5"},
                  {"x-ratelimit-reset", "1767323136"}}));
  EXPECT_EQ(
      Tell("{name: t, unit: total_tokens, limit: 600}", LimitWords::kPlain)[1],
      (Told::value_type{"x-ratelimit-remaining", "599"}));
}

TEST_F(LimitReportTest, AsStructuredFields) {
  EXPECT_EQ(Tell(kBoth, LimitWords::kStructured),
            (Told{{"ratelimit-policy", R"("r";q=6;w=540;qu="requests", )"
                                       R"("t";q=600;w=60;qu="total_tokens")"},
                  {"ratelimit", R"("r";r=5;t=90, "t";r=599;t=1)"}}));
  EXPECT_EQ(Tell("{name: t.1, unit: input_tokens, limit: 600, window: 1.5s}",
                 LimitWords::kStructured),
            (Told{{"ratelimit-policy", R"("t.1";q=600;w=2;qu="input_tokens")"},
                  {"ratelimit", R"("t.1";r=599;t=1)"}}));
}

TEST_F(LimitReportTest, OfEachPeerInOpenAisWordsAndInPlainOnes) {
  // As LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE=60 and _BURST=10 make it.
  constexpr char kOfPeer[] =
      "{name: per-client, unit: requests, limit: 60, burst: 10, per: [peer]}";
  const Told told = {{"x-ratelimit-limit-requests", "60"},
                     {"x-ratelimit-remaining-requests", "9"},
                     {"x-ratelimit-reset-requests", "1s"},
                     {"x-ratelimit-limit", "60"},
                     {"x-ratelimit-remaining", "9"},
                     {"x-ratelimit-reset", "1767323047"}};
  EXPECT_EQ(Tell(kOfPeer, LimitWords::kOpenAi), told);
  // Beside a fuller one of all, it is still that of the peer.
  EXPECT_EQ(
      Tell(absl::StrCat(kOfPeer, ", {name: all, unit: requests, limit: 2}"),
           LimitWords::kOpenAi),
      (Told{{"x-ratelimit-limit-requests", "2"},
            {"x-ratelimit-remaining-requests", "1"},
            {"x-ratelimit-reset-requests", "30s"},
            told[3],
            told[4],
            told[5]}));
  // Whoever is told apart by more than the address reads the vendor's.
  EXPECT_EQ(Tell("{name: r, unit: requests, limit: 60, per: [peer, user]}, "
                 "{name: t, unit: total_tokens, limit: 600, per: [peer]}",
                 LimitWords::kOpenAi)
                .size(),
            6u);
  EXPECT_EQ(Tell(kOfPeer, LimitWords::kAnthropic).size(), 3u);
}

TEST_F(LimitReportTest, NothingWhereNothingIsLimited) {
  EXPECT_EQ(Tell("", LimitWords::kOpenAi), Told());
  EXPECT_EQ(
      Tell("{name: c, unit: concurrent_calls, limit: 5}", LimitWords::kOpenAi),
      Told());
  EXPECT_EQ(Tell("", LimitWords::kStructured), Told());
}

}  // namespace
}  // namespace gateway
