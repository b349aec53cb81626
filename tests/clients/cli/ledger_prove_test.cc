#include "clients/cli/ledger_prove.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/ledger_verify.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class LedgerProveTest : public testing::Test {
 protected:
  using Flags = std::vector<std::pair<std::string, std::string>>;

  LedgerProveTest() {
    std::ofstream out(lines_);
    std::string hash;
    for (int64_t call = 0; call < 9; ++call) {
      std::string text;
      ExchangeOf(call).AppendChained(&hash, &text);
      out << text << "\n";
    }
  }

  LedgerReport Prove(std::vector<std::string> words, Flags flags = {}) {
    words.insert(words.begin(), "prove");
    const auto report =
        ProveEntry({.words = std::move(words), .flags = std::move(flags)});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : LedgerReport{};
  }
  absl::Status FailToProve(std::vector<std::string> words, Flags flags = {}) {
    words.insert(words.begin(), "prove");
    const auto report =
        ProveEntry({.words = std::move(words), .flags = std::move(flags)});
    EXPECT_FALSE(report.ok());
    return report.status();
  }
  // The root that verification tells of the lines.
  std::string Root() {
    const std::string text = VerifyLedger({.words = {"verify", lines_}})->text;
    return text.substr(text.find("merkle root ") + 12, 64);
  }

  const std::string lines_ = testing::TempDir() + "/to-prove.jsonl";
  const std::string proof_ = testing::TempDir() + "/proof-of-lines.json";
};

TEST_F(LedgerProveTest, AnEntryOfAFileIsProvenByTheRootOfItsVerification) {
  for (int64_t call = 0; call < 9; ++call) {
    std::ofstream(proof_) << Prove({ExchangeIdOf(call), lines_}).text;
    const LedgerReport checked =
        Prove({}, {{"--check", proof_}, {"--root", Root()}});
    EXPECT_TRUE(checked.valid);
    EXPECT_EQ(
        checked.text,
        absl::StrCat("valid: ", ExchangeIdOf(call), " is entry ", call + 1,
                     " under this root, of 9 as the proof says\n"));
  }
  EXPECT_FALSE(
      Prove({}, {{"--check", proof_}, {"--root", std::string(64, '0')}}).valid);
}

TEST_F(LedgerProveTest, AnEntryOfOneOfSeveralChainsIsProvenByTheRootOfThat) {
  std::string text;
  std::string hash;
  for (int64_t call = 20; call < 25; ++call) {
    ExchangeOf(call).AppendChained(&hash, &text);
    text += "\n";
  }
  std::ofstream(lines_, std::ios::app) << text;
  const std::string report = VerifyLedger({.words = {"verify", lines_}})->text;
  const size_t second = report.find("a chain of 5 entries");
  ASSERT_NE(second, std::string::npos) << report;
  const std::string root =
      report.substr(report.find("merkle root ", second) + 12, 64);
  std::ofstream(proof_) << Prove({ExchangeIdOf(22), lines_}).text;
  EXPECT_EQ(Prove({}, {{"--check", proof_}, {"--root", root}}).text,
            absl::StrCat("valid: ", ExchangeIdOf(22),
                         " is entry 3 under this "
                         "root, of 5 as the proof says\n"));
}

TEST_F(LedgerProveTest, WhatIsNotValidProvesNothing) {
  std::ifstream in(lines_);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  // The entry itself, one before it, and a line behind that was cut.
  std::vector<std::string> wrong = {text, text,
                                    text.substr(0, text.size() - 20)};
  for (const size_t i : {0, 1}) {
    const std::string from = i == 0 ? "agent-4" : "agent-1";
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    wrong[i].replace(at, from.size(), "agent-x");
  }
  for (const std::string& altered : wrong) {
    std::ofstream(lines_) << altered;
    const absl::Status status = FailToProve({ExchangeIdOf(4), lines_});
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("nothing is proven by what is not valid"));
  }
}

TEST_F(LedgerProveTest, AnEntryWithoutAHashIsToldFromOneThatIsNotThere) {
  std::ifstream in(lines_);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::ofstream(lines_) << R"({"id": "LED-old", "event_type": "OLD"})" << "\n"
                        << text;
  EXPECT_THAT(std::string(FailToProve({"LED-old", lines_}).message()),
              HasSubstr("has no hash"));
  EXPECT_TRUE(absl::IsNotFound(FailToProve({"LED-none", lines_})));
}

TEST_F(LedgerProveTest, AnEmptyFolderSaysThatNothingWasLookedAt) {
  const std::string folder = testing::TempDir() + "/no-archive";
  mkdir(folder.c_str(), 0700);
  EXPECT_THAT(
      std::string(FailToProve({"LED-1"}, {{"--archive", folder}}).message()),
      HasSubstr("the 0 files that the manifests in"));
}

TEST_F(LedgerProveTest, MistakesAreNamed) {
  EXPECT_THAT(std::string(FailToProve({}).message()),
              HasSubstr("takes the id of an entry"));
  EXPECT_THAT(std::string(FailToProve({"LED-1"}).message()),
              HasSubstr("takes one place"));
  EXPECT_THAT(
      std::string(
          FailToProve({"LED-1", lines_}, {{"--archive", "a"}}).message()),
      HasSubstr("takes one place"));
  EXPECT_TRUE(absl::IsNotFound(FailToProve({"LED-1", lines_})));
  EXPECT_THAT(
      std::string(
          FailToProve({"LED-1", lines_}, {{"--root", Root()}}).message()),
      HasSubstr("--root is for --check"));
  EXPECT_THAT(
      std::string(FailToProve({"LED-1", lines_}, {{"--chain", "1"}}).message()),
      HasSubstr("--chain is for"));
  EXPECT_THAT(std::string(FailToProve({}, {{"--check", proof_},
                                           {"--root", Root()},
                                           {"--archive", "a"}})
                              .message()),
              HasSubstr("and nothing else"));
  EXPECT_THAT(std::string(FailToProve({}, {{"--check", proof_}}).message()),
              HasSubstr("--root"));
  EXPECT_THAT(
      std::string(
          FailToProve({}, {{"--check", lines_}, {"--root", Root()}}).message()),
      HasSubstr(lines_ + ": is no proof"));
  EXPECT_TRUE(absl::IsNotFound(
      FailToProve({}, {{"--check", "/none"}, {"--root", Root()}})));
}

}  // namespace
}  // namespace gateway
