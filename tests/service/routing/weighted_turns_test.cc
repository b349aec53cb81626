#include "service/routing/weighted_turns.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// So many turns, as letters.
std::string TakeAsLetters(WeightedTurns& turns, int count) {
  std::string letters;
  for (int i = 0; i < count; ++i) {
    letters += static_cast<char>('a' + turns.Take());
  }
  return letters;
}

TEST(WeightedTurnsTest, TheOrderIsThatOfNginx) {
  WeightedTurns turns({5, 1, 1});
  // The example in nginx's description of its algorithm.
  EXPECT_EQ(TakeAsLetters(turns, 14), "aabacaaaabacaa");
}

TEST(WeightedTurnsTest, EqualWeightsTakeTurnsInOrder) {
  WeightedTurns turns({7, 7, 7});
  EXPECT_EQ(turns.size(), 3u);
  EXPECT_EQ(TakeAsLetters(turns, 7), "abcabca");
  WeightedTurns one({1000});
  EXPECT_EQ(one.size(), 1u);
  EXPECT_EQ(TakeAsLetters(one, 2), "aa");
}

TEST(WeightedTurnsTest, WhoPeeksTakesNoTurn) {
  WeightedTurns turns({2, 1});
  EXPECT_EQ(turns.Take(), 0u);
  EXPECT_EQ(turns.Peek(0), 1u);
  EXPECT_EQ(turns.Peek(0), 1u);
  EXPECT_EQ(turns.Peek(1), 0u);
  EXPECT_EQ(turns.Peek(3), 1u);
  EXPECT_EQ(turns.Take(), 1u);
}

TEST(WeightedTurnsTest, NobodyIsEverATurnAheadOrBehindHisShare) {
  FakeRandom random{5};
  for (int round = 0; round < 50; ++round) {
    std::vector<uint32_t> weights(1 + random.Below(8));
    for (uint32_t& weight : weights) {
      weight = static_cast<uint32_t>(1 + random.Below(20));
    }
    const double sum =
        std::accumulate(weights.begin(), weights.end(), uint32_t{0});
    WeightedTurns turns(weights);
    std::vector<int> taken(weights.size());
    for (int turn = 1; turn <= 500; ++turn) {
      ++taken[turns.Take()];
      for (size_t i = 0; i < weights.size(); ++i) {
        // Smooth weighted round robin is not exactly within one turn.
        ASSERT_LE(std::abs(taken[i] - turn * weights[i] / sum), 2)
            << "round " << round << " turn " << turn;
      }
    }
  }
}

TEST(WeightedTurnsTest, SixteenHeavyWeightsAreKeptExactly) {
  std::vector<uint32_t> weights(16, 1000);
  weights[3] = 999;
  WeightedTurns turns(weights);
  EXPECT_EQ(turns.size(), 15'999u);
  std::vector<uint32_t> taken(weights.size());
  for (size_t i = 0; i < turns.size(); ++i) ++taken[turns.Take()];
  EXPECT_EQ(taken, weights);
}

TEST(WeightedTurnsTest, WeightsOfManyAreRoundedToWholeTurns) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < 200; ++i) weights.push_back(801 + i);
  weights[0] = 1;
  WeightedTurns turns(weights);
  EXPECT_NEAR(static_cast<double>(turns.size()), WeightedTurns::kTurnsMax, 200);
  const double sum =
      std::accumulate(weights.begin(), weights.end(), uint32_t{0});
  std::vector<uint32_t> taken(weights.size());
  for (size_t i = 0; i < turns.size(); ++i) ++taken[turns.Take()];
  EXPECT_EQ(taken[0], 1u);
  for (size_t i = 1; i < weights.size(); ++i) {
    EXPECT_NEAR(taken[i], WeightedTurns::kTurnsMax * weights[i] / sum, 0.51);
  }
}

}  // namespace
}  // namespace gateway
