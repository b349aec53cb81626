#include "service/routing/selection/node_overrides.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/routing/selection/example_policies.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

NodeOverride Given(const std::string& node, const std::string& model,
                   absl::Duration ttl = absl::InfiniteDuration(),
                   absl::Time now = kNow) {
  return {.node = node,
          .model = model,
          .set_by = "ops",
          .set_time = now,
          .expire_time = now + ttl};
}

// The published example, with one model more that must not be given away.
class NodeOverridesTest : public testing::Test {
 protected:
  static std::vector<ModelPolicy> Policies() {
    std::vector<ModelPolicy> policies = ExamplePolicies();
    policies.push_back(Model("kept", 0));
    policies.back().admin_overridable = false;
    return policies;
  }

  // Returns the id of the model that the node has now; empty if none.
  std::string At(std::string_view node, absl::Time now) {
    const ModelPolicy* policy =
        EffectiveOverride(cached_.Get(), table_, node, now);
    return policy == nullptr ? "" : policy->id;
  }
  std::vector<std::string> All() {
    std::vector<std::string> all;
    for (const NodeOverride& entry : overrides_.Get()->all()) {
      all.push_back(entry.node + "=" + entry.model);
    }
    return all;
  }
  // Returns the field at fault.
  static std::string FieldOf(const absl::Status& status) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    return status.ok() ? "" : FieldViolations(status)[0].first;
  }

  const PolicyTable table_{Policies(), ExampleNodes()};
  NodeOverrides overrides_;
  CachedOverrides cached_{overrides_};
};

TEST_F(NodeOverridesTest, TakeEffectAtOnce) {
  EXPECT_EQ(At("writer", kNow), "");
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "claude-sonnet")).ok());
  EXPECT_EQ(At("writer", kNow), "claude-sonnet");
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "gemini-2.5-pro")).ok());
  EXPECT_EQ(At("writer", kNow), "gemini-2.5-pro");
  EXPECT_EQ(At("evaluator", kNow), "");
  // One without a model takes it back, and may find nothing.
  EXPECT_TRUE(overrides_.Set(table_, Given("writer", "")).ok());
  EXPECT_EQ(At("writer", kNow), "");
  EXPECT_TRUE(overrides_.Set(table_, Given("writer", "")).ok());
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(NodeOverridesTest, OneOfANameThatIsNoneCanOnlyBeTakenBack) {
  EXPECT_EQ(FieldOf(overrides_.Set(table_, Given("a\nb", "claude-sonnet"))),
            "node_name");
  EXPECT_EQ(FieldOf(overrides_.Set(table_, Given("a\nb", ""))), "node_name");
  overrides_.Replace({Given("a\nb", "claude-sonnet")});
  EXPECT_TRUE(overrides_.Set(table_, Given("a\nb", "")).ok());
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(NodeOverridesTest, APreviewOfSeveralSaysWhatIsWrongWithEach) {
  std::vector<absl::Status> statuses;
  const OverrideSet next = overrides_.PreviewAll(
      table_, {Given("writer", "claude-sonnet"), Given("painter", "gone")},
      &statuses);
  EXPECT_TRUE(statuses[0].ok());
  EXPECT_EQ(FieldOf(statuses[1]), "model_id");
  ASSERT_EQ(next.all().size(), 1u);
  EXPECT_EQ(next.all()[0].node, "writer");
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(NodeOverridesTest, APreviewChangesNothing) {
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "claude-sonnet")).ok());
  const absl::StatusOr<OverrideSet> next =
      overrides_.Preview(table_, Given("writer", "gemini-2.5-pro"));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->Find("writer", kNow)->model, "gemini-2.5-pro");
  EXPECT_EQ(At("writer", kNow), "claude-sonnet");
  EXPECT_EQ(
      FieldOf(overrides_.Preview(table_, Given("writer", "gone")).status()),
      "model_id");
}

TEST_F(NodeOverridesTest, EndToTheNanosecond) {
  ASSERT_TRUE(
      overrides_.Set(table_, Given("writer", "claude-sonnet", absl::Seconds(9)))
          .ok());
  const absl::Time end = kNow + absl::Seconds(9);
  EXPECT_EQ(At("writer", end - absl::Nanoseconds(1)), "claude-sonnet");
  EXPECT_EQ(At("writer", end), "");
  EXPECT_EQ(cached_.Get().Find("writer", end), nullptr);
}

TEST_F(NodeOverridesTest, WithoutATimeToLiveTheyStay) {
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "claude-sonnet")).ok());
  EXPECT_EQ(At("writer", kNow + absl::Hours(1'000'000)), "claude-sonnet");
}

TEST_F(NodeOverridesTest, ModelsMustExistAndBeOverridable) {
  const absl::Status unknown =
      overrides_.Set(table_, Given("writer", "gpt-4o"));
  EXPECT_EQ(FieldOf(unknown), "model_id");
  EXPECT_EQ(unknown.message(), "model_id: no model policy has the id 'gpt-4o'");
  const absl::Status kept = overrides_.Set(table_, Given("writer", "kept"));
  EXPECT_EQ(FieldOf(kept), "model_id");
  EXPECT_EQ(kept.message(),
            "model_id: the policy of 'kept' has admin_overridable off: it "
            "cannot be given to a node by an override");
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(NodeOverridesTest, NodesHaveANameOfSensibleLength) {
  const std::string longest(kNodeNameBytesMax, 'n');
  EXPECT_TRUE(overrides_.Set(table_, Given(longest, "claude-sonnet")).ok());
  EXPECT_EQ(
      FieldOf(overrides_.Set(table_, Given(longest + "n", "claude-sonnet"))),
      "node_name");
  EXPECT_EQ(FieldOf(overrides_.Set(table_, Given("", "claude-sonnet"))),
            "node_name");
}

TEST_F(NodeOverridesTest, ATimeToLiveIsLongerThanNothing) {
  EXPECT_EQ(FieldOf(overrides_.Set(
                table_, Given("n", "claude-sonnet", absl::ZeroDuration()))),
            "ttl");
  EXPECT_TRUE(
      overrides_.Set(table_, Given("n", "claude-sonnet", absl::Nanoseconds(1)))
          .ok());
}

TEST_F(NodeOverridesTest, SeveralAreSetTogetherAndEachHasItsOutcome) {
  const uint64_t before = overrides_.version();
  const std::vector<NodeOverride> next = {Given("writer", "gemini-2.5-pro"),
                                          Given("evaluator", "gpt-4o"),
                                          Given("evaluator", "claude-sonnet")};
  const std::vector<absl::Status> statuses = overrides_.SetAll(table_, next);
  ASSERT_EQ(statuses.size(), 3u);
  EXPECT_TRUE(statuses[0].ok());
  EXPECT_EQ(FieldOf(statuses[1]), "model_id");
  EXPECT_TRUE(statuses[2].ok());
  EXPECT_THAT(All(),
              ElementsAre("evaluator=claude-sonnet", "writer=gemini-2.5-pro"));
  EXPECT_EQ(overrides_.version(), before + 1);
  EXPECT_THAT(overrides_.SetAll(table_, {}), IsEmpty());
}

TEST_F(NodeOverridesTest, SoManyNodesHaveOneAndNoMore) {
  for (size_t i = 0; i < kNodeOverridesMax; ++i) {
    ASSERT_TRUE(
        overrides_
            .Set(table_, Given(absl::StrCat("n", i), "claude-sonnet",
                               i == 5 ? absl::Hours(1) : absl::Hours(2)))
            .ok());
  }
  EXPECT_EQ(FieldOf(overrides_.Set(table_, Given("late", "claude-sonnet"))),
            "node_name");
  // A node that has one can have another.
  EXPECT_TRUE(overrides_.Set(table_, Given("n7", "gemini-2.5-pro")).ok());
  // What has expired makes room.
  EXPECT_TRUE(
      overrides_
          .Set(table_, Given("late", "claude-sonnet", absl::InfiniteDuration(),
                             kNow + absl::Hours(1)))
          .ok());
  EXPECT_EQ(At("late", kNow), "claude-sonnet");
  EXPECT_EQ(At("n5", kNow), "");
}

TEST_F(NodeOverridesTest, ASavedStateComesBackAsItWas) {
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "claude-sonnet")).ok());
  ASSERT_TRUE(
      overrides_.Set(table_, Given("a", "gemini-2.5-pro", absl::Hours(1)))
          .ok());
  NodeOverrides restarted;
  restarted.Replace(overrides_.Get()->all());
  EXPECT_EQ(restarted.Get()->all(), overrides_.Get()->all());
  EXPECT_EQ(restarted.Get()->all()[0].set_by, "ops");
}

TEST_F(NodeOverridesTest, AStateIsSortedWhateverItsOrderIs) {
  overrides_.Replace({Given("b", "claude-sonnet"), Given("a", "claude-sonnet"),
                      Given("b", "gemini-2.5-pro")});
  EXPECT_THAT(All(), ElementsAre("a=claude-sonnet", "b=gemini-2.5-pro"));
  std::vector<NodeOverride> many;
  for (size_t i = 0; i <= kNodeOverridesMax; ++i) {
    many.push_back(Given(absl::StrCat("n", i), "claude-sonnet"));
  }
  overrides_.Replace(many);
  EXPECT_EQ(overrides_.Get()->all().size(), kNodeOverridesMax);
}

TEST_F(NodeOverridesTest, AreUsedOnlyWhileTheirModelIsConfigured) {
  // As after a reload: the state names a model that went, and one that must no
  // longer be given away.
  overrides_.Replace(
      {Given("a", "gone"), Given("b", "kept"), Given("c", "claude-sonnet")});
  EXPECT_EQ(At("a", kNow), "");
  EXPECT_EQ(At("b", kNow), "");
  EXPECT_EQ(At("c", kNow), "claude-sonnet");
  EXPECT_NE(cached_.Get().Find("a", kNow), nullptr);
}

TEST_F(NodeOverridesTest, ASetThatIsHeldStaysAsItWas) {
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "claude-sonnet")).ok());
  const std::shared_ptr<const OverrideSet> held = overrides_.Get();
  ASSERT_TRUE(overrides_.Set(table_, Given("writer", "")).ok());
  EXPECT_NE(held->Find("writer", kNow), nullptr);
  EXPECT_EQ(overrides_.Get()->Find("writer", kNow), nullptr);
}

TEST_F(NodeOverridesTest, LoopsReadWhileAnOperatorWrites) {
  // Both nodes always have the same model.
  const std::vector<NodeOverride> one = {Given("a", "claude-sonnet"),
                                         Given("b", "claude-sonnet")};
  const std::vector<NodeOverride> two = {Given("a", "gemini-2.5-pro"),
                                         Given("b", "gemini-2.5-pro")};
  overrides_.SetAll(table_, one);
  Thread writer("operator", [&] {
    for (int i = 0; i < 2000; ++i) {
      overrides_.SetAll(table_, i % 2 == 0 ? two : one);
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    const OverrideSet& set = cached_.Get();
    ASSERT_EQ(set.Find("a", kNow)->model, set.Find("b", kNow)->model);
  }
  writer.Join();
  EXPECT_EQ(At("a", kNow), "claude-sonnet");
}

}  // namespace
}  // namespace gateway
