#include "service/pipeline/route_preview.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/provider_policy.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/provider_probes.h"
#include "service/resilience/target_board.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr char kPreviewYaml[] =
    "providers:\n"
    "- {name: keyed, openai: {api_key: 'env:KEY'}}\n"
    "- {name: mock, mock: {}}\n"
    "- {name: keyless, openai: {api_key: 'env:NOT_SET'}}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {alias: one, targets: [keyed/a]}\n"
    "  - {alias: two, targets: [keyed/a, {provider: mock, model: b, "
    "priority: 1}], fallbacks: [mock/c]}\n"
    "  - {alias: shared, targets: [keyed/a, mock/b], balancing: "
    "round_robin}\n"
    "  - {alias: partly, targets: [keyless/k, mock/b, keyed/a], fallbacks: "
    "[keyless/f, mock/c]}\n"
    "  failure_fallbacks: {rate_limit: [mock/limited]}\n"
    "resilience: {outlier_ejection: {enabled: true, "
    "consecutive_failures: 2}}\n";

class RoutePreviewTest : public testing::Test {
 protected:
  RoutePreview Preview(const char* model) {
    v1::GenerateRequest request;
    request.set_model(model);
    UnaskedCall call(runtime_, runner_.loop());
    call.Take(request);
    const Admitted admitted;
    const Caller caller;
    std::vector<RouteStep> steps;
    absl::StatusOr<RoutePlan> plan =
        PlanByRules(call, caller, admitted, &steps);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return PreviewRoute(call, caller, admitted, *std::move(plan));
  }

  // Whom it would ask, one after another.
  static std::vector<std::string> Asked(const RoutePreview& preview) {
    std::vector<std::string> asked;
    if (!preview.first.ok()) {
      return {std::string(ReasonName(FaultReason(preview.first.status())))};
    }
    asked.emplace_back(preview.first->upstream_model);
    for (const PlannedTarget& each : preview.fallbacks) {
      asked.emplace_back(each.upstream_model);
    }
    return asked;
  }

  static std::vector<std::string> Told(const RoutePreview& preview) {
    std::vector<std::string> told;
    for (const RoutePreview::PassedOver& each : preview.passed_over) {
      told.push_back(absl::StrCat(each.model, ": ", each.why));
    }
    return told;
  }

  TargetState& Target(std::string_view provider, std::string_view model) {
    return runtime_->resilience().targets.Find(provider, model);
  }
  CredentialPool& Credentials() {
    return *runtime_->PolicyOf(*runtime_->providers().Find("keyed"))
                .credentials;
  }
  absl::Duration Now() { return runtime_->clock().SteadyTime(); }

  RoutePreviewTest()
      : RoutePreviewTest(
            MakeTestRuntime(kPreviewYaml, {{"KEY", "sk-0123456789"}})) {}
  explicit RoutePreviewTest(std::shared_ptr<const RuntimeSnapshot> runtime)
      : runtime_(std::move(runtime)) {}

  const std::shared_ptr<const RuntimeSnapshot> runtime_;
  LoopRunner runner_;
};

constexpr char kLimitedYaml[] =
    "providers:\n"
    "- {name: one, mock: {}}\n"
    "- {name: other, mock: {}}\n"
    "routing: {model_rules: [{alias: m, targets: [one/a], fallbacks: "
    "[other/b]}]}\n"
    "rate_limits:\n"
    "- {name: plan, unit: requests, limit: 2, window: 1h, per: [provider], "
    "match: {providers: [one]}}\n"
    "- {name: places, unit: concurrent_calls, limit: 1, per: [provider], "
    "match: {providers: [other]}}\n";

// Targets whose providers have limits.
class LimitedPreviewTest : public RoutePreviewTest {
 protected:
  LimitedPreviewTest() : RoutePreviewTest(MakeTestRuntime(kLimitedYaml)) {}

  // What was taken of the limit of the provider.
  std::unique_ptr<LimitCharges> Take(const std::string& limit,
                                     const std::string& provider) {
    const LimitRule& rule = *runtime_->limits().Find(limit);
    LimitSubject subject = runtime_->limits().NewSubject();
    subject.Set(::llmgateway::config::v1::LIMIT_DIMENSION_PROVIDER, provider);
    auto charges = std::make_unique<LimitCharges>(runtime_->counter_stores());
    charges->Ask(rule, subject, {});
    LimitCharges::Taking taking = charges->Take(Now());
    EXPECT_TRUE(taking.await_ready() && taking.await_resume()) << limit;
    return charges;
  }
};

TEST_F(LimitedPreviewTest, ATargetWhoseLimitIsFullIsPassedOverAndToldOf) {
  // To look takes nothing.
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Asked(Preview("m")), ElementsAre("a", "b"));
    EXPECT_THAT(Told(Preview("m")), IsEmpty());
  }
  Take("plan", "one");
  EXPECT_THAT(Asked(Preview("m")), ElementsAre("a", "b"));
  Take("plan", "one");
  EXPECT_THAT(Asked(Preview("m")), ElementsAre("b"));
  EXPECT_THAT(Told(Preview("m")),
              ElementsAre(MatchesRegex(
                  "a: the limit plan of 2 requests per 1h for each provider is "
                  "reached: try again in (30m|29m5[0-9]s)")));
  const std::unique_ptr<LimitCharges> call = Take("places", "other");
  EXPECT_THAT(Asked(Preview("m")), ElementsAre("CONCURRENCY_LIMITED"));
  EXPECT_THAT(Told(Preview("m")),
              ElementsAre(HasSubstr("a: the limit plan"),
                          HasSubstr("b: the limit places of 1 call at once")));
  call->Leave();
  EXPECT_THAT(Asked(Preview("m")), ElementsAre("b"));
}

TEST_F(RoutePreviewTest, WhereAllAreWellTheyFollowEachOther) {
  const RoutePreview preview = Preview("two");
  EXPECT_THAT(Asked(preview), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Told(preview), IsEmpty());
}

TEST_F(RoutePreviewTest, ATargetIsToldOfThatLeavesItsCallsToTheOthers) {
  TargetState& a = Target("keyed", "a");
  a.availability.Disable(TargetAvailability::By::kOperator, "");
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("b", "c"));
  EXPECT_THAT(Told(Preview("two")), ElementsAre("a: is disabled"));
  EXPECT_THAT(Told(Preview("shared")), ElementsAre("a: is disabled"));
  EXPECT_THAT(Asked(Preview("partly")), ElementsAre("b", "c"));
  EXPECT_THAT(
      Told(Preview("partly")),
      ElementsAre("a: is disabled", "k: no credential", "f: no credential"));
  a.availability.Enable();
  a.breaker.Force(CircuitBreaker::State::kForcedOpen, Now());
  EXPECT_THAT(Told(Preview("two")),
              ElementsAre("a: an operator has forced its circuit open"));
  a.breaker.Force(CircuitBreaker::State::kOpen, Now());
  EXPECT_THAT(Asked(Preview("shared")), ElementsAre("b"));
  EXPECT_THAT(Told(Preview("shared")),
              ElementsAre("a: rests: its circuit is open"));
  a.breaker.Reset(Now());
  EXPECT_THAT(Told(Preview("shared")), IsEmpty());
}

TEST_F(RoutePreviewTest, ALimitGoesWhereLimitsGo) {
  Credentials().Record(0, Now(),
                       MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
  EXPECT_THAT(Asked(Preview("one")), ElementsAre("limited"));
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("b", "c"));
  EXPECT_THAT(Told(Preview("one")),
              ElementsAre("a: waits until its rate limit lets it be asked"));
  // What does not pass by waiting is no limit.
  Credentials().Reset(0);
  Credentials().Record(0, Now(),
                       MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, ""));
  EXPECT_THAT(Asked(Preview("one")), ElementsAre("a"));
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("b", "c"));
}

TEST_F(RoutePreviewTest, WhereNobodyMayBeAskedWhatPassesIsTold) {
  for (const char* model : {"b", "c"}) {
    Target("mock", model)
        .availability.Disable(TargetAvailability::By::kOperator, "");
  }
  Target("keyed", "a").breaker.Force(CircuitBreaker::State::kForcedOpen, Now());
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("CIRCUIT_OPEN"));
  EXPECT_EQ(FaultMetadata(Preview("two").first.status(), "circuit"),
            "forced_open");
  Target("keyed", "a").breaker.Reset(Now());
  Target("keyed", "a")
      .availability.Disable(TargetAvailability::By::kOperator, "");
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("MODEL_DISABLED"));
  EXPECT_THAT(
      Told(Preview("two")),
      ElementsAre("a: is disabled", "b: is disabled", "c: is disabled"));
  Target("mock", "c").availability.Enable();
  Target("mock", "c").breaker.Force(CircuitBreaker::State::kOpen, Now());
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("CIRCUIT_OPEN"));
  EXPECT_EQ(FaultMetadata(Preview("two").first.status(), "circuit"), "open");
}

TEST_F(RoutePreviewTest, AsALastResortOneIsAskedThatHasRefusedItsCredentials) {
  for (const char* model : {"b", "c"}) {
    Target("mock", model)
        .availability.Disable(TargetAvailability::By::kOperator, "");
  }
  Credentials().Record(0, Now(),
                       MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, ""));
  EXPECT_THAT(Asked(Preview("two")), ElementsAre("a"));
}

TEST_F(RoutePreviewTest, WhoComesLastIsToldWhy) {
  EXPECT_THAT(Told(Preview("shared")), IsEmpty());
  ProviderProbes& probes = runtime_->resilience().targets.ProbesOf("keyed");
  for (int i = 0; i < 2; ++i) probes.RecordFailure(absl::UnixEpoch());
  EXPECT_THAT(Asked(Preview("shared")), ElementsAre("b", "a"));
  EXPECT_THAT(Told(Preview("shared")),
              ElementsAre("a: comes last: its probes fail"));
  // Where it is the only one it is asked, and passed over nowhere.
  EXPECT_THAT(Asked(Preview("one")), ElementsAre("a"));
  EXPECT_THAT(Told(Preview("one")), IsEmpty());
  probes.RecordSuccess(absl::UnixEpoch());
  EXPECT_THAT(Told(Preview("shared")), IsEmpty());
  const RoutePreview before = Preview("shared");
  ASSERT_TRUE(before.first.ok());
  GroupMember* const first = before.first->member;
  ASSERT_NE(first, nullptr);
  const std::string ejected(before.first->upstream_model);
  for (int i = 0; i < 2; ++i) first->RecordFault(Now());
  const RoutePreview after = Preview("shared");
  ASSERT_EQ(Asked(after).size(), 2u);
  EXPECT_EQ(Asked(after)[1], ejected);
  EXPECT_THAT(Told(after),
              ElementsAre(absl::StrCat(ejected,
                                       ": comes last: it does worse than the "
                                       "others of its name, and is ejected")));
}

TEST_F(RoutePreviewTest, NobodyIsAskedForIt) {
  UnaskedCall call(runtime_, runner_.loop());
  const auto send = [&]() -> Task<absl::Status> {
    co_return (co_await call.http.Send({})).status();
  };
  EXPECT_FALSE(runner_.Run(send()).ok());
}

}  // namespace
}  // namespace gateway
