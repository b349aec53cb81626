#include "service/identity/key_sets.h"

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "tests/service/identity/token_signer.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/no_http_client.h"

namespace gateway {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

class KeySetsTest : public testing::Test {
 protected:
  ~KeySetsTest() override {
    if (running_) sets_.Stop(thread_.loop());
  }

  static KeySetSource SourceOf(std::string_view name) {
    return {.issuer = std::string(name),
            .key_set = absl::StrCat("file:", PathOf(name))};
  }
  static std::string PathOf(std::string_view name) {
    return absl::StrCat(testing::TempDir(), "/", std::string(name), ".json");
  }
  static void Write(std::string_view name, std::string_view text) {
    std::ofstream(PathOf(name)) << text;
  }
  std::string SetOf(std::string_view kid) const {
    return absl::StrCat(
        R"({"keys":[)",
        signer_.PublicJwk(absl::StrCat(R"("kid":")", std::string(kid), R"(")")),
        "]}");
  }
  static bool Has(const IssuerKeys& keys, const std::string& kid) {
    const auto set = keys.Get();
    return set != nullptr && set->Find(JwsAlgorithm::kEs256, kid) != nullptr;
  }
  void Run() {
    running_ = true;
    thread_.loop().Post([this] { Spawn(sets_.Run(thread_.loop(), http_)); });
  }

  const TokenSigner signer_ = TokenSigner::Es256();
  FakeRandom chance_{1};
  NoHttpClient http_;
  BlockingWorker worker_{{.name = "test"}};
  KeySets sets_{SystemClock(), chance_, worker_};
  bool running_ = false;
  LoopThread thread_;
};

TEST_F(KeySetsTest, ASetIsReadOnceItIsUsed) {
  Write("a", SetOf("k"));
  const auto keys = sets_.Find(SourceOf("a"));
  Run();
  EXPECT_TRUE(sets_.AwaitFirst(kLong));  // Nothing is awaited.
  EXPECT_EQ(keys->Get(), nullptr);
  sets_.Use(*keys, {});
  EXPECT_TRUE(sets_.AwaitFirst(kLong));
  EXPECT_TRUE(Has(*keys, "k"));
  EXPECT_EQ(sets_.changes()->load(), 1);
}

TEST_F(KeySetsTest, TheFirstReadingsAreNotAwaitedForever) {
  const auto keys = sets_.Find(SourceOf("a"));
  sets_.Use(*keys, {});
  EXPECT_FALSE(sets_.AwaitFirst(absl::Milliseconds(1)));
}

TEST_F(KeySetsTest, ASetThatCannotBeReadHoldsUpNoOther) {
  Write("good", SetOf("k"));
  Write("bad", "<html>");
  const auto good = sets_.Find(SourceOf("good"));
  const auto bad = sets_.Find(SourceOf("bad"));
  const auto absent = sets_.Find(SourceOf("absent"));
  for (const auto& keys : {good, bad, absent}) sets_.Use(*keys, {});
  Run();
  EXPECT_TRUE(sets_.AwaitFirst(kLong));
  EXPECT_TRUE(Has(*good, "k"));
  EXPECT_EQ(bad->Get(), nullptr);
  EXPECT_EQ(absent->Get(), nullptr);
  // It waits for its next turn, whoever shows what.
  EXPECT_FALSE(bad->Misses());
}

TEST_F(KeySetsTest, WhatBecameOfReadingIsTold) {
  EXPECT_TRUE(sets_.Read().empty());
  Write("good", SetOf("k"));
  const auto good = sets_.Find(SourceOf("good"));
  const auto absent = sets_.Find(SourceOf("none"));
  EXPECT_TRUE(sets_.Read().empty());  // Neither is in use.
  sets_.Use(*good, {});
  sets_.Use(*absent, {});
  Run();
  ASSERT_TRUE(sets_.AwaitFirst(kLong));
  const std::vector<KeySets::State> states = sets_.Read();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].issuer, "good");
  EXPECT_EQ(states[0].keys, 1u);
  EXPECT_EQ(states[0].failures, 0);
  EXPECT_LT(states[0].age, kLong);
  EXPECT_EQ(states[1].issuer, "none");
  EXPECT_EQ(states[1].keys, 0u);
  EXPECT_GE(states[1].failures, 1);
  EXPECT_EQ(states[1].age, absl::InfiniteDuration());
}

TEST_F(KeySetsTest, OfSeveralSetsOfAnIssuerTheWorstIsTold) {
  Write("a", SetOf("k"));
  const auto good = sets_.Find(SourceOf("a"));
  KeySetSource broken = SourceOf("a");
  broken.key_set += ".none";
  const auto bad = sets_.Find(broken);
  sets_.Use(*good, {});
  sets_.Use(*bad, {});
  Run();
  ASSERT_TRUE(sets_.AwaitFirst(kLong));
  const std::vector<KeySets::State> states = sets_.Read();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].keys, 0u);
  EXPECT_GE(states[0].failures, 1);
}

TEST_F(KeySetsTest, WhoeverHasTheSameSourceHasTheSameKeys) {
  auto keys = sets_.Find(SourceOf("a"));
  EXPECT_EQ(sets_.Find(SourceOf("a")), keys);
  EXPECT_NE(sets_.Find(SourceOf("b")), keys);
  KeySetSource oftener = SourceOf("a");
  oftener.interval = absl::Minutes(1);
  EXPECT_NE(sets_.Find(oftener), keys);
  // Nobody keeps what nobody has.
  const std::weak_ptr<IssuerKeys> kept = keys;
  keys.reset();
  EXPECT_TRUE(kept.expired());
}

TEST_F(KeySetsTest, AMissingKeyHasTheSetReadOnce) {
  Write("a", SetOf("old"));
  const auto keys = sets_.Find(SourceOf("a"));
  sets_.Use(*keys, {});
  Run();
  ASSERT_TRUE(sets_.AwaitFirst(kLong));
  Write("a", SetOf("new"));
  EXPECT_TRUE(keys->Misses());
  // Each ends in a reading of its own or of the first one.
  while (keys->Misses()) {
  }
  EXPECT_TRUE(Has(*keys, "new"));
  EXPECT_FALSE(Has(*keys, "old"));
  EXPECT_EQ(sets_.changes()->load(), 2);
  EXPECT_FALSE(keys->Misses());
}

}  // namespace
}  // namespace gateway
