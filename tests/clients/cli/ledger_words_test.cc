#include "clients/cli/ledger_words.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cli/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

OperatorWords LedgerWords(std::vector<std::string> words) {
  words.insert(words.begin(), "ledger");
  const auto command = ParseCommandLine(words);
  EXPECT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->verb, CommandLine::Verb::kLedger);
  EXPECT_TRUE(CheckWords(kLedgerCommand, command->asked).ok());
  return command->asked;
}

std::string Mistake(std::vector<std::string> words) {
  const OperatorWords asked = LedgerWords(std::move(words));
  for (const absl::Status& status :
       {LedgerFilterOf(asked, kNow).status(), LedgerListingOf(asked).status(),
        AfterEntryOf(asked).status()}) {
    if (!status.ok()) return std::string(status.message());
  }
  return "";
}

TEST(LedgerWordsTest, FlagsAreAFilter) {
  const OperatorWords words =
      LedgerWords({"query",        "--type", "EXCHANGE",   "--type=DISPATCH",
             "--submission", "PRC",    "--session",  "SES",
             "--agent",      "a",      "--decision", "ERROR",
             "--request",    "r",      "--caller",   "c",
             "--provider",   "p",      "--model",    "m",
             "--since",      "24h",    "--until",    "2027-01-15T08:00:00.5Z"});
  const auto filter = LedgerFilterOf(words, kNow);
  ASSERT_TRUE(filter.ok()) << filter.status();
  const LedgerFilter expected = {.event_types = {"EXCHANGE", "DISPATCH"},
                                 .submission_id = "PRC",
                                 .session_id = "SES",
                                 .agent_id = "a",
                                 .decision = "ERROR",
                                 .request_id = "r",
                                 .caller = "c",
                                 .provider = "p",
                                 .model = "m",
                                 .start_time = kNow - absl::Hours(24),
                                 .end_time = kNow + absl::Milliseconds(500)};
  EXPECT_EQ(*filter, expected);
  const auto message = ToMessage(*filter);
  EXPECT_THAT(message.event_types(), ElementsAre("EXCHANGE", "DISPATCH"));
  EXPECT_EQ(message.submission_id(), "PRC");
  EXPECT_EQ(message.session_id(), "SES");
  EXPECT_EQ(message.agent_id(), "a");
  EXPECT_EQ(message.decision(), "ERROR");
  EXPECT_EQ(message.request_id(), "r");
  EXPECT_EQ(message.caller(), "c");
  EXPECT_EQ(message.provider(), "p");
  EXPECT_EQ(message.model(), "m");
  EXPECT_EQ(message.start_time().seconds(), 1'800'000'000 - 86'400);
  EXPECT_EQ(message.end_time().seconds(), 1'800'000'000);
  EXPECT_EQ(message.end_time().nanos(), 500'000'000);
}

TEST(LedgerWordsTest, NothingSaidIsEverythingTheNewestFirst) {
  const OperatorWords words = LedgerWords({"query"});
  EXPECT_TRUE(MatchesAll(*LedgerFilterOf(words, kNow)));
  EXPECT_EQ(ToMessage({}).ByteSizeLong(), 0);
  EXPECT_EQ(LedgerListingOf(words)->limit, 100);
  EXPECT_TRUE(LedgerListingOf(words)->newest_first);
  EXPECT_THAT(LedgerFilesOf(words), IsEmpty());
}

TEST(LedgerWordsTest, AListingHasItsOrderItsLimitAndItsFiles) {
  const OperatorWords words = LedgerWords({"query", "--limit", "7", "--order",
                                     "oldest", "--file", "a", "--file", "b"});
  EXPECT_EQ(LedgerListingOf(words)->limit, 7);
  EXPECT_FALSE(LedgerListingOf(words)->newest_first);
  EXPECT_THAT(LedgerFilesOf(words), ElementsAre("a", "b"));
  EXPECT_EQ(*AfterEntryOf(LedgerWords({"verify", "--after", "12"})), 12);
  EXPECT_EQ(*AfterEntryOf(LedgerWords({"verify"})), 0);
}

TEST(LedgerWordsTest, WhatIsNotMeantIsTold) {
  EXPECT_THAT(Mistake({"query", "--since", "soon"}), HasSubstr("--since"));
  EXPECT_THAT(Mistake({"query", "--until", "-1h"}), HasSubstr("--until"));
  EXPECT_THAT(Mistake({"query", "--limit", "0"}), HasSubstr("--limit"));
  EXPECT_THAT(Mistake({"query", "--limit", "1000001"}), HasSubstr("--limit"));
  EXPECT_THAT(Mistake({"query", "--order", "up"}), HasSubstr("--order"));
  EXPECT_THAT(Mistake({"verify", "--after", "-1"}), HasSubstr("--after"));
  EXPECT_FALSE(CheckWords(kLedgerCommand,
                          {.words = {"export"}, .flags = {{"--limit", "1"}}})
                   .ok());
}

}  // namespace
}  // namespace gateway
