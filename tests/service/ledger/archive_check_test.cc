#include "service/ledger/archive_check.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/hash_text.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class JoinsOfArchives final : public JoinSource {
 public:
  absl::StatusOr<int64_t> LastJoin() const override { return 1; }
  absl::Status ReadJoins(int64_t, VisitJoin visit) const override {
    const std::string text = JoinText(join);
    return visit({.number = 1, .text = text, .hash = HashText(text)});
  }

  LedgerJoin join{.number = 1};
};

// A chain of two pieces, and one of one.
class ArchiveCheckTest : public testing::Test {
 protected:
  ArchiveCheckTest() {
    Write({.chain = "1", .month = "2026-07", .first_entry = 1});
    Write({.chain = "1",
           .month = "2026-08",
           .first_entry = 3,
           .hash_before = pieces_[0].last_hash});
    Write({.chain = "2", .month = "2026-08", .first_entry = 1});
  }

  void Write(ArchivedPiece piece) {
    std::string hash = piece.hash_before;
    auto writer = *ArchiveWriter::Begin(folder_.path(), std::move(piece));
    std::string texts;
    DispatchOf(1).AppendChained(&hash, &texts);
    texts.push_back('\n');
    ExchangeOf(1).AppendChained(&hash, &texts);
    texts.push_back('\n');
    EXPECT_TRUE(writer->Add({.number = 1, .texts = texts}).ok());
    pieces_.push_back(*writer->Finish([] {}));
  }
  ArchivesChecked Check() {
    const auto checked = CheckArchives(folder_.path(), pieces_, &joins_);
    EXPECT_TRUE(checked.ok()) << checked.status();
    return *checked;
  }

  TemporaryFolder folder_;
  std::vector<ArchivedPiece> pieces_;
  JoinsOfArchives joins_;
};

TEST_F(ArchiveCheckTest, WhatIsWellIsCounted) {
  joins_.join.heads = {
      {"1", {.commits = 1, .entries = 2, .hash = pieces_[0].last_hash}},
      {"1", {.commits = 9, .entries = 9, .hash = "of what is not archived"}},
      {"3", {.commits = 1, .entries = 1, .hash = "of another chain"}}};
  const ArchivesChecked checked = Check();
  EXPECT_EQ(checked.fault, "");
  EXPECT_EQ(checked.files, 3);
  EXPECT_EQ(checked.entries, 6);
}

TEST_F(ArchiveCheckTest, WhatAJoinHasSeenIsCompared) {
  joins_.join.heads = {
      {"2", {.commits = 1, .entries = 2, .hash = std::string(64, 'a')}}};
  const ArchivesChecked checked = Check();
  EXPECT_EQ(checked.chain, "2");
  EXPECT_THAT(checked.fault, HasSubstr(pieces_[2].file + ": line 2"));
  EXPECT_THAT(checked.fault, HasSubstr("what a join has seen"));
}

TEST_F(ArchiveCheckTest, PiecesFollowEachOther) {
  const std::vector<ArchivedPiece> whole = pieces_;
  pieces_.erase(pieces_.begin());
  EXPECT_THAT(Check().fault, HasSubstr("begin with the entry 3"));
  pieces_ = whole;
  pieces_[1].hash_before = std::string(64, 'a');
  EXPECT_THAT(Check().fault, HasSubstr(whole[1].file));
}

}  // namespace
}  // namespace gateway
