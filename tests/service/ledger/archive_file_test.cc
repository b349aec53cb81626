#include "service/ledger/archive_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/hash_text.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class ArchiveFileTest : public testing::Test {
 protected:
  // A commit of two entries behind that hash, which becomes theirs.
  std::string TextsOf(int64_t call, std::string* hash) {
    std::string texts;
    DispatchOf(call).AppendChained(hash, &texts);
    texts.push_back('\n');
    ExchangeOf(call).AppendChained(hash, &texts);
    texts.push_back('\n');
    return texts;
  }
  // A piece of so many commits, behind that entry.
  ArchivedPiece Write(int64_t commits, int64_t first_entry = 1,
                      std::string hash = "") {
    auto writer =
        ArchiveWriter::Begin(folder_.path(), {.chain = "1",
                                              .month = "2026-08",
                                              .first_commit = 1,
                                              .first_entry = first_entry,
                                              .hash_before = hash});
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (int64_t number = 1; number <= commits; ++number) {
      const std::string texts = TextsOf(number, &hash);
      const absl::Status added =
          (*writer)->Add({.number = number, .texts = texts});
      EXPECT_TRUE(added.ok()) << added;
    }
    bool has_file = false;
    const auto piece = (*writer)->Finish([&] { has_file = true; });
    EXPECT_TRUE(piece.ok()) << piece.status();
    EXPECT_TRUE(has_file);
    EXPECT_EQ(piece->last_hash, hash);
    return *piece;
  }
  std::string FaultOf(const ArchivedPiece& piece,
                      const std::map<int64_t, std::string>& joined = {}) {
    const auto fault = FaultOfPiece(folder_.path(), piece, joined);
    EXPECT_TRUE(fault.ok()) << fault.status();
    return *fault;
  }

  TemporaryFolder folder_;
};

TEST_F(ArchiveFileTest, ASha256OfPiecesIsThatOfTheWhole) {
  RunningSha256 sha256;
  sha256.Add("a");
  sha256.Add("");
  sha256.Add("bc");
  EXPECT_EQ(sha256.Finish(), HashText("abc"));
}

TEST_F(ArchiveFileTest, WhatWasWrittenIsWell) {
  const ArchivedPiece piece = Write(40);
  EXPECT_EQ(piece.last_entry, 80);
  EXPECT_EQ(FaultOf(piece), "");
  EXPECT_EQ(FaultOf(piece, {{80, piece.last_hash}, {81, "x"}}), "");
  EXPECT_THAT(FaultOf(piece, {{7, std::string(64, 'a')}}),
              HasSubstr("line 7, the entry 7, " + DispatchIdOf(4) +
                        " is not what a join has seen"));
  // Its owner's alone, and no draft is left.
  int files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(each.status().permissions(),
              std::filesystem::perms::owner_read |
                  std::filesystem::perms::owner_write)
        << each.path();
    ++files;
  }
  EXPECT_EQ(files, 2);
}

TEST_F(ArchiveFileTest, PiecesAreFoundInTheirOrder) {
  const ArchivedPiece first = Write(2);
  const ArchivedPiece second = Write(3, 5, first.last_hash);
  std::ofstream(folder_.Path("notes.txt")) << "of somebody";
  const auto pieces = PiecesIn(folder_.path());
  ASSERT_TRUE(pieces.ok()) << pieces.status();
  ASSERT_EQ(pieces->size(), 2U);
  EXPECT_EQ((*pieces)[0].file, first.file);
  EXPECT_EQ((*pieces)[1].file, second.file);
  std::vector<int64_t> numbers;
  ASSERT_TRUE(
      VisitPiece(folder_.path(), second, [&](int64_t number, std::string_view) {
        numbers.push_back(number);
      }).ok());
  EXPECT_THAT(numbers, testing::ElementsAre(5, 6, 7, 8, 9, 10));
  std::ofstream(folder_.Path("x.manifest.json")) << "{";
  EXPECT_THAT(std::string(PiecesIn(folder_.path()).status().message()),
              HasSubstr("x.manifest.json: is no manifest"));
  EXPECT_TRUE(absl::IsNotFound(PiecesIn("/none").status()));
}

TEST_F(ArchiveFileTest, WhatIsNotWhatWasWrittenIsNotArchived) {
  auto writer = *ArchiveWriter::Begin(
      folder_.path(),
      {.chain = "1", .month = "2026-08", .first_commit = 1, .first_entry = 1});
  std::string hash;
  std::string texts = TextsOf(1, &hash);
  texts.replace(texts.find("agent-1"), 7, "agent-2");
  const absl::Status added = writer->Add({.number = 1, .texts = texts});
  EXPECT_TRUE(absl::IsDataLoss(added)) << added;
  EXPECT_THAT(std::string(added.message()),
              HasSubstr("chain 1: the entry 1, " + DispatchIdOf(1)));
  writer.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_FALSE(ArchiveWriter::Begin("/none", {.chain = "1"}).ok());
}

}  // namespace
}  // namespace gateway
