#include "service/pipeline/health_prober.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/registry/registry.h"
#include "service/pipeline/current_runtime.h"
#include "service/resilience/provider_probes.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// Lists no models, but says so when it is asked.
class ProbedProvider final : public Provider {
 public:
  explicit ProbedProvider(Clock& clock) : clock_(clock) {}

  std::string_view name() const override { return "p"; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall&, ProviderAnswer*) const override {
    co_return absl::UnimplementedError("");
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return absl::UnimplementedError("");
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return absl::UnimplementedError("");
  }
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override {
    asked.push_back(clock_.SteadyTime());
    if (takes > absl::ZeroDuration()) {
      (co_await Sleep(*call.loop, takes, *call.cancel)).IgnoreError();
      if (call.cancel->cancelled()) co_return call.cancel->status();
    }
    if (meanwhile) meanwhile();
    if (!outcome.ok()) co_return outcome;
    co_return std::vector<v1::Model>();
  }

  absl::Status outcome;
  absl::Duration takes;
  std::function<void()> meanwhile;
  mutable std::vector<absl::Duration> asked;

 private:
  Clock& clock_;
};

class HealthProberTest : public testing::Test {
 protected:
  HealthProberTest() : current_(Configured("enabled: true, interval: 10s")) {}

  std::shared_ptr<const RuntimeSnapshot> Configured(
      const std::string& check, const std::string& port = "1") {
    std::vector<ProviderRegistry::Entry> entries;
    auto provider = std::make_unique<ProbedProvider>(time_);
    provider_ = provider.get();
    entries.push_back({.name = "p", .provider = std::move(provider)});
    return MakeTestRuntimeWith(
        "providers: [{name: p, openai: {base_url: 'http://127.0.0.1:" + port +
            "'}, resilience: {health_check: {" + check + ", timeout: 2s}}}]\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_, .random = &random_});
  }

  // Lets the prober run for so long, and stops it.
  void RunFor(absl::Duration time) {
    HealthProber prober(current_);
    bool ended = false;
    runner_.loop().Post([&] {
      Spawn([](HealthProber& prober, EventLoop& loop, HttpClient& http,
               bool& ended) -> Task<void> {
        co_await prober.Run(loop, http);
        ended = true;
      }(prober, runner_.loop(), client_, ended));
    });
    CancelSignal cancel;
    EXPECT_TRUE(runner_.Run(Sleep(runner_.loop(), time, cancel)).ok());
    EXPECT_FALSE(ended);
    runner_.loop().Post([&] { prober.StopOnLoop(); });
    EXPECT_TRUE(
        runner_.Run(Sleep(runner_.loop(), absl::Milliseconds(1), cancel)).ok());
    EXPECT_TRUE(ended);
  }

  ProviderProbes& Probes() {
    return current_.Get()->resilience().targets.ProbesOf("p");
  }

  static absl::Status Down() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  }

  SimulatedTime time_;
  FakeRandom random_{7};
  LoopRunner runner_{time_};
  NoHttpClient client_;
  ProbedProvider* provider_ = nullptr;
  CurrentRuntime current_;
};

TEST_F(HealthProberTest, AsksEveryIntervalGiveOrTakeATenth) {
  const absl::Duration begin = time_.SteadyTime();
  RunFor(absl::Seconds(100));
  ASSERT_GE(provider_->asked.size(), 9u);
  ASSERT_LE(provider_->asked.size(), 12u);
  EXPECT_LE(provider_->asked[0] - begin, absl::Seconds(1));
  bool differ = false;
  for (size_t i = 1; i < provider_->asked.size(); ++i) {
    const absl::Duration pause = provider_->asked[i] - provider_->asked[i - 1];
    EXPECT_GE(pause, absl::Seconds(9));
    EXPECT_LE(pause, absl::Seconds(11) + absl::Milliseconds(1));
    differ = differ || pause != provider_->asked[1] - provider_->asked[0];
  }
  EXPECT_TRUE(differ);
  EXPECT_FALSE(Probes().failing());
  EXPECT_TRUE(Probes().Read().last_success.has_value());
}

TEST_F(HealthProberTest, TwoFailuresInARowAreFailingAndOneAnswerIsNot) {
  provider_->outcome = Down();
  RunFor(absl::Seconds(5));
  EXPECT_EQ(Probes().Read().failures_in_a_row, 1);
  EXPECT_FALSE(Probes().failing());
  RunFor(absl::Seconds(5));
  EXPECT_TRUE(Probes().failing());
  // It is there, whatever it says of the credential.
  provider_->outcome =
      MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "401");
  RunFor(absl::Seconds(5));
  EXPECT_FALSE(Probes().failing());
}

TEST_F(HealthProberTest, OneThatTakesTooLongFails) {
  provider_->takes = absl::Seconds(2) + absl::Milliseconds(1);
  RunFor(absl::Seconds(8));
  EXPECT_EQ(Probes().Read().failures, 1);
  provider_->takes = absl::Seconds(2) - absl::Milliseconds(1);
  RunFor(absl::Seconds(8));
  EXPECT_EQ(Probes().Read().failures, 1);
  EXPECT_EQ(Probes().Read().probes, 2);
}

TEST_F(HealthProberTest, OneThatWasAskedSaysNothingOfWhoHasItsNameThen) {
  ProbedProvider* const asked = provider_;
  const auto elsewhere = Configured("enabled: false", "2");
  std::shared_ptr<const void> learned;
  asked->outcome = Down();
  asked->meanwhile = [&] {
    learned = current_.Get()->resilience().Apply(elsewhere->config(),
                                                 time_.SteadyTime());
  };
  RunFor(absl::Seconds(5));
  EXPECT_EQ(asked->asked.size(), 1u);
  EXPECT_EQ(Probes().Read().failures, 0);
}

TEST_F(HealthProberTest, OneUnderWayAtTheEndIsCancelledAndSaysNothing) {
  provider_->takes = absl::Seconds(2);
  RunFor(absl::Seconds(1) + absl::Milliseconds(500));
  EXPECT_EQ(provider_->asked.size(), 1u);
  EXPECT_EQ(Probes().Read().probes, 0);
}

TEST_F(HealthProberTest, NobodyIsAskedUnlessThatIsConfigured) {
  current_.Swap(Configured("enabled: false"));
  RunFor(absl::Minutes(5));
  EXPECT_TRUE(provider_->asked.empty());
}

TEST_F(HealthProberTest, WhoIsNotProbedAnyMoreIsNotAvoided) {
  provider_->outcome = Down();
  HealthProber prober(current_);
  runner_.loop().Post([&] { Spawn(prober.Run(runner_.loop(), client_)); });
  CancelSignal cancel;
  EXPECT_TRUE(
      runner_.Run(Sleep(runner_.loop(), absl::Seconds(15), cancel)).ok());
  ProviderProbes& probes = Probes();
  EXPECT_TRUE(probes.failing());
  current_.Swap(Configured("enabled: false"));
  // Another configuration would have the same state.
  Probes().RecordFailure(time_.WallTime());
  Probes().RecordFailure(time_.WallTime());
  EXPECT_TRUE(
      runner_.Run(Sleep(runner_.loop(), absl::Seconds(2), cancel)).ok());
  EXPECT_FALSE(Probes().failing());
  runner_.loop().Post([&] { prober.StopOnLoop(); });
  EXPECT_TRUE(
      runner_.Run(Sleep(runner_.loop(), absl::Milliseconds(1), cancel)).ok());
}

}  // namespace
}  // namespace gateway
