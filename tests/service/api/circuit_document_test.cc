#include "service/api/circuit_document.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/target_board.h"
#include "service/state/state_store.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::Not;

class CircuitDocumentTest : public testing::Test {
 protected:
  CircuitDocumentTest() {
    std::string folder = testing::TempDir() + "/document.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    store_ = *StateStore::Open(folder);
  }

  static std::shared_ptr<const RuntimeSnapshot> Disabling(int failures) {
    return MakeTestRuntime(
        absl::StrCat("providers: [{name: a, mock: {}}]\n"
                     "resilience: {disable_model_after_failures: ",
                     failures, "}\n"));
  }

  // Whether the model is disabled, and by whom, in a process that begins now.
  TargetAvailability::Snapshot Restarted(
      const std::shared_ptr<const RuntimeSnapshot>& runtime) {
    RestoreCircuits(*store_, *runtime);
    return runtime->resilience().targets.Find("a", "m").availability.Read();
  }

  void Keep(const std::shared_ptr<const RuntimeSnapshot>& runtime) {
    ASSERT_TRUE(store_->Write(kCircuitDocument, WriteCircuits(*runtime)).ok());
  }

  std::unique_ptr<StateStore> store_;
};

TEST_F(CircuitDocumentTest, WhatFailuresDisabledOutlastsTheProcess) {
  const auto runtime = Disabling(2);
  TargetState& target = runtime->resilience().targets.Find("a", "m");
  target.RecordFailure();
  target.RecordFailure();
  Keep(runtime);
  const auto next = Disabling(2);
  const TargetAvailability::Snapshot said = Restarted(next);
  EXPECT_EQ(said.by, TargetAvailability::By::kFailures);
  EXPECT_EQ(said.why, "by 2 failures of its own in a row");
  // As before, another configuration enables it, and it is kept that it has.
  next->resilience().targets.SetFailuresLimit(3);
  Keep(next);
  EXPECT_EQ(Restarted(Disabling(2)).by, TargetAvailability::By::kNobody);
}

TEST_F(CircuitDocumentTest, UnlessFailuresDisableNothingAnyMore) {
  const auto runtime = Disabling(1);
  runtime->resilience().targets.Find("a", "m").RecordFailure();
  runtime->resilience().targets.Find("a", "n").availability.Disable(
      TargetAvailability::By::kOperator, "by ops");
  Keep(runtime);
  const auto next = Disabling(0);
  EXPECT_EQ(Restarted(next).by, TargetAvailability::By::kNobody);
  EXPECT_TRUE(
      next->resilience().targets.Find("a", "n").availability.disabled());
}

TEST_F(CircuitDocumentTest, AChangeIsInItBeforeItIsInForce) {
  const auto runtime = Disabling(0);
  runtime->resilience().targets.Find("a", "m");
  runtime->resilience().targets.Find("a", "other");
  const CircuitChange change = {
      .provider = "a", .model = "m", .say = [](v1::Circuit* kept) {
        kept->set_disabled(true);
      }};
  const std::string text = WriteCircuits(*runtime, &change);
  EXPECT_THAT(text, HasSubstr("\"m\""));
  EXPECT_THAT(text, Not(HasSubstr("other")));
  EXPECT_THAT(WriteCircuits(*runtime), Not(HasSubstr("\"m\"")));
}

}  // namespace
}  // namespace gateway
