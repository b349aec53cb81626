#include "service/pipeline/model_discovery.h"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/registry/registry.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a provider is to do when it is asked.
struct Script {
  std::vector<v1::Model> models;
  absl::Status failure;
  // It does not answer before this, or the end of the call.
  CancelSignal* held = nullptr;
  // The connection it is asked on first turns out to be stale.
  bool stale = false;

  std::atomic<int> questions = 0;
};

class ListingProvider final : public Provider {
 public:
  explicit ListingProvider(Script& script) : script_(script) {}

  std::string_view name() const override { return "scripted"; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall&, ProviderAnswer*) const override {
    co_return absl::InternalError("not asked here");
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return absl::InternalError("not asked here");
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return 0;
  }
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override {
    ++script_.questions;
    if (script_.held != nullptr) {
      CancelSignal either;
      const CancelListener let_go(*script_.held, [&either] {
        either.Cancel(absl::CancelledError("let go"));
      });
      const CancelListener over(*call.cancel, [&either] {
        either.Cancel(absl::CancelledError("over"));
      });
      (co_await Sleep(*call.loop, absl::InfiniteDuration(), either))
          .IgnoreError();
      if (call.cancel->cancelled()) co_return call.cancel->status();
    }
    if (script_.stale && !call.fresh_connection) {
      call.progress->http.not_processed = true;
      co_return absl::UnavailableError("stale");
    }
    if (!script_.failure.ok()) co_return script_.failure;
    co_return script_.models;
  }

 private:
  Script& script_;
};

v1::Model Named(const std::string& name) {
  v1::Model model;
  model.set_name(name);
  return model;
}

class ModelDiscoveryTest : public testing::Test {
 protected:
  // A caller who is forgotten hangs its test.
  static ModelDiscovery::Limits Patient() {
    ModelDiscovery::Limits limits;
    limits.timeout = absl::Hours(1);
    return limits;
  }

  // One provider, called `p`, that is configured with the model `a`.
  void Open(const ModelDiscovery::Limits& limits, int providers = 1) {
    std::vector<ProviderRegistry::Entry> entries(providers);
    for (int i = 0; i < providers; ++i) {
      entries[i].name = i == 0 ? "p" : absl::StrCat("p", i);
      entries[i].kind = "openai";
      entries[i].vendor = "openai";
      entries[i].models = {"a"};
      entries[i].model_aliases["alias"] = "a";
      entries[i].discover_models = true;
      entries[i].provider =
          std::make_unique<ListingProvider>(i == 0 ? script_ : other_);
    }
    Open(std::move(entries), limits);
  }
  void Open(std::vector<ProviderRegistry::Entry> entries,
            const ModelDiscovery::Limits& limits) {
    providers_ = std::make_unique<ProviderRegistry>(std::move(entries));
    discovery_ =
        std::make_unique<ModelDiscovery>(*providers_, routing_, clock_, limits);
  }

  Task<std::vector<std::string>> AskFrom(EventLoop& loop,
                                         CancelSignal& cancel) {
    const ModelDiscovery::Catalog catalog =
        co_await discovery_->Ask(loop, client_.http(), cancel, "req-1");
    std::vector<std::string> names;
    for (const v1::Model& model : catalog->models()) {
      names.push_back(model.name());
    }
    co_return names;
  }

  // What one caller gets.
  std::vector<std::string> Ask() {
    return client_.Run([&] { return AskFrom(client_.loop(), cancel_); });
  }

  // A caller who is not waited for.
  Task<void> AskAside(CancelSignal* cancel, std::vector<std::string>* names) {
    *names = co_await AskFrom(client_.loop(), *cancel);
  }

  // Declared first: callers' loops go before what they use.
  Script script_;
  Script other_;
  FakeClock clock_;
  llmgateway::config::v1::RoutingConfig routing_;
  std::unique_ptr<ProviderRegistry> providers_;
  std::unique_ptr<ModelDiscovery> discovery_;
  CancelSignal cancel_;
  LoopClient client_;
};

TEST_F(ModelDiscoveryTest, AsksOnceUntilTheListIsOld) {
  Open(Patient());
  EXPECT_THAT(discovery_->catalog()->models().size(), 2u);
  EXPECT_EQ(script_.questions, 0);
  script_.models = {Named("c"), Named("b"), Named("a"), Named("b")};
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b", "c"));
  script_.models = {Named("d")};
  clock_.Advance(absl::Minutes(5) - absl::Nanoseconds(1));
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b", "c"));
  EXPECT_EQ(script_.questions, 1);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "d"));
  EXPECT_EQ(script_.questions, 2);
}

TEST_F(ModelDiscoveryTest, OnlyProvidersWithTheSwitchAndACredentialAreAsked) {
  std::vector<ProviderRegistry::Entry> entries(2);
  entries[0].name = "p";
  entries[0].provider = std::make_unique<ListingProvider>(script_);
  entries[1].name = "p1";
  entries[1].discover_models = true;
  entries[1].credential_absent = true;
  entries[1].provider = std::make_unique<ListingProvider>(other_);
  Open(std::move(entries), Patient());
  EXPECT_THAT(Ask(), IsEmpty());
  EXPECT_EQ(script_.questions + other_.questions, 0);
}

TEST_F(ModelDiscoveryTest, AProviderThatFailsKeepsItsLastListAndRests) {
  Open(Patient());
  script_.failure = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  EXPECT_THAT(Ask(), ElementsAre("a", "alias"));
  EXPECT_THAT(Ask(), ElementsAre("a", "alias"));
  EXPECT_EQ(script_.questions, 1);
  clock_.Advance(absl::Minutes(1));
  script_.failure = absl::OkStatus();
  script_.models = {Named("b")};
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b"));
  clock_.Advance(absl::Minutes(5));
  script_.failure = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b"));
  EXPECT_EQ(script_.questions, 3);
}

TEST_F(ModelDiscoveryTest, AProviderThatCannotSayIsNotAskedAgain) {
  Open(Patient());
  script_.failure = MakeFault(v1::ERROR_REASON_UNIMPLEMENTED, "no list");
  EXPECT_THAT(Ask(), ElementsAre("a", "alias"));
  clock_.Advance(absl::Hours(100));
  EXPECT_THAT(Ask(), ElementsAre("a", "alias"));
  EXPECT_EQ(script_.questions, 1);
}

TEST_F(ModelDiscoveryTest, AStaleConnectionIsNoFailure) {
  Open(Patient());
  script_.stale = true;
  script_.models = {Named("b")};
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b"));
  EXPECT_EQ(script_.questions, 2);
}

TEST_F(ModelDiscoveryTest, AProviderThatDoesNotAnswerHoldsNobodyForLong) {
  Open({.timeout = absl::Milliseconds(1)}, /*providers=*/2);
  CancelSignal never;
  script_.held = &never;
  other_.models = {Named("b")};
  EXPECT_THAT(Ask(), ElementsAre("a", "a", "alias", "alias", "b"));
  EXPECT_THAT(Ask(), ElementsAre("a", "a", "alias", "alias", "b"));
  EXPECT_EQ(script_.questions, 1);
  EXPECT_EQ(other_.questions, 1);
}

TEST_F(ModelDiscoveryTest, CallersOfOneLoopShareAQuestion) {
  Open(Patient());
  CancelSignal held;
  script_.held = &held;
  script_.models = {Named("b")};
  std::vector<std::string> first, second;
  client_.Run([&]() -> Task<void> {
    Spawn(AskAside(&cancel_, &first));
    Spawn(AskAside(&cancel_, &second));
    EXPECT_THAT(first, IsEmpty());
    EXPECT_THAT(second, IsEmpty());
    held.Cancel(absl::CancelledError("go on"));
    while (first.empty() || second.empty()) co_await YieldToLoop();
  });
  EXPECT_THAT(first, ElementsAre("a", "alias", "b"));
  EXPECT_EQ(second, first);
  EXPECT_EQ(script_.questions, 1);
}

TEST_F(ModelDiscoveryTest, WhileAListIsRenewedOthersGetTheOldOne) {
  Open(Patient());
  script_.models = {Named("b")};
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b"));
  clock_.Advance(absl::Minutes(5));
  CancelSignal held;
  script_.held = &held;
  script_.models = {Named("c")};
  std::vector<std::string> first, second;
  client_.Run([&]() -> Task<void> {
    Spawn(AskAside(&cancel_, &first));
    second = co_await AskFrom(client_.loop(), cancel_);
    EXPECT_THAT(first, IsEmpty());
    held.Cancel(absl::CancelledError("go on"));
    while (first.empty()) co_await YieldToLoop();
  });
  EXPECT_THAT(second, ElementsAre("a", "alias", "b"));
  EXPECT_THAT(first, ElementsAre("a", "alias", "c"));
  EXPECT_EQ(script_.questions, 2);
}

TEST_F(ModelDiscoveryTest, WhenWhoAskedIsGoneOneOfTheOthersAsks) {
  Open(Patient());
  CancelSignal held, gone;
  script_.held = &held;
  script_.models = {Named("b")};
  std::vector<std::string> first, second, third;
  client_.Run([&]() -> Task<void> {
    Spawn(AskAside(&gone, &first));
    Spawn(AskAside(&cancel_, &second));
    Spawn(AskAside(&cancel_, &third));
    gone.Cancel(absl::CancelledError("the client hung up"));
    while (script_.questions < 2) co_await YieldToLoop();
    held.Cancel(absl::CancelledError("go on"));
    while (second.empty() || third.empty()) co_await YieldToLoop();
  });
  EXPECT_THAT(first, ElementsAre("a", "alias"));
  EXPECT_THAT(second, ElementsAre("a", "alias", "b"));
  EXPECT_EQ(third, second);
  EXPECT_EQ(script_.questions, 2);
}

TEST_F(ModelDiscoveryTest, WhoWaitsMayLeave) {
  Open(Patient());
  CancelSignal held, gone;
  script_.held = &held;
  script_.models = {Named("b")};
  std::vector<std::string> first, second;
  client_.Run([&]() -> Task<void> {
    Spawn(AskAside(&cancel_, &first));
    Spawn(AskAside(&gone, &second));
    gone.Cancel(absl::CancelledError("the client hung up"));
    while (second.empty()) co_await YieldToLoop();
    EXPECT_THAT(first, IsEmpty());
    held.Cancel(absl::CancelledError("go on"));
    while (first.empty()) co_await YieldToLoop();
  });
  EXPECT_THAT(second, ElementsAre("a", "alias"));
  EXPECT_THAT(first, ElementsAre("a", "alias", "b"));
}

TEST_F(ModelDiscoveryTest, CallersOfOtherLoopsShareTheQuestionAndTheList) {
  Open(Patient());
  CancelSignal held;
  script_.held = &held;
  script_.models = {Named("b")};
  CancelSignal cancels[2];
  std::vector<std::string> names[2];
  Event done[2];
  const auto caller = [&](LoopThread& thread, int i) -> Task<void> {
    names[i] = co_await AskFrom(thread.loop(), cancels[i]);
    done[i].Set();
  };
  LoopThread asking, waiting;
  ASSERT_TRUE(asking.Run([&] { Spawn(caller(asking, 0)); }));
  ASSERT_TRUE(waiting.Run([&] { Spawn(caller(waiting, 1)); }));
  EXPECT_FALSE(done[0].IsSet());
  EXPECT_FALSE(done[1].IsSet());
  ASSERT_TRUE(asking.Run([&] { held.Cancel(absl::CancelledError("go on")); }));
  ASSERT_TRUE(done[0].Wait());
  ASSERT_TRUE(done[1].Wait());
  EXPECT_THAT(names[0], ElementsAre("a", "alias", "b"));
  EXPECT_EQ(names[1], names[0]);
  EXPECT_EQ(script_.questions, 1);
}

TEST_F(ModelDiscoveryTest, ListsNoMoreThanTheLimitAndNothingUnprintable) {
  Open({.models = 3, .name_bytes = 5});
  script_.models = {Named("x5678"),   Named("x56789"), Named("tab\t"),
                    Named("del\x7f"), Named(""),       Named("b"),
                    Named("c"),       Named("y")};
  script_.models[5].set_display_name("B\n");
  script_.models[6].set_display_name("C");
  EXPECT_THAT(Ask(), ElementsAre("a", "alias", "b", "c", "x5678"));
  EXPECT_EQ(discovery_->catalog()->Find("b")->display_name(), "");
  EXPECT_EQ(discovery_->catalog()->Find("c")->display_name(), "C");
}

}  // namespace
}  // namespace gateway
