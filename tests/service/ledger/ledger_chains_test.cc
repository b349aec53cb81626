#include "service/ledger/ledger_chains.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

// Three chains, in which calls are by turns.
class LedgerChainsTest : public testing::Test {
 protected:
  static constexpr int64_t kCalls = 120;

  LedgerChainsTest() {
    for (const char* const name : {"1", "2", "3"}) {
      const std::string path = folder_.Path(name);
      logs_.push_back(
          *LedgerLog::Open({.path = path, .sync = SqliteSync::kNormal}));
      indexes_.push_back(std::make_unique<LedgerIndex>(
          *logs_.back(),
          LedgerIndex::Options{.ledger_path = path, .segment_entries = 16}));
      chains_.Add(name, *logs_.back(), *indexes_.back());
    }
    for (int64_t call = 0; call < kCalls; ++call) {
      EXPECT_TRUE(AppendCalls(*logs_[static_cast<size_t>(call * 7 % 3)],
                              {.calls = 1, .first_call = call})
                      .ok());
    }
    for (const auto& index : indexes_) {
      EXPECT_TRUE(index->CatchUp(absl::Seconds(30)));
    }
  }

  // All pages, one behind the other.
  std::vector<LedgerChains::Entry> FindAll(LedgerChains::Query query) {
    std::vector<LedgerChains::Entry> all;
    do {
      const auto page = chains_.Find(query);
      EXPECT_TRUE(page.ok()) << page.status();
      all.insert(all.end(), page->entries.begin(), page->entries.end());
      query.from = page->next;
    } while (!query.from.empty());
    return all;
  }

  TemporaryFolder folder_;
  std::vector<std::unique_ptr<LedgerLog>> logs_;
  std::vector<std::unique_ptr<LedgerIndex>> indexes_;
  LedgerChains chains_;
};

std::vector<std::string> IdsOf(
    const std::vector<LedgerChains::Entry>& entries) {
  std::vector<std::string> ids;
  EntryFacts facts;
  for (const LedgerChains::Entry& entry : entries) {
    EXPECT_TRUE(ReadEntryFacts(entry.text, &facts).ok());
    ids.push_back(facts.id);
  }
  return ids;
}

TEST_F(LedgerChainsTest, EntriesOfAllChainsAreInTheOrderOfTheirTimes) {
  std::vector<std::string> expected;
  for (int64_t call = 0; call < kCalls; ++call) {
    expected.push_back(DispatchIdOf(call));
    expected.push_back(ExchangeIdOf(call));
  }
  for (const int64_t limit : {7, 100, 1000}) {
    EXPECT_EQ(IdsOf(FindAll({.limit = limit})), expected) << limit;
  }
  std::reverse(expected.begin(), expected.end());
  for (const int64_t limit : {1, 50}) {
    EXPECT_EQ(IdsOf(FindAll({.newest_first = true, .limit = limit})), expected);
  }
}

TEST_F(LedgerChainsTest, FiltersAndChainsSayWhich) {
  const auto exchanges =
      FindAll({.filter = {.event_types = {"EXCHANGE"}}, .limit = 9});
  EXPECT_EQ(exchanges.size(), static_cast<size_t>(kCalls));
  const auto of_one = FindAll({.chain = "2", .limit = 9});
  EXPECT_EQ(of_one.size(), static_cast<size_t>(2 * kCalls / 3));
  int64_t number = 0;
  for (const LedgerChains::Entry& entry : of_one) {
    EXPECT_EQ(entry.chain, "2");
    EXPECT_EQ(entry.number, ++number);
  }
  EXPECT_TRUE(FindAll({.chain = "4"}).empty());
  EXPECT_EQ(chains_.Find({})->indexed_entries, 2 * kCalls);
}

TEST_F(LedgerChainsTest, APositionInAChainThatIsNotThereIsRefused) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(chains_.Find({.from = {{"9", 1}}}).status()));
}

}  // namespace
}  // namespace gateway
