#include "service/summary/summary_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/store/sqlite_database.h"
#include "service/summary/summary_query.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

class SummaryFileTest : public testing::Test {
 protected:
  SummaryHistory EmptyHistory() const {
    return SummaryHistory({.hours = 168}, since_);
  }
  std::unique_ptr<SummaryFile> Open(SummaryHistory* history) const {
    absl::StatusOr<std::unique_ptr<SummaryFile>> file =
        SummaryFile::Open(path_, since_, history);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  // What another process would find.
  SummaryHistory Reread() const {
    SummaryHistory history = EmptyHistory();
    Open(&history);
    return history;
  }

  // How many files were.
  int PutAside() const {
    int damaged = 0;
    for (const auto& each :
         std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = each.path().filename();
      const bool is_part = name.ends_with("-wal") || name.ends_with("-shm");
      if (name.starts_with("summary.db.damaged-") && !is_part) ++damaged;
    }
    return damaged;
  }

  const absl::Time since_ = BeginOfHour(kNow);
  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("summary.db");
};

TEST_F(SummaryFileTest, WhatIsWrittenIsReadAsItWas) {
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  CallTotals totals;
  for (size_t i = 0; i < kFigures; ++i) {
    totals.Add(static_cast<Figure>(i), static_cast<int64_t>(i) + 1);
  }
  const CallGroup group = {.agent_type = "a'\"",
                           .provider = "p",
                           .model = "m",
                           .project_id = "j",
                           .caller = "c",
                           .caller_has_key = true};
  history.Add(kNow, group, totals);
  history.Add(kEarlierHours, {}, Costs(4));
  history.AddCapabilities(kNow, {1, 0, 3});
  ASSERT_TRUE(file->Write(history.TakeChanges()).ok());

  const SummaryHistory read = Reread();
  const SummaryAnswer answer = SumCalls(read, {.begin = kNow,
                                               .filter = {.agent_type = "a'\"",
                                                          .provider = "p",
                                                          .model = "m",
                                                          .project_id = "j",
                                                          .key = "c",
                                                          .caller = "c"}});
  EXPECT_EQ(answer.totals, totals);
  EXPECT_EQ(SumCalls(read, {.end = kNow}).totals, Costs(4));
  EXPECT_EQ(read.CapabilitiesOf(kNow, kNow + 1)[0], 1);
  EXPECT_EQ(read.CapabilitiesOf(kNow, kNow + 1)[2], 3);
}

TEST_F(SummaryFileTest, AWriteMayBeRepeated) {
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  history.Add(kNow, {}, Costs(4));
  const SummaryChanges changes = history.TakeChanges();
  ASSERT_TRUE(file->Write(changes).ok());
  ASSERT_TRUE(file->Write(changes).ok());
  EXPECT_EQ(SumCalls(Reread(), {}).totals, Costs(4));
}

TEST_F(SummaryFileTest, WhatHasExpiredIsThereOnce) {
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  history.Add(kNow, {}, Costs(4));
  history.AddCapabilities(kNow, {1});
  ASSERT_TRUE(file->Write(history.TakeChanges()).ok());
  history.Expire(kNow + 1000);
  ASSERT_TRUE(file->Write(history.TakeChanges()).ok());
  const SummaryHistory read = Reread();
  EXPECT_EQ(SumCalls(read, {}).totals, Costs(4));
  EXPECT_TRUE(SumCalls(read, {.begin = kNow}).totals.IsZero());
  EXPECT_EQ(read.CapabilitiesOf(kEarlierHours, kNow + 1)[0], 1);
}

TEST_F(SummaryFileTest, ToReplaceAllLeavesNothingOfBefore) {
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  history.Add(kNow, {}, Costs(4));
  history.AddCapabilities(kNow, {1});
  ASSERT_TRUE(file->Write(history.TakeChanges()).ok());
  SummaryHistory another({}, since_ + absl::Minutes(5));
  another.ReplaceAll();
  ASSERT_TRUE(file->Write(another.TakeChanges()).ok());
  const SummaryHistory read = Reread();
  EXPECT_TRUE(SumCalls(read, {}).totals.IsZero());
  EXPECT_EQ(read.CapabilitiesOf(kNow, kNow + 1)[0], 0);
  EXPECT_EQ(read.since(), since_ + absl::Minutes(5));
}

TEST_F(SummaryFileTest, TheFirstStartSaysSinceWhen) {
  SummaryHistory first = EmptyHistory();
  Open(&first);
  SummaryHistory later({}, since_ + absl::Hours(7));
  Open(&later);
  EXPECT_EQ(later.since(), since_);
}

TEST_F(SummaryFileTest, ADamagedFileIsPutAside) {
  {
    std::ofstream damaged(path_);
    damaged << std::string(8192, 'x');
  }
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  ASSERT_NE(file, nullptr);
  history.Add(kNow, {}, Costs(4));
  EXPECT_TRUE(file->Write(history.TakeChanges()).ok());
  EXPECT_EQ(PutAside(), 1);
}

TEST_F(SummaryFileTest, ANameThatWasAlteredIsADamage) {
  for (const char* const name : {"succeeded", "capability", "since_us",
                                 "id = 1"}) {
    SCOPED_TRACE(name);
    for (const auto& each :
         std::filesystem::directory_iterator(folder_.path())) {
      std::filesystem::remove(each.path());
    }
    {
      SummaryHistory history = EmptyHistory();
      history.Add(kNow, {}, Costs(4));
      ASSERT_TRUE(Open(&history)->Write(history.TakeChanges()).ok());
    }
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const size_t at = bytes.find(name);
    ASSERT_NE(at, std::string::npos);
    const size_t last = at + std::string(name).size() - 1;
    file.seekp(static_cast<std::streamoff>(last));
    file.put(static_cast<char>(bytes[last] ^ 2));
    file.close();
    SummaryHistory history = EmptyHistory();
    EXPECT_NE(Open(&history), nullptr);
    SummaryHistory expected = EmptyHistory();
    EXPECT_EQ(SumCalls(history, {}).totals, SumCalls(expected, {}).totals);
    EXPECT_EQ(PutAside(), 1);
  }
}

TEST_F(SummaryFileTest, AnotherProgramsFileIsNotTouched) {
  const absl::StatusOr<std::unique_ptr<SqliteDatabase>> other =
      SqliteDatabase::Open({.path = path_,
                            .schema = {.contents = "something else",
                                       .application_id = 77,
                                       .migrations = {"CREATE TABLE t (a)"}}});
  ASSERT_TRUE(other.ok());
  (*other)->Close();
  SummaryHistory history = EmptyHistory();
  EXPECT_TRUE(absl::IsFailedPrecondition(
      SummaryFile::Open(path_, since_, &history).status()));
}

TEST_F(SummaryFileTest, AFileThatWasTakenAwaySaysSo) {
  SummaryHistory history = EmptyHistory();
  const std::unique_ptr<SummaryFile> file = Open(&history);
  std::filesystem::remove(path_);
  history.Add(kNow, {}, Costs(4));
  EXPECT_FALSE(file->Write(history.TakeChanges()).ok());
}

}  // namespace
}  // namespace gateway
