#include "clients/cli/ledger_request.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "clients/cli/console.h"
#include "clients/cli/ledger_words.h"
#include "clients/cli/progress.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LedgerRequestTest : public testing::Test {
 protected:
  LedgerRequestTest() {
    std::string hash;
    for (int64_t call = 0; call < 30; ++call) {
      DispatchOf(call).AppendChained(&hash, &lines_);
      lines_.append("\n");
      ExchangeOf(call).AppendChained(&hash, &lines_);
      lines_.append("\n");
    }
    std::ofstream(file_) << lines_;
  }
  std::string Path(const std::string& name) {
    return absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(), name);
  }
  // What is printed, or what is wrong; no gateway is asked.
  std::string Run(OperatorWords words) {
    std::ostringstream out;
    const auto valid = RunLedger(
        words,
        []() -> absl::StatusOr<RpcPlace> {
          return absl::UnavailableError("a gateway is asked");
        },
        out);
    if (!valid.ok()) return std::string(valid.status().message());
    return absl::StrCat(*valid ? "" : "invalid: ", out.str());
  }

  const std::string file_ = Path(".jsonl");
  std::string lines_;
};

TEST_F(LedgerRequestTest, EntriesOfAFileAreATable) {
  const std::string table =
      Run({.words = {"query"},
           .flags = {
               {"--file", file_}, {"--decision", "ERROR"}, {"--limit", "2"}}});
  EXPECT_THAT(table, HasSubstr("NUMBER  TIME"));
  EXPECT_THAT(table, HasSubstr(absl::StrCat("60      2026-01-01T00:00:00Z  ",
                                            ExchangeIdOf(29))));
  EXPECT_THAT(table, HasSubstr("ERROR     SES-2    gemini-2.5-pro     "));
  EXPECT_THAT(table, HasSubstr(ExchangeIdOf(19)));
  EXPECT_THAT(table, Not(HasSubstr(ExchangeIdOf(9)))) << "the limit is two";
  const std::string json =
      Run({.words = {"query"},
           .flags = {{"--file", file_}, {"--request", "req-3"}},
           .as_json = true});
  EXPECT_THAT(json, HasSubstr("\"entries\": ["));
  EXPECT_THAT(json, HasSubstr(DispatchIdOf(3)));
}

TEST_F(LedgerRequestTest, OneEntryIsShownWhole) {
  const std::string text =
      Run({.words = {"get", ExchangeIdOf(9)}, .flags = {{"--file", file_}}});
  EXPECT_THAT(text, HasSubstr("decision       ERROR\n"));
  EXPECT_THAT(text, HasSubstr("\n\n{\"decision\": \"ERROR\", \"entry_hash\""));
  EXPECT_THAT(Run({.words = {"get", "none"}, .flags = {{"--file", file_}}}),
              HasSubstr("no entry with the id 'none'"));
}

TEST_F(LedgerRequestTest, AnExportIsWhatWasWritten) {
  EXPECT_EQ(Run({.words = {"export"}, .flags = {{"--file", file_}}}), lines_);
  const std::string some = Run(
      {.words = {"export"},
       .flags = {
           {"--file", file_}, {"--session", "SES-1"}, {"--type", "DISPATCH"}}});
  EXPECT_EQ(std::count(some.begin(), some.end(), '\n'), 10);
}

TEST_F(LedgerRequestTest, WhatWasExportedIsImportedAndVerified) {
  const std::string to = Path(".db");
  const std::string imported =
      Run({.words = {"import", file_}, .flags = {{"--to", to}}});
  EXPECT_THAT(imported, HasSubstr("imported 60 entries into "));
  EXPECT_EQ(Run({.words = {"export"}, .flags = {{"--file", to}}}), lines_);
  EXPECT_THAT(Run({.words = {"verify", to}}), HasSubstr("valid: 60 entries"));
  EXPECT_THAT(Run({.words = {"import", file_}, .flags = {{"--to", to}}}),
              HasSubstr("is there already"));
  EXPECT_THAT(Run({.words = {"import", file_},
                   .flags = {{"--to", Path(".json.db")}},
                   .as_json = true}),
              HasSubstr("\"entries\":60,\"last_hash\":\""));
}

TEST_F(LedgerRequestTest, ProgressHasGoneWhenTheAnswerComes) {
  std::istringstream in;
  std::ostringstream terminal;
  Console console{in, terminal, terminal};
  console.err_is_terminal = true;
  console.obeys_controls = true;
  FakeClock clock;
  Progress progress(console, "ledger", "entries", clock);
  clock.Advance(absl::Seconds(1));
  const auto nowhere = []() -> absl::StatusOr<RpcPlace> {
    return absl::UnavailableError("a gateway is asked");
  };
  // Enough entries for the clock to be looked at.
  const OperatorWords words = {
      .words = {"verify", file_, file_, file_, file_, file_}};
  ASSERT_TRUE(RunLedger(words, nowhere, terminal, &progress).ok());
  EXPECT_THAT(terminal.str(),
              StartsWith("\r\x1b[Kledger 256 entries\r\x1b[KFAIL"));
  EXPECT_THAT(terminal.str(), EndsWith("\n"));
}

TEST_F(LedgerRequestTest, FilesNameNoChain) {
  for (const OperatorWords& words :
       {OperatorWords{.words = {"export"}, .flags = {{"--file", file_}}},
        OperatorWords{.words = {"query"}, .flags = {{"--file", file_}}},
        OperatorWords{.words = {"verify", file_}, .flags = {}}}) {
    OperatorWords of_chain = words;
    of_chain.flags.emplace_back("--chain", "main");
    EXPECT_THAT(Run(of_chain), HasSubstr("--chain is for --postgres"));
    EXPECT_THAT(Run(words), Not(HasSubstr("--chain")));
  }
}

TEST_F(LedgerRequestTest, AnExportIsVerifiedAsItComes) {
  const std::string pipe = Path(".pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto verify = [&](const std::string& text) {
    Thread writer("writer", [&] { std::ofstream(pipe) << text; });
    return Run({.words = {"verify", pipe}});
  };
  EXPECT_THAT(verify(lines_), StartsWith("valid: 60 entries"));
  EXPECT_THAT(verify(lines_.substr(lines_.find('\n') + 1)),
              HasSubstr("NOT VALID"));
  EXPECT_THAT(verify(std::string("SQLite format 3\0...", 19)),
              HasSubstr("not read through a pipe; name the file"));
}

TEST_F(LedgerRequestTest, WithoutAFileAGatewayIsAsked) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"query"}, {"get", "LED-1"}, {"export"}, {"verify"}}) {
    EXPECT_EQ(Run({.words = words}), "a gateway is asked");
  }
}

TEST_F(LedgerRequestTest, NamesThatAreNotThereAreRefused) {
  for (const std::string verb : {"query", "export"}) {
    EXPECT_THAT(
        Run({.words = {verb}, .flags = {{"--file", file_}, {"--type", "X"}}}),
        HasSubstr("--type is 'X', which no entry has; there are DISPATCH, "));
    EXPECT_THAT(Run({.words = {verb},
                     .flags = {{"--file", file_}, {"--decision", "fine"}}}),
                HasSubstr("--decision is 'FINE', which no entry has; there are "
                          "DISPATCHED, "));
    // One that gateways write may be of no entry.
    EXPECT_THAT(Run({.words = {verb},
                     .flags = {{"--file", file_}, {"--type", "entries_lost"}}}),
                Not(HasSubstr("--type")));
  }
  // What an earlier system has written is there.
  std::ofstream(file_, std::ios::app)
      << R"({"id": "LED-old", "event_type": "GENESIS"})" << "\n";
  for (const std::string order : {"newest", "oldest"}) {
    EXPECT_THAT(Run({.words = {"query"},
                     .flags = {{"--file", file_},
                               {"--type", "GENESIS"},
                               {"--type", "DISPATCH"},
                               {"--order", order},
                               {"--limit", "2"}}}),
                HasSubstr("DISPATCH"));
  }
}

TEST_F(LedgerRequestTest, WhatWouldNotBeReadIsNotPassedOver) {
  for (const std::string verb : {"query", "export", "get", "verify"}) {
    OperatorWords words{.words = {verb}, .flags = {{"--postgres", "host=x"}}};
    if (verb == "verify") {
      words.words.push_back(file_);
    } else {
      words.flags.emplace_back("--file", file_);
    }
    EXPECT_THAT(Run(words), HasSubstr("--postgres names another ledger"));
  }
  EXPECT_THAT(Run({.words = {"verify", file_}, .flags = {{"--archive", "d"}}}),
              HasSubstr("--archive would not be read"));
  EXPECT_THAT(Run({.words = {"get", "LED-1"},
                   .flags = {{"--file", file_}, {"--archive", "d"}}}),
              HasSubstr("--archive would not be read"));
}

TEST_F(LedgerRequestTest, WhatIsNotMeantIsTold) {
  EXPECT_THAT(Run({.words = {"get"}}), HasSubstr("needs the id"));
  EXPECT_THAT(Run({.words = {"query", "x"}}), HasSubstr("takes no 'x'"));
  EXPECT_THAT(Run({.words = {"import", file_}}), HasSubstr("--to FILE"));
  EXPECT_THAT(Run({.words = {"verify", file_}, .flags = {{"--after", "3"}}}),
              HasSubstr("files are verified whole"));
}

TEST_F(LedgerRequestTest, NumbersOfSeveralChainsHaveTheirNames) {
  llmgateway::v1::QueryLedgerResponse found;
  llmgateway::v1::LedgerEntry& entry = *found.add_entries();
  entry.set_id("LED-1");
  entry.set_number(5);
  EXPECT_THAT(LedgerTable(found), StartsWith("NUMBER  TIME"));
  entry.set_chain("2");
  EXPECT_THAT(LedgerTable(found), StartsWith("CHAIN  NUMBER  TIME"));
  EXPECT_THAT(LedgerTable(found), HasSubstr("\n2      5       "));
}

TEST_F(LedgerRequestTest, WhatAGatewaysCheckHasFoundIsTold) {
  llmgateway::v1::VerifyLedgerResponse found;
  found.set_checked_entries(7);
  found.set_total_entries(9);
  found.set_problem("the entry 8, LED-8 has no hash");
  EXPECT_EQ(LedgerCheckText(found),
            "FAIL  the entry 8, LED-8 has no hash\n"
            "NOT VALID: 7 of 9 entries\n");
  found.clear_problem();
  found.set_valid(true);
  found.set_checked_entries(9);
  found.set_last_hash("l");
  found.set_merkle_root("m");
  EXPECT_EQ(LedgerCheckText(found),
            "valid: 9 of 9 entries\nlast hash l\nmerkle root m\n");
  EXPECT_EQ(LedgerCheckText(found, {.chain = "2", .after_entry = 5}),
            "valid: 9 of 9 entries of the chain 2 behind the entry 5; up to it "
            "nothing was read\nlast hash l\nmerkle root of these m\n");
  EXPECT_THAT(LedgerCheckText(found, {.archive_files = 0}),
              HasSubstr("files of archives that were verified: 0\n"));
}

}  // namespace
}  // namespace gateway
