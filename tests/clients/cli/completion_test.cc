#include "clients/cli/completion.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

// What a shell makes of it is in gatewayctl_test.py.
TEST(CompletionTest, ACommandThenWhatItDoes) {
  EXPECT_THAT(CompletionsOf({""}), Contains("limits"));
  EXPECT_THAT(CompletionsOf({"e"}), ElementsAre("env", "exec"));
  EXPECT_THAT(CompletionsOf({"--url", "http://a", "sta"}),
              ElementsAre("status"));
  EXPECT_THAT(CompletionsOf({"keys", "r"}), ElementsAre("rotate", "revoke"));
  EXPECT_THAT(CompletionsOf({"limits", ""}), ElementsAre("list", "reset"));
  EXPECT_THAT(CompletionsOf({"budgets", ""}),
              ElementsAre("list", "get", "allocate", "reset", "session"));
  EXPECT_THAT(CompletionsOf({"ma"}), ElementsAre("man"));
  EXPECT_THAT(CompletionsOf({"status", "--ou"}), ElementsAre("--output"));
  EXPECT_THAT(CompletionsOf({"traces", ""}), ElementsAre("list", "get"));
  EXPECT_THAT(CompletionsOf({"metrics", ""}),
              ElementsAre("show", "watch", "cost"));
  EXPECT_THAT(CompletionsOf({"alerts", ""}), ElementsAre("list", "silence"));
  EXPECT_THAT(CompletionsOf({"models", ""}),
              ElementsAre("list", "get", "disabled", "enable", "disable"));
  EXPECT_THAT(CompletionsOf({"logs", ""}), ElementsAre("levels", "set-level"));
  EXPECT_THAT(CompletionsOf({"sessions", ""}),
              ElementsAre("create", "get", "delete"));
  EXPECT_THAT(CompletionsOf({"rollout", "o"}), ElementsAre("off", "on"));
  EXPECT_THAT(CompletionsOf({"completion", ""}),
              ElementsAre("bash", "zsh", "fish"));
}

TEST(CompletionTest, TheFlagsOfWhatIsDone) {
  EXPECT_THAT(
      CompletionsOf({"keys", "rotate", "k1", "--g"}),
      ElementsAre("--grace", "--grpc", "--gateway_context", "--gateway"));
  EXPECT_THAT(CompletionsOf({"keys", "list", "--"}), Not(Contains("--grace")));
  EXPECT_THAT(CompletionsOf({"--u"}), ElementsAre("--url"));
  EXPECT_THAT(CompletionsOf({"env", "--ow"}), IsEmpty());
}

TEST(CompletionTest, NamesAreWantedWhereTheyMayStand) {
  using Names = NamesWanted;
  EXPECT_EQ(NamesWantedAt({"contexts", "use", ""}), Names::kContexts);
  EXPECT_EQ(NamesWantedAt({"--gateway_context", "p"}), Names::kContexts);
  EXPECT_EQ(NamesWantedAt({"contexts", "list", ""}), Names::kNone);
  EXPECT_EQ(NamesWantedAt({"chat", "--model", "g"}), Names::kModels);
  EXPECT_EQ(NamesWantedAt({"models", "get", ""}), Names::kModels);
  EXPECT_EQ(NamesWantedAt({"models", "get", "m", ""}), Names::kNone);
  EXPECT_EQ(NamesWantedAt({"models", "get", "--"}), Names::kNone);
  EXPECT_EQ(NamesWantedAt({"exec", "claude", "--model", ""}), Names::kNone);
  EXPECT_THAT(CompletionsOf({"contexts", "use", "p"}, {"prod", "test"}),
              ElementsAre("prod"));
  EXPECT_EQ(WordsBegun({"chat", "--grpc", "a:1", "--model", "g"}).grpc, "a:1");
}

TEST(CompletionTest, TheValuesOfAFlagWhereThereAreFew) {
  EXPECT_THAT(CompletionsOf({"keys", "list", "--output", ""}),
              ElementsAre("json", "table"));
  EXPECT_THAT(CompletionsOf({"keys", "create", "--priority", "h"}),
              ElementsAre("high"));
  EXPECT_THAT(CompletionsOf({"ledger", "query", "--type", "E"}),
              ElementsAre("EXCHANGE", "ENTRIES_LOST"));
  EXPECT_THAT(CompletionsOf({"ledger", "query", "--decision", "RE"}),
              ElementsAre("REJECTED", "REUSED", "RESET"));
  EXPECT_THAT(CompletionsOf({"keys", "list", "--owner", ""}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"--ca_file", ""}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"health", "--cert"}), ElementsAre("--cert_file"));
  EXPECT_THAT(CompletionsOf({"--key_file", ""}), IsEmpty());
}

TEST(CompletionTest, AFlagAndItsValueMayBeOneWord) {
  using Names = NamesWanted;
  EXPECT_THAT(CompletionsOf({"keys", "list", "--output=j"}),
              ElementsAre("--output=json"));
  EXPECT_EQ(NamesWantedAt({"chat", "--model=l"}), Names::kModels);
  EXPECT_EQ(NamesWantedAt({"--gateway_context="}), Names::kContexts);
  EXPECT_EQ(NamesWantedAt({"chat", "--system=l"}), Names::kNone);
  EXPECT_EQ(NamesWantedAt({"chat", "--system", "--model=l"}), Names::kNone);
  EXPECT_THAT(CompletionsOf({"chat", "--model=l"}, {"llama3:8b", "gpt"}),
              ElementsAre("--model=llama3:8b"));
  EXPECT_THAT(CompletionsOf({"chat", "--system=l"}), IsEmpty());
}

TEST(CompletionTest, ANameOfSeveralLinesIsNoWord) {
  EXPECT_THAT(CompletionsOf({"chat", "--model", ""}, {"a\nrm", "b\x1b[J", "c"}),
              ElementsAre("c"));
}

TEST(CompletionTest, NothingWhereAnyTextMayStand) {
  EXPECT_THAT(CompletionsOf({}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"exec", "ls", ""}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"exec", "ls", "--"}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"limits", "reset", ""}), IsEmpty());
  EXPECT_THAT(CompletionsOf({"nonsense", ""}), IsEmpty());
}

TEST(CompletionTest, ThereAreThreeShells) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_TRUE(CompletionScript(shell).ok()) << shell;
  }
  EXPECT_FALSE(CompletionScript("tcsh").ok());
  EXPECT_FALSE(CompletionScript("").ok());
}

}  // namespace
}  // namespace gateway
