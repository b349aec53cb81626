#include "service/ledger/entry_names.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using testing::StartsWith;

TEST(EntryNamesTest, KnowsWhatGatewaysWrite) {
  EXPECT_TRUE(IsNameAmong(kEntryTypes, "EXCHANGE"));
  EXPECT_TRUE(IsNameAmong(kEntryTypes, "ENTRIES_LOST"));
  EXPECT_TRUE(IsNameAmong(kEntryDecisions, "LOST"));
  EXPECT_FALSE(IsNameAmong(kEntryTypes, "exchange"));
  EXPECT_FALSE(IsNameAmong(kEntryDecisions, "EXCHANGE"));
  EXPECT_FALSE(IsNameAmong(kEntryTypes, ""));
}

TEST(EntryNamesTest, ANameThatIsNotThereIsToldBesideThoseThatAre) {
  EXPECT_THAT(NoSuchEntryName("FINE", kEntryDecisions),
              StartsWith("'FINE', which no entry has; there are DISPATCHED, "
                         "SUCCESS, ERROR, "));
}

}  // namespace
}  // namespace gateway
