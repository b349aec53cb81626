// TwoProviders is the ground for tests of attempts: two providers that answer
// by a script, `first` and `second`, and a call that may go to both in turn,
// without a socket, a process or real time.
//
//   class FooTest : public TwoProviders {};
//
//   TEST_F(FooTest, ...) {
//     first_->Fail(Down());
//     second_->Answer("forty-two");
//     EXPECT_TRUE(Ask().ok());
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_PIPELINE_TWO_PROVIDERS_H_
#define TESTS_SERVICE_PIPELINE_TWO_PROVIDERS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/resilience/target_board.h"
#include "service/routing/router.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {

class TwoProviders : public testing::Test {
 protected:
  // Of each provider.
  struct Settings {
    std::string credentials;  // Besides `default`; none is without that.
    std::string resilience;
    std::string timeouts;
  };

  TwoProviders() { Configure("retry: {attempts_limit: 3}"); }

  // `resilience` is the text of the section, but for the back-offs of retries.
  void Configure(const std::string& resilience, const Settings& first = {},
                 const Settings& second = {}) {
    std::vector<ProviderRegistry::Entry> entries;
    for (const char* name : {"first", "second"}) {
      auto provider = std::make_unique<ScriptedProvider>(name);
      (entries.empty() ? first_ : second_) = provider.get();
      entries.push_back({.name = name, .provider = std::move(provider)});
    }
    runtime_ = MakeTestRuntimeWith(
        absl::StrCat("providers:\n", Yaml("first", first),
                     Yaml("second", second), "resilience: {", resilience,
                     "}\n"
                     "prices: {models: [{model: m, input: '1', output: '1'}]}"),
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_},
        {{"A", "key-a"}, {"B", "key-b"}, {"C", "key-c"}});
  }

  // Asks both in turn, or the first alone, and keeps what each attempt was.
  absl::Status Ask(bool stream = false, bool both = true) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.request = &request_;
    call.facts.stream = stream;
    Timer deadline([&cancel] {
      cancel.Cancel(
          MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED, "time is up"));
    });
    Timer leaves([&cancel] {
      cancel.Cancel(MakeFault(v1::ERROR_REASON_CANCELLED, "has hung up"));
    });
    if (leaves_after_.has_value()) {
      runner_.loop().ArmTimer(leaves, *leaves_after_);
    }
    if (deadline_.has_value()) {
      call.deadline = call.arrival + *deadline_;
      runner_.loop().ArmTimer(deadline, *deadline_);
    }
    static constexpr RouteTarget kTargets[] = {{"first", "m"}, {"second", "m"}};
    RoutePlan route{
        .targets = GroupOrder(absl::MakeConstSpan(kTargets, both ? 2 : 1))};
    call.planned.next = std::make_unique<TargetWalk>(
        call, *call.caller, call.admitted, std::move(route));
    call.planned.first = *call.planned.next->First();
    if (!both) call.planned.next = nullptr;
    OpenStream open;
    const absl::Status outcome =
        runner_.Run(AskTargets(call, call.attempts, stream ? &open : nullptr));
    took_ = runner_.loop().Now() - call.arrival;
    kinds_.clear();
    began_.clear();
    credentials_.clear();
    ends_.clear();
    usages_.clear();
    for (const Attempt& attempt : call.attempts) {
      kinds_.emplace_back(attempt.provider, attempt.kind);
      began_.push_back(attempt.start_time - call.start_time);
      credentials_.emplace_back(attempt.credential);
      ends_.push_back(attempt.error_reason);
      usages_.push_back(attempt.answer.facts.usage);
    }
    EXPECT_EQ(outcome.ok(),
              !call.attempts.empty() && call.DecidingAttempt()->answered);
    answered_by_ =
        outcome.ok() ? std::string(call.DecidingAttempt()->provider) : "";
    const RetryBudget& budget = runtime_->resilience().retry_budget;
    EXPECT_EQ(budget.Read().in_flight, 0);
    return outcome;
  }

  void Wait(absl::Duration time) {
    CancelSignal cancel;
    EXPECT_TRUE(runner_.Run(Sleep(runner_.loop(), time, cancel)).ok());
  }

  TargetState& Target(const char* provider) {
    return runtime_->resilience().targets.Find(provider, "m");
  }

  void Disable(const char* provider) {
    Target(provider).availability.Disable(TargetAvailability::By::kOperator,
                                          "by alice");
  }

  static absl::Status Down() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  }
  static absl::Status Limited(std::optional<absl::Duration> retry_after = {}) {
    absl::Status status =
        MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "slow down");
    if (retry_after.has_value()) SetRetryDelay(status, *retry_after);
    return status;
  }
  static absl::Status Refused() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "no such key");
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  v1::GenerateRequest request_;
  std::optional<absl::Duration> deadline_;  // Of each call.
  std::optional<absl::Duration> leaves_after_;  // The caller, of each call.
  ScriptedProvider* first_ = nullptr;
  ScriptedProvider* second_ = nullptr;
  std::shared_ptr<const RuntimeSnapshot> runtime_;

  // Of the last call.
  std::vector<std::pair<std::string, v1::Attempt::Kind>> kinds_;
  std::vector<absl::Duration> began_;  // After the call.
  std::vector<std::string> credentials_;
  std::vector<v1::ErrorReason> ends_;
  std::vector<v1::Usage> usages_;
  std::string answered_by_;
  absl::Duration took_;

 private:
  static std::string Yaml(const char* name, const Settings& settings) {
    return absl::StrCat(
        "- name: ", name, "\n  openai: {base_url: 'http://127.0.0.1:1'",
        settings.credentials.empty() ? "" : ", api_key: 'env:A'",
        settings.timeouts.empty()
            ? std::string()
            : absl::StrCat(", http: {timeouts: {", settings.timeouts, "}}"),
        "}\n",
        settings.credentials.empty()
            ? std::string()
            : absl::StrCat("  credentials: [", settings.credentials, "]\n"),
        settings.resilience.empty()
            ? std::string()
            : absl::StrCat("  resilience: {", settings.resilience, "}\n"));
  }
};

}  // namespace gateway

#endif  // TESTS_SERVICE_PIPELINE_TWO_PROVIDERS_H_
