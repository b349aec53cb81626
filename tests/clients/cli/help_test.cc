#include "clients/cli/help.h"

#include <string>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "clients/cli/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HelpTest, TermsAndTextsStandInColumns) {
  const std::string text = HelpText();
  EXPECT_THAT(text, StartsWith("gatewayctl finds the LLM gateway that runs on "
                               "this machine"));
  EXPECT_THAT(
      text,
      HasSubstr("  gatewayctl exec -- CMD ARGS...   run a program that is "
                "pointed at it\n"));
  // A line that was broken on purpose, and a term that fills its line.
  EXPECT_THAT(text, HasSubstr("shell:\n" + std::string(37, ' ') +
                              "eval \"$(gatewayctl env)\"\n"));
  EXPECT_THAT(text,
              HasSubstr("  gatewayctl limits list | reset NAME\n" +
                        std::string(35, ' ') + "show how full limits are"));
}

TEST(HelpTest, EachCommandHasItsOwn) {
  const std::string keys = HelpTextOf("keys");
  EXPECT_THAT(keys, StartsWith("  gatewayctl keys create | list"));
  EXPECT_THAT(keys, HasSubstr("What keys takes:\n"));
  EXPECT_THAT(keys, HasSubstr("--owner WHO"));
  EXPECT_THAT(keys, HasSubstr("--admin ADDRESS"));
  EXPECT_THAT(keys, Not(HasSubstr("--prices FILE")));
  EXPECT_THAT(keys, Not(HasSubstr("gatewayctl ledger")));
  // All that there is of it, and of no other that begins so.
  EXPECT_THAT(HelpTextOf("ledger"), HasSubstr("gatewayctl ledger archive"));
  EXPECT_EQ(HelpTextOf("key"), HelpText());
  for (const std::string_view name : CommandNames()) {
    if (name == "version") continue;
    EXPECT_LT(HelpTextOf(name).size(), HelpText().size() / 2) << name;
  }
}

TEST(HelpTest, NoLineIsLongerThanATerminalIsWide) {
  for (const absl::string_view line : absl::StrSplit(HelpText(), '\n')) {
    EXPECT_LE(line.size(), 80) << line;
  }
}

TEST(HelpTest, TheManualPageHasEverySectionAndItem) {
  const std::string page = ManualPage();
  EXPECT_THAT(page, StartsWith(".TH GATEWAYCTL 1 "));
  for (const HelpSection& section : HelpSections()) {
    for (const HelpItem& item : section.items) {
      const std::string first(item.term.substr(0, item.term.find('-')));
      EXPECT_THAT(page, HasSubstr(".TP\n.B " + first)) << item.term;
    }
  }
  // A dash is a dash, and no hyphen, where it is copied from.
  EXPECT_THAT(page, HasSubstr("\\-\\-pid_file FILE\n"));
}

}  // namespace
}  // namespace gateway
