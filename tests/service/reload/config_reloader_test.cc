#include "service/reload/config_reloader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_reader.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_history.h"
#include "service/state/state_store.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Trigger = ConfigReloader::Trigger;

std::string Replying(const std::string& reply, const std::string& more = "") {
  return absl::StrCat("providers: [{name: mock, mock: {reply: '", reply,
                      "'}}]\nrouting: {default_target: mock}\n", more);
}

class ConfigReloaderTest : public testing::Test {
 protected:
  ConfigReloaderTest() {
    folder_ = testing::TempDir() + "/reloader.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    file_ = folder_ + "/gateway.yaml";
    WriteFile(Replying("one"));
  }

  void WriteFile(const std::string& text) { std::ofstream(file_) << text; }

  void Start() {
    reloader_.reset();
    runtime_.reset();
    store_.reset();
    store_ = *StateStore::Open(folder_ + "/state");
    reloader_ = ConfigReloader::Make(
        {.kinds = AllProviderKinds(),
         .file = file_,
         .state = store_.get(),
         .metrics = &registry_,
         .clock = &clock_},
        ReadConfigFile(AllProviderKinds(), file_, {}, clock_.WallTime()));
    runtime_ = std::make_unique<CurrentRuntime>(
        *RuntimeSnapshot::Make(reloader_->first()));
    reloader_->Begin(
        runtime_.get(),
        [this](const ConfigSnapshot&) -> absl::StatusOr<std::function<void()>> {
          if (!prepared_.ok()) return prepared_;
          return [this] { ++committed_; };
        });
  }

  ConfigReloader::Result Apply(const std::string& text,
                               const std::string& etag = "") {
    return reloader_->Apply({.text = text, .etag = etag, .by = "ops"});
  }

  ConfigReloader::Result RollBack(int64_t version, const std::string& etag = "",
                                  bool validate_only = false) {
    return reloader_->Rollback({.version = version,
                                .etag = etag,
                                .by = "ops",
                                .validate_only = validate_only});
  }

  double Counted(const std::string& result) {
    for (const MetricFamilyValue& family : registry_.Read().families) {
      if (family.name != "llmgw_config_reloads_total") continue;
      for (const MetricValue& metric : family.metrics) {
        if (metric.labels[0].second == result) return metric.number;
      }
    }
    return -1;
  }

  std::string Reply() {
    return runtime_->Get()->config().providers(0).mock().reply();
  }

  std::string folder_;
  std::string file_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  absl::Status prepared_;
  int committed_ = 0;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<CurrentRuntime> runtime_;
  std::unique_ptr<ConfigReloader> reloader_;
};

TEST_F(ConfigReloaderTest, AFileThatChangedComesIntoUse) {
  Start();
  WriteFile(Replying("two"));
  EXPECT_TRUE(reloader_->FileIsOther());
  const ConfigReloader::Result result = reloader_->Reload(Trigger::kFiles);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.version.number, 2);
  EXPECT_EQ(result.version.source, file_);
  ASSERT_THAT(result.changes, SizeIs(1));
  EXPECT_EQ(result.changes[0].path, "providers[0].mock.reply");
  EXPECT_EQ(Reply(), "two");
  EXPECT_EQ(committed_, 1);
  EXPECT_FALSE(reloader_->FileIsOther());
}

TEST_F(ConfigReloaderTest, WhatSaysTheSameIsNoNewVersion) {
  Start();
  WriteFile("# A comment.\n" + Replying("one"));
  const ConfigReloader::Result result = reloader_->Reload(Trigger::kSignal);
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.version.number, 1);
  EXPECT_EQ(committed_, 0);
}

TEST_F(ConfigReloaderTest, ABadFileChangesNothingAndIsRemembered) {
  Start();
  WriteFile("providers: 7\n");
  const ConfigReloader::Result result = reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(result.problems.empty());
  EXPECT_EQ(Reply(), "one");
  EXPECT_EQ(reloader_->state().problems.size(), result.problems.size());
  EXPECT_EQ(reloader_->state().refuse_time, clock_.WallTime());
  WriteFile(Replying("one"));
  EXPECT_TRUE(reloader_->Reload(Trigger::kFiles).status.ok());
  EXPECT_THAT(reloader_->state().problems, IsEmpty());
}

TEST_F(ConfigReloaderTest, OfABadFileItsWatchTellsOnce) {
  Start();
  WriteFile("providers: 7\n");
  int told = 0;
  const auto subscription = reloader_->Subscribe([&told] { ++told; });
  reloader_->Reload(Trigger::kFiles);
  // One change may be noticed twice.
  EXPECT_FALSE(reloader_->Reload(Trigger::kFiles).problems.empty());
  EXPECT_EQ(Counted("refused"), 1);
  EXPECT_EQ(told, 1);
  // Who asks is told again.
  reloader_->Reload(Trigger::kSignal);
  EXPECT_EQ(Counted("refused"), 2);
  WriteFile("providers: 8\n");
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("refused"), 3);
  // And so is what has gone wrong anew.
  WriteFile(Replying("two"));
  reloader_->Reload(Trigger::kFiles);
  WriteFile("providers: 8\n");
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("refused"), 4);
}

TEST_F(ConfigReloaderTest, OfAGoodFileThatIsAsItWasItsWatchTellsNothing) {
  Start();
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("unchanged"), 0);
  reloader_->Reload(Trigger::kSignal);
  EXPECT_EQ(Counted("unchanged"), 1);
  WriteFile("# A comment.\n" + Replying("one"));
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("unchanged"), 2);
  // Nor that one as it was is mended, unless it was wrong.
  WriteFile("providers: 7\n");
  reloader_->Reload(Trigger::kFiles);
  WriteFile("# A comment.\n" + Replying("one"));
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("unchanged"), 3);
}

TEST_F(ConfigReloaderTest, WhatASecretMendsIsTold) {
  Start();
  WriteFile(Replying("two",
                     absl::StrCat("auth: {callers: {api_keys: [{id: team, key: "
                                  "'file:",
                                  folder_, "/key'}]}}\n")));
  reloader_->Reload(Trigger::kFiles);
  std::ofstream(folder_ + "/key") << "short";
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(Counted("refused"), 2);
}

TEST_F(ConfigReloaderTest, WhatAnOperatorAsksForIsRefusedIfItCannotBeKept) {
  Start();
  ASSERT_TRUE(Apply(Replying("applied")).status.ok());
  WriteFile(Replying("two"));
  std::filesystem::remove_all(folder_ + "/state");
  for (const ConfigReloader::Result& result :
       {reloader_->Reload(Trigger::kOperator), Apply(Replying("other")),
        RollBack(1)}) {
    EXPECT_EQ(result.refusal, ConfigReloader::Refusal::kNotKept);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(result.status.message()),
                HasSubstr(folder_ + "/state/config.json: "));
    EXPECT_THAT(std::string(result.status.message()),
                HasSubstr("No such file"));
    EXPECT_EQ(result.version.number, 2);
    EXPECT_EQ(Reply(), "applied");
  }
  // Nothing is wrong with the file.
  EXPECT_THAT(reloader_->state().problems, IsEmpty());
  // Which is followed when it changes, so that it is in use after a restart.
  EXPECT_TRUE(reloader_->Reload(Trigger::kFiles).status.ok());
  EXPECT_EQ(Reply(), "two");
}

TEST_F(ConfigReloaderTest, WhatCannotBeMadeReadyChangesNothing) {
  Start();
  WriteFile(Replying("two"));
  prepared_ = absl::InvalidArgumentError("listeners.http: no such key");
  const ConfigReloader::Result result = reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(result.problems[0].message, HasSubstr("no such key"));
  EXPECT_EQ(Reply(), "one");
}

TEST_F(ConfigReloaderTest, WhatNeedsARestartIsRefused) {
  Start();
  WriteFile(Replying("two", "response_store: {ttl: 1m}\n"));
  const ConfigReloader::Result result = reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_THAT(result.problems, SizeIs(1));
  EXPECT_EQ(result.refusal, ConfigReloader::Refusal::kRestart);
  EXPECT_EQ(result.problems[0].path, "response_store.ttl");
  EXPECT_THAT(result.problems[0].message, HasSubstr("needs a restart"));
  EXPECT_EQ(Reply(), "one");
}

TEST_F(ConfigReloaderTest, ATrialChangesNothing) {
  Start();
  WriteFile(Replying("two"));
  const ConfigReloader::Result good =
      reloader_->Reload(Trigger::kOperator, /*validate_only=*/true);
  EXPECT_THAT(good.changes, SizeIs(1));
  EXPECT_EQ(good.version.number, 1);
  WriteFile("nonsense");
  EXPECT_FALSE(reloader_->Reload(Trigger::kOperator, true).status.ok());
  EXPECT_EQ(Reply(), "one");
  EXPECT_THAT(reloader_->state().problems, IsEmpty());
}

TEST_F(ConfigReloaderTest, WhatIsAppliedStaysUntilTheFileChanges) {
  Start();
  ASSERT_TRUE(Apply(Replying("applied")).status.ok());
  EXPECT_EQ(reloader_->state().version.source, "applied by ops");
  for (const Trigger trigger :
       {Trigger::kFiles, Trigger::kSignal, Trigger::kOperator}) {
    for (const bool validate_only : {true, false}) {
      const ConfigReloader::Result result =
          reloader_->Reload(trigger, validate_only);
      EXPECT_TRUE(result.status.ok()) << result.status;
      EXPECT_TRUE(result.applied_kept);
      EXPECT_THAT(result.changes, IsEmpty());
      EXPECT_EQ(result.version.number, 2);
    }
  }
  EXPECT_EQ(Reply(), "applied");
  WriteFile(Replying("two"));
  const ConfigReloader::Result changed = reloader_->Reload(Trigger::kOperator);
  EXPECT_FALSE(changed.applied_kept);
  EXPECT_EQ(changed.version.source, file_);
  EXPECT_EQ(Reply(), "two");
  EXPECT_FALSE(reloader_->Reload(Trigger::kOperator).applied_kept);
}

TEST_F(ConfigReloaderTest, AFileThatNobodyHasReadYetIsNotLostToWhatIsApplied) {
  Start();
  WriteFile(Replying("two"));
  ASSERT_TRUE(Apply(Replying("applied")).status.ok());
  EXPECT_EQ(Reply(), "applied");
  EXPECT_TRUE(reloader_->FileIsOther());
  EXPECT_FALSE(reloader_->Reload(Trigger::kFiles).applied_kept);
  EXPECT_EQ(Reply(), "two");

  WriteFile(Replying("three"));
  ASSERT_TRUE(RollBack(0).status.ok());
  EXPECT_EQ(Reply(), "applied");
  Start();
  EXPECT_EQ(Reply(), "three");
}

TEST_F(ConfigReloaderTest, ATrialOfARollbackChangesNothing) {
  Start();
  Apply(Replying("applied"));
  const ConfigReloader::Result result = RollBack(0, "", /*validate_only=*/true);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(result.changes, SizeIs(1));
  EXPECT_EQ(result.version.number, 2);
  EXPECT_EQ(Reply(), "applied");
  EXPECT_EQ(reloader_->state().version.number, 2);
  EXPECT_EQ(RollBack(9, "", /*validate_only=*/true).refusal,
            ConfigReloader::Refusal::kNoVersion);
  EXPECT_EQ(RollBack(0).version.number, 3);
  EXPECT_EQ(Reply(), "one");
}

TEST_F(ConfigReloaderTest, AnotherEtagIsRefused) {
  Start();
  const std::string etag = reloader_->state().version.etag;
  EXPECT_TRUE(Apply(Replying("mine"), etag).status.ok());
  EXPECT_EQ(Apply(Replying("yours"), etag).status.code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(RollBack(0, etag).status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Reply(), "mine");
}

TEST_F(ConfigReloaderTest, ARollbackGoesBackAndForth) {
  Start();
  EXPECT_EQ(RollBack(0).status.code(), absl::StatusCode::kNotFound);
  Apply(Replying("two"));
  Apply(Replying("three"));
  EXPECT_EQ(RollBack(0).version.number, 4);
  EXPECT_EQ(Reply(), "two");
  RollBack(0);
  EXPECT_EQ(Reply(), "three");
  // Back to the file, it is the file again.
  EXPECT_EQ(RollBack(1).version.source, file_);
  EXPECT_EQ(Reply(), "one");
}

TEST_F(ConfigReloaderTest, WhatIsAppliedOutlastsTheProcess) {
  Start();
  Apply(Replying("applied"));
  Start();
  EXPECT_EQ(Reply(), "applied");
  EXPECT_EQ(reloader_->state().version.number, 2);
  WriteFile(Replying("two"));
  Start();
  EXPECT_EQ(Reply(), "two");
  EXPECT_EQ(reloader_->state().version.number, 3);
  // And can be gone back to.
  EXPECT_TRUE(RollBack(2).status.ok());
  EXPECT_EQ(Reply(), "applied");
}

TEST_F(ConfigReloaderTest, WhatIsAppliedAndCannotBeUsedAnyMoreIsTold) {
  for (const bool reloads : {true, false}) {
    Start();
    ASSERT_TRUE(Apply(Replying("applied")).status.ok());
    // As a gateway keeps it that knows another field.
    ConfigHistory history = ConfigHistory::Restore(*store_);
    ConfigVersion version = history.versions().back();
    version.text = Replying("applied", "unheard_of: 1\n");
    history.ReplaceLast(version, std::string(history.file_sha256()));
    ASSERT_TRUE(history.Write(*store_).ok());
    const double refused = Counted("refused");

    Start();
    EXPECT_EQ(Reply(), "one");
    const ConfigReloader::State state = reloader_->state();
    EXPECT_EQ(state.version.source, file_);
    ASSERT_THAT(state.problems, SizeIs(1));
    EXPECT_EQ(state.problems[0].source, "applied by ops");
    EXPECT_EQ(state.problems[0].path, "unheard_of");
    EXPECT_TRUE(state.of_applied);
    EXPECT_EQ(state.refuse_time, clock_.WallTime());
    EXPECT_EQ(Counted("refused"), refused + 1);

    // Neither a trial is an answer to it nor a file that is as it was.
    reloader_->Reload(Trigger::kOperator, /*validate_only=*/true);
    reloader_->Reload(Trigger::kFiles);
    EXPECT_TRUE(reloader_->state().of_applied);
    if (reloads) {
      reloader_->Reload(Trigger::kOperator);
    } else {
      Apply(Replying("other"));
    }
    EXPECT_THAT(reloader_->state().problems, IsEmpty());
    EXPECT_FALSE(reloader_->state().of_applied);
  }
}

TEST_F(ConfigReloaderTest, WhoeverSubscribesIsTold) {
  Start();
  int told = 0;
  auto subscription = reloader_->Subscribe([&told] { ++told; });
  Apply(Replying("two"));
  EXPECT_EQ(told, 1);
  WriteFile("nonsense");
  reloader_->Reload(Trigger::kFiles);
  EXPECT_EQ(told, 2);
  subscription.reset();
  Apply(Replying("three"));
  EXPECT_EQ(told, 2);
}

TEST_F(ConfigReloaderTest, SnapshotsGoWhenNoCallHoldsThem) {
  Start();
  std::shared_ptr<const RuntimeSnapshot> of_a_call = runtime_->Get();
  const std::weak_ptr<const RuntimeSnapshot> old = of_a_call;
  Apply(Replying("two"));
  bool released = false;
  EXPECT_TRUE(reloader_->ReleaseRetired(&released));
  EXPECT_FALSE(released);
  of_a_call.reset();
  EXPECT_FALSE(old.expired());
  EXPECT_FALSE(reloader_->ReleaseRetired(&released));
  EXPECT_TRUE(released);
  EXPECT_TRUE(old.expired());
}

TEST_F(ConfigReloaderTest, FilesThatAreNamedAreKnownAlsoThoseOfABadFile) {
  Start();
  EXPECT_TRUE(reloader_->watches_files());
  EXPECT_THAT(reloader_->Files(), testing::ElementsAre(file_));
  WriteFile(Replying("two",
                     "auth: {callers: {api_keys: [{id: team, key: "
                     "'file:/nonexistent/key'}]}}\n"));
  reloader_->Reload(Trigger::kFiles);
  EXPECT_THAT(reloader_->Files(),
              testing::ElementsAre("/nonexistent/key", file_));
}

TEST_F(ConfigReloaderTest, AfterItsEndNothingComesIntoUse) {
  Start();
  reloader_->End();
  WriteFile(Replying("two"));
  EXPECT_EQ(reloader_->Reload(Trigger::kSignal).status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Apply(Replying("two")).status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reply(), "one");
}

}  // namespace
}  // namespace gateway
