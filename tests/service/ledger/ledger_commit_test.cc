#include "service/ledger/ledger_commit.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::vector<std::string> EntriesOf(std::string_view texts) {
  std::vector<std::string> entries;
  ForEachEntry(texts,
               [&](std::string_view entry) { entries.emplace_back(entry); });
  return entries;
}

TEST(LedgerCommitTest, EachEntryIsALine) {
  EXPECT_TRUE(EntriesOf("").empty());
  EXPECT_EQ(EntriesOf("a\nbc\n"), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(EntriesOf("a\n\nlast"),
            (std::vector<std::string>{"a", "", "last"}));
}

}  // namespace
}  // namespace gateway
