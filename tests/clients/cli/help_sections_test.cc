#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "clients/cli/command_line.h"
#include "clients/cli/help.h"
#include "clients/cli/operator_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// All terms and notes of the table.
std::string AllTerms() {
  std::string all;
  for (const HelpSection& section : HelpSections()) {
    for (const HelpItem& item : section.items) {
      all.append(item.term).append("\n");
    }
  }
  return all;
}

TEST(HelpSectionsTest, NameEveryCommandAndAllThatItDoesAndTakes) {
  const std::string all = AllTerms();
  for (const std::string_view name : CommandNames()) {
    EXPECT_THAT(all, HasSubstr(std::string(name)));
    const OperatorCommand* const command = OperatorCommandOf(name);
    if (command == nullptr) continue;
    for (const OperatorVerb& verb : command->verbs) {
      EXPECT_THAT(all, HasSubstr(std::string(verb.word))) << name;
      for (const std::string_view flag : verb.flags) {
        EXPECT_THAT(all, HasSubstr(std::string(flag))) << name;
      }
      for (const std::string_view flag : verb.switches) {
        EXPECT_THAT(all, HasSubstr(std::string(flag))) << name;
      }
    }
  }
}

// What stands behind a command is told of it alone, too.
TEST(HelpSectionsTest, TellOfEachCommandAllThatItTakes) {
  for (const std::string_view name : CommandNames()) {
    const OperatorCommand* const command = OperatorCommandOf(name);
    if (command == nullptr) continue;
    const std::string text = HelpTextOf(name);
    for (const OperatorVerb& verb : command->verbs) {
      for (const std::string_view flag : verb.flags) {
        EXPECT_THAT(text, HasSubstr(std::string(flag))) << name;
      }
      for (const std::string_view flag : verb.switches) {
        EXPECT_THAT(text, HasSubstr(std::string(flag))) << name;
      }
    }
  }
}

TEST(HelpSectionsTest, NameCommandsThatThereAre) {
  const absl::Span<const std::string_view> names = CommandNames();
  for (const HelpSection& section : HelpSections()) {
    for (const absl::string_view name :
         absl::StrSplit(ToAbsl(section.commands), ' ', absl::SkipEmpty())) {
      EXPECT_THAT(names, Contains(ToStd(name))) << section.title;
    }
  }
}

TEST(HelpSectionsTest, HaveTitlesOfTheirOwn) {
  std::set<std::string_view> titles;
  for (const HelpSection& section : HelpSections()) {
    EXPECT_TRUE(titles.insert(section.title).second) << section.title;
  }
}

}  // namespace
}  // namespace gateway
