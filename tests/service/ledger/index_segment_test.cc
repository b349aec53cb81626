#include "service/ledger/index_segment.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ten entries of two commits each, whose times are their places in seconds.
class IndexSegmentTest : public testing::Test {
 protected:
  IndexSegmentTest() {
    for (int i = 0; i < 10; ++i) {
      EntryFacts facts;
      facts.id = absl::StrCat("LED-", i);
      facts.event_type = i % 2 == 0 ? "DISPATCH" : "EXCHANGE";
      facts.session_id = i < 6 ? "SES-1" : "SES-2";
      facts.submission_id = i % 3 == 0 ? "PRC-1" : "";
      facts.caller = absl::StrCat("caller-", i % 4);
      facts.time = absl::FromUnixSeconds(i);
      segment_.Add(digester_.Digest(facts), 7 + i / 2);
    }
  }
  std::vector<uint32_t> Find(const LedgerFilter& filter, uint32_t first = 0,
                             uint32_t last = 9) {
    return *FindInSegment(segment_, TermsOf(filter), first, last);
  }

  EntryDigester digester_;
  GrowingSegment segment_{10};
};

TEST_F(IndexSegmentTest, EntriesAreFoundByWhatTheySay) {
  EXPECT_TRUE(segment_.is_full());
  EXPECT_THAT(Find({.id = "LED-4"}), ElementsAre(4));
  EXPECT_THAT(Find({.id = "LED-10"}), IsEmpty());
  EXPECT_THAT(Find({.session_id = "SES-2"}), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(Find({.submission_id = "PRC-1"}), ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(Find({.caller = "caller-1"}), ElementsAre(1, 5, 9));
  EXPECT_THAT(Find({.event_types = {"EXCHANGE", "DISPATCH"}}).size(), 10);
  EXPECT_THAT(Find({.event_types = {"PROMPT_REJECTED"}}), IsEmpty());
}

TEST_F(IndexSegmentTest, AllThatIsAskedForMustBeThere) {
  EXPECT_THAT(Find({.submission_id = "PRC-1", .session_id = "SES-2"}),
              ElementsAre(6, 9));
  EXPECT_THAT(Find({.event_types = {"EXCHANGE"},
                    .session_id = "SES-1",
                    .caller = "caller-1"}),
              ElementsAre(1, 5));
}

TEST_F(IndexSegmentTest, TimesHaveTheirBeginAndNotTheirEnd) {
  const auto at = [](double seconds) {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  };
  EXPECT_THAT(Find({.start_time = at(3), .end_time = at(5)}),
              ElementsAre(3, 4));
  EXPECT_THAT(Find({.start_time = at(3) + absl::Nanoseconds(1),
                    .end_time = at(5) + absl::Nanoseconds(1)}),
              ElementsAre(4, 5));
  EXPECT_THAT(Find({.start_time = at(9.5)}), IsEmpty());
  EXPECT_THAT(Find({.end_time = at(0)}), IsEmpty());
  EXPECT_EQ(Find({.start_time = at(0), .end_time = at(10)}).size(), 10);
}

TEST_F(IndexSegmentTest, OnlyWhatIsWithinThePlacesIsFound) {
  EXPECT_THAT(Find({.session_id = "SES-1"}, 2, 4), ElementsAre(2, 3, 4));
  EXPECT_THAT(Find({.caller = "caller-1"}, 2, 8), ElementsAre(5));
  EXPECT_THAT(Find({}, 8, 9), ElementsAre(8, 9));
  EXPECT_THAT(Find({}, 9, 8), IsEmpty());
}

TEST_F(IndexSegmentTest, TheCommitOfEachEntryIsKnown) {
  EXPECT_EQ(segment_.commits().first_commit, 7);
  for (uint32_t place = 0; place < 10; ++place) {
    EXPECT_EQ(segment_.commits().CommitOf(place), 7 + place / 2);
  }
}

TEST_F(IndexSegmentTest, OneThatIsClearedIsFilledAnew) {
  segment_.Clear();
  EXPECT_EQ(segment_.size(), 0U);
  EntryFacts facts;
  facts.id = "LED-again";
  segment_.Add(digester_.Digest(facts), 40);
  EXPECT_EQ(segment_.commits().CommitOf(0), 40);
  EXPECT_THAT(Find({.id = "LED-again"}, 0, 0), ElementsAre(0));
  EXPECT_THAT(Find({.id = "LED-4"}, 0, 0), IsEmpty());
}

TEST_F(IndexSegmentTest, ATextIsTheSameNumberHoweverOftenItComes) {
  EntryFacts facts;
  facts.caller = "again and again";
  const EntryDigest first = digester_.Digest(facts);
  for (int i = 0; i < 20'000; ++i) {
    facts.caller = absl::StrCat("other-", i);
    EXPECT_NE(digester_.Digest(facts).columns[3], kNoText);
  }
  facts.caller = "again and again";
  EXPECT_EQ(digester_.Digest(facts).columns, first.columns);
  EXPECT_EQ(TermsOf({.caller = "again and again"}).columns[3],
            std::vector<uint32_t>{first.columns[3]});
}

}  // namespace
}  // namespace gateway
