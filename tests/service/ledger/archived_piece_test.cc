#include "service/ledger/archived_piece.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

ArchivedPiece PieceOfAugust() {
  ArchivedPiece piece = {.chain = "3",
                         .month = "2026-08",
                         .first_commit = 5,
                         .last_commit = 9,
                         .first_entry = 11,
                         .last_entry = 30,
                         .hash_before = std::string(64, 'a'),
                         .last_hash = std::string(64, 'b'),
                         .merkle_root = std::string(64, 'c'),
                         .file_bytes = 4711,
                         .file_sha256 = std::string(64, 'd')};
  piece.file = piece.FileName();
  return piece;
}

TEST(ArchivedPieceTest, NamesSayWhatIsInThere) {
  const ArchivedPiece piece = PieceOfAugust();
  EXPECT_EQ(piece.file, "chain-3.2026-08.11-30.jsonl");
  EXPECT_EQ(piece.ManifestName(), "chain-3.2026-08.11-30.manifest.json");
  EXPECT_EQ(piece.entries(), 20);
}

TEST(ArchivedPieceTest, AManifestIsReadAsItWasWritten) {
  const ArchivedPiece piece = PieceOfAugust();
  const auto read = ReadManifest(ManifestText(piece));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(DifferenceOf(*read, piece), "");
  EXPECT_THAT(ManifestText(piece), HasSubstr("\"count\": 20"));
}

TEST(ArchivedPieceTest, EachDifferenceIsNamed) {
  const ArchivedPiece piece = PieceOfAugust();
  ArchivedPiece said = piece;
  said.last_hash = "x";
  EXPECT_EQ(
      DifferenceOf(said, piece),
      "last_hash is \"x\", and was recorded as \"" + piece.last_hash + "\"");
  said = piece;
  said.last_commit = 10;
  EXPECT_EQ(DifferenceOf(said, piece),
            "last_commit is 10, and was recorded as 9");
}

TEST(ArchivedPieceTest, WhatIsNoManifestIsRefused) {
  std::string text = ManifestText(PieceOfAugust());
  text.replace(text.find("\"count\": 20"), 11, "\"count\": 21");
  for (const std::string& each :
       {text, std::string("{}"), std::string("[]"),
        std::string("{\"chain\": 3}"), std::string()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadManifest(each).status())) << each;
  }
}

}  // namespace
}  // namespace gateway
