#include "service/ledger/index_pieces.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(IndexPiecesTest, WhatIsWrittenIsRead) {
  const std::vector<uint32_t> column = {1, 0xffffffff, 0, 7, 7};
  EXPECT_EQ(*ColumnOf(PieceOf(absl::MakeConstSpan(column)), 5), column);
  const std::vector<int64_t> times = {std::numeric_limits<int64_t>::min(), 5};
  EXPECT_EQ(*TimesOf(PieceOf(absl::MakeConstSpan(times)), 2), times);
  CommitStarts commits{.first_commit = 7, .starts = {2, 5}};
  const auto read = CommitsOf(PieceOf(commits));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->first_commit, 7);
  EXPECT_EQ(read->starts, commits.starts);
  EXPECT_THAT(CommitsOf(PieceOf(CommitStarts{.first_commit = 1}))->starts,
              IsEmpty());
}

TEST(IndexPiecesTest, PlacesOfATextAreFoundAmongOthers) {
  const std::string piece =
      PieceOf({.texts = {9, 8, 9, 9}, .places = {1, 2, 3, 65535}});
  EXPECT_THAT(*PlacesOf(piece, 9, 65536), ElementsAre(1, 3, 65535));
  EXPECT_THAT(*PlacesOf(piece, 8, 65536), ElementsAre(2));
  EXPECT_THAT(*PlacesOf(piece, 7, 65536), IsEmpty());
  EXPECT_TRUE(absl::IsDataLoss(PlacesOf(piece, 9, 65535).status()))
      << "a place that there is not";
}

TEST(IndexPiecesTest, AnyBitThatIsChangedIsNoticed) {
  const std::vector<uint32_t> column = {1, 2, 3};
  const std::string piece = PieceOf(absl::MakeConstSpan(column));
  for (size_t bit = 0; bit < piece.size() * 8; ++bit) {
    std::string changed = piece;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsDataLoss(ColumnOf(changed, 3).status())) << bit;
  }
  EXPECT_TRUE(absl::IsDataLoss(ColumnOf(piece, 2).status()));
  EXPECT_TRUE(absl::IsDataLoss(ColumnOf(piece.substr(4), 2).status()));
  EXPECT_TRUE(absl::IsDataLoss(ColumnOf("", 0).status()));
}

TEST(IndexPiecesTest, GroupsAreApart) {
  EXPECT_EQ(PostingGroup(0, 255) + 1, PostingGroup(1, 0));
  EXPECT_EQ(PostingGroup(kIndexPostings - 1, 255) + 1, ColumnGroup(0));
  EXPECT_EQ(ColumnGroup(kIndexColumns - 1) + 1, kTimesGroup);
}

}  // namespace
}  // namespace gateway
