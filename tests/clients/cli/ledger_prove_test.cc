#include "clients/cli/ledger_prove.h"

#include <fstream>
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
    EXPECT_EQ(checked.text,
              absl::StrCat("valid: ", ExchangeIdOf(call), " is entry ",
                           call + 1, " of 9 under this root\n"));
  }
  EXPECT_FALSE(
      Prove({}, {{"--check", proof_}, {"--root", std::string(64, '0')}}).valid);
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
