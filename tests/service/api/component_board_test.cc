#include "service/api/component_board.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Shown(const ComponentBoard& board) {
  std::vector<std::string> shown;
  for (const v1::ComponentHealth& health : board.Read()) {
    shown.push_back(ComponentProblem(health) + "," +
                    std::string(ComponentStateName(health.state())));
  }
  return shown;
}

void Say(v1::ComponentHealth::State state, const std::string& problem,
         v1::ComponentHealth* health) {
  health->set_state(state);
  health->set_problem(problem);
}

TEST(ComponentBoardTest, ComponentsAreHealthyUnlessTheySayOtherwise) {
  ComponentBoard board;
  EXPECT_THAT(board.Read(), IsEmpty());
  board.Add("store", [](v1::ComponentHealth*) {});
  board.Add("audit", [](v1::ComponentHealth* health) {
    Say(v1::ComponentHealth::STATE_DEGRADED, "full", health);
  });
  EXPECT_THAT(Shown(board),
              ElementsAre("audit: full,degraded", "store: ,healthy"));
  EXPECT_EQ(board.failure(), "");
  EXPECT_TRUE(
      AnyComponentIs(v1::ComponentHealth::STATE_DEGRADED, board.Read()));
  EXPECT_FALSE(
      AnyComponentIs(v1::ComponentHealth::STATE_FAILING, board.Read()));
}

TEST(ComponentBoardTest, EachReadAsksAnewAndTheFirstFailureIsTold) {
  ComponentBoard board;
  bool fails = false;
  board.Add("ledger", [&fails](v1::ComponentHealth* health) {
    if (fails) Say(v1::ComponentHealth::STATE_FAILING, "no disk", health);
  });
  board.Add("budgets", [](v1::ComponentHealth* health) {
    Say(v1::ComponentHealth::STATE_DEGRADED, "not written", health);
  });
  EXPECT_EQ(board.failure(), "");
  fails = true;
  EXPECT_EQ(board.failure(), "ledger: no disk");
  EXPECT_THAT(Shown(board), ElementsAre("budgets: not written,degraded",
                                        "ledger: no disk,failing"));
  fails = false;
  EXPECT_EQ(board.failure(), "");
}

}  // namespace
}  // namespace gateway
