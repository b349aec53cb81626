#include "service/ledger/checkpoint_checksum.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

LedgerCheckpoint AnyCheckpoint() {
  return {.end = {.commits = 7, .entries = 12, .hash = "abc"},
          .open_dispatches = "open",
          .state = "spent"};
}

TEST(CheckpointChecksumTest, WhatHasItsChecksumIsAsItWas) {
  const LedgerCheckpoint opened =
      WholeOrNone("x", WithChecksum(AnyCheckpoint()));
  EXPECT_EQ(opened.end, AnyCheckpoint().end);
  EXPECT_EQ(opened.open_dispatches, "open");
  EXPECT_EQ(opened.state, "spent");
}

TEST(CheckpointChecksumTest, AnEmptyStateIsOneToo) {
  LedgerCheckpoint empty = AnyCheckpoint();
  empty.state.clear();
  EXPECT_EQ(WholeOrNone("x", WithChecksum(empty)).end.commits, 7);
}

TEST(CheckpointChecksumTest, WhatWasChangedIsNotBelieved) {
  const auto is_believed = [](auto change) {
    LedgerCheckpoint changed = WithChecksum(AnyCheckpoint());
    change(changed);
    return WholeOrNone("x", changed).end.commits != 0;
  };
  EXPECT_TRUE(is_believed([](LedgerCheckpoint&) {}));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { c.state.clear(); }));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { c.state[0] ^= 1; }));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { c.state += "x"; }));
  EXPECT_FALSE(
      is_believed([](LedgerCheckpoint& c) { c.open_dispatches = ""; }));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { ++c.end.commits; }));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { --c.end.entries; }));
  EXPECT_FALSE(is_believed([](LedgerCheckpoint& c) { c.end.hash = "abd"; }));
}

// Of a version that knew none.
TEST(CheckpointChecksumTest, WhatNeverHadOneIsNotBelieved) {
  EXPECT_EQ(WholeOrNone("x", AnyCheckpoint()).end, LedgerEnd());
}

}  // namespace
}  // namespace gateway
