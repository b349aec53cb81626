#include "service/store/sqlite_database.h"

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/numbers_database.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class SqliteDatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status opened = numbers_.Open();
    ASSERT_TRUE(opened.ok()) << opened;
  }

  static int PermissionsOf(const std::string& path) {
    struct stat facts;
    EXPECT_EQ(stat(path.c_str(), &facts), 0) << path;
    return static_cast<int>(facts.st_mode & 0777);
  }

  NumbersDatabase numbers_;
  LoopThread loop_;
};

TEST_F(SqliteDatabaseTest, WhatIsToldWasCommitted) {
  EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  EXPECT_EQ(numbers_.Committed(), 1);
  auto insert = [](SqliteConnection& db) -> absl::StatusOr<int64_t> {
    const absl::Status status = InsertNumber(2)(db);
    if (!status.ok()) return status;
    return CountNumbers(db);
  };
  const absl::StatusOr<int64_t> count =
      numbers_.database().WriteBlocking(0, insert);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 2);
  EXPECT_EQ(numbers_.Committed(), 2);
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 2);
}

TEST_F(SqliteDatabaseTest, ACoroutineIsToldOnItsOwnLoop) {
  EventLoop* on_work = &loop_.loop();
  const auto writer = numbers_.Ask(loop_, [&on_work](SqliteConnection& db) {
    on_work = EventLoop::Current();
    return InsertNumber(1)(db);
  });
  ASSERT_TRUE(writer->answered.Wait());
  EXPECT_TRUE(writer->told.ok()) << writer->told;
  EXPECT_EQ(writer->told_on, &loop_.loop());
  EXPECT_EQ(on_work, nullptr);
  EXPECT_EQ(numbers_.Committed(), 1);
}

TEST_F(SqliteDatabaseTest, WhatIsQueuedDuringACommitGoesIntoTheNextTogether) {
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto first = numbers_.Ask(loop_, InsertNumber(1));
  // A reader sees nothing of the first while the second runs.
  const auto second = numbers_.Ask(loop_, [this](SqliteConnection& db) {
    EXPECT_EQ(*CountNumbers(db), 1);
    EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 0);
    return InsertNumber(2)(db);
  });
  EXPECT_EQ(numbers_.Committed(), 0);
  release.Set();
  ASSERT_TRUE(second->answered.Wait());
  ASSERT_TRUE(first->answered.Wait());
  EXPECT_TRUE(first->told.ok()) << first->told;
  EXPECT_TRUE(second->told.ok()) << second->told;
  EXPECT_EQ(numbers_.Committed(), 2);
}

TEST_F(SqliteDatabaseTest, WorkThatFailsIsRolledBackAlone) {
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto before = numbers_.Ask(loop_, InsertNumber(1));
  const auto wrong = numbers_.Ask(loop_, [](SqliteConnection& db) {
    EXPECT_TRUE(InsertNumber(2)(db).ok());
    return absl::AbortedError("changed my mind");
  });
  const auto same = numbers_.Ask(loop_, InsertNumber(1));
  const auto after = numbers_.Ask(loop_, [](SqliteConnection& db) {
    EXPECT_EQ(*CountNumbers(db), 1);
    return InsertNumber(3)(db);
  });
  release.Set();
  ASSERT_TRUE(after->answered.Wait());
  EXPECT_TRUE(before->told.ok()) << before->told;
  EXPECT_EQ(wrong->told, absl::AbortedError("changed my mind"));
  EXPECT_EQ(same->told.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(after->told.ok()) << after->told;
  EXPECT_EQ(numbers_.Committed(), 2);
}

TEST_F(SqliteDatabaseTest, WorkThatEndsTheTransactionFailsAlone) {
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto before = numbers_.Ask(loop_, InsertNumber(1));
  const auto wrong = numbers_.Ask(
      loop_, [](SqliteConnection&) { return absl::AbortedError("no"); });
  const auto ends = numbers_.Ask(loop_, [](SqliteConnection& db) {
    EXPECT_TRUE(InsertNumber(2)(db).ok());
    return db.Execute("ROLLBACK");
  });
  const auto after = numbers_.Ask(loop_, InsertNumber(3));
  release.Set();
  ASSERT_TRUE(after->answered.Wait());
  EXPECT_TRUE(before->told.ok()) << before->told;
  EXPECT_EQ(wrong->told, absl::AbortedError("no"));
  EXPECT_EQ(ends->told.code(), absl::StatusCode::kInternal) << ends->told;
  EXPECT_TRUE(after->told.ok()) << after->told;
  EXPECT_EQ(numbers_.Committed(), 2);
}

TEST_F(SqliteDatabaseTest, IfSoManyEndItNobodyIsToldOfACommit) {
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto before = numbers_.Ask(loop_, InsertNumber(1));
  std::vector<std::shared_ptr<NumberWriter>> others;
  for (int i = 0; i < 20; ++i) {
    others.push_back(numbers_.Ask(
        loop_, [](SqliteConnection& db) { return db.Execute("ROLLBACK"); }));
  }
  release.Set();
  ASSERT_TRUE(before->answered.Wait());
  EXPECT_EQ(before->told.code(), absl::StatusCode::kInternal) << before->told;
  for (const auto& other : others) {
    ASSERT_TRUE(other->answered.Wait());
    EXPECT_EQ(other->told.code(), absl::StatusCode::kInternal) << other->told;
  }
  EXPECT_EQ(numbers_.Committed(), 0);
  // The next transaction is a new one.
  EXPECT_TRUE(numbers_.Write(InsertNumber(3)).ok());
  EXPECT_EQ(numbers_.Committed(), 1);
}

TEST_F(SqliteDatabaseTest, WhoReadsDoesNotWaitForWhoWrites) {
  ASSERT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 1);
  EXPECT_FALSE(held->answered.IsSet());
  release.Set();
  ASSERT_TRUE(held->answered.Wait());
}

TEST_F(SqliteDatabaseTest, AReaderSeesOneStateThroughoutAndCannotChangeIt) {
  auto read = [this](SqliteConnection& db) -> absl::StatusOr<int64_t> {
    EXPECT_EQ(*CountNumbers(db), 0);
    EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
    EXPECT_EQ(InsertNumber(2)(db).code(), absl::StatusCode::kPermissionDenied);
    return CountNumbers(db);
  };
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, read), 0);
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, CountNumbers), 1);
}

TEST_F(SqliteDatabaseTest, RefusesAtOnceWhatHasNoRoomToWait) {
  numbers_.options.queue = {.pieces_limit = 2, .bytes_limit = 10};
  ASSERT_TRUE(numbers_.Open().ok());
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto first = numbers_.Ask(loop_, InsertNumber(1), 6);
  const auto large = numbers_.Ask(loop_, InsertNumber(2), 5);
  ASSERT_TRUE(large->answered.Wait());
  EXPECT_EQ(large->told.code(), absl::StatusCode::kResourceExhausted);
  const auto second = numbers_.Ask(loop_, InsertNumber(3), 4);
  EXPECT_EQ(numbers_.Write(InsertNumber(4)).code(),
            absl::StatusCode::kResourceExhausted);
  release.Set();
  ASSERT_TRUE(second->answered.Wait());
  EXPECT_TRUE(first->told.ok());
  EXPECT_TRUE(second->told.ok());
  EXPECT_EQ(numbers_.Committed(), 2);
}

TEST_F(SqliteDatabaseTest, WorkOfACancelledCallerIsNotBegun) {
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  const auto waiting = numbers_.Ask(loop_, InsertNumber(1));
  const auto other = numbers_.Ask(loop_, InsertNumber(2));
  ASSERT_TRUE(loop_.Run(
      [&] { waiting->cancel.Cancel(absl::CancelledError("hung up")); }));
  ASSERT_TRUE(waiting->answered.Wait());
  EXPECT_EQ(waiting->told, absl::CancelledError("hung up"));
  release.Set();
  ASSERT_TRUE(other->answered.Wait());
  EXPECT_TRUE(other->told.ok());
  EXPECT_EQ(numbers_.Committed(), 1);
}

TEST_F(SqliteDatabaseTest, ACancelledCallerDoesNotWaitForWorkUnderWay) {
  auto loop = std::make_unique<LoopThread>();
  Event release;
  const auto held = numbers_.Hold(*loop, release);
  ASSERT_TRUE(
      loop->Run([&] { held->cancel.Cancel(absl::CancelledError("hung up")); }));
  ASSERT_TRUE(held->answered.Wait());
  EXPECT_EQ(held->told, absl::CancelledError("hung up"));
  // The work outlives the loop of its caller.
  loop.reset();
  release.Set();
  EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
}

TEST_F(SqliteDatabaseTest, AnAlreadyCancelledCallerIsToldSo) {
  std::atomic<bool> begun = false;
  CancelSignal cancel;
  ASSERT_TRUE(loop_.RunTask([&]() -> Task<void> {
    cancel.Cancel(absl::DeadlineExceededError("late"));
    NumberWork work = [&begun](SqliteConnection&) {
      begun = true;
      return absl::OkStatus();
    };
    const absl::Status told =
        co_await numbers_.database().Write(0, std::move(work), cancel);
    EXPECT_EQ(told, absl::DeadlineExceededError("late"));
  }));
  EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  EXPECT_FALSE(begun);
}

TEST_F(SqliteDatabaseTest, DoesWhatIsQueuedWhenItIsClosed) {
  Event release;
  std::vector<std::shared_ptr<NumberWriter>> writers = {
      numbers_.Hold(loop_, release)};
  for (int i = 0; i < 20; ++i) {
    writers.push_back(numbers_.Ask(loop_, InsertNumber(i)));
  }
  release.Set();
  numbers_.database().Close();
  for (const auto& writer : writers) {
    ASSERT_TRUE(writer->answered.Wait());
    EXPECT_TRUE(writer->told.ok()) << writer->told;
  }
  EXPECT_EQ(numbers_.Committed(), 20);
  const absl::Status late = numbers_.Write(InsertNumber(21));
  EXPECT_EQ(late.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(late.message()), HasSubstr(numbers_.path()));
  EXPECT_EQ(numbers_.database().ReadBlocking(0, CountNumbers).status().code(),
            absl::StatusCode::kFailedPrecondition);
  numbers_.database().Close();
}

TEST_F(SqliteDatabaseTest, ManyLoopsWriteAtOnce) {
  constexpr int kEach = 50;
  std::vector<std::unique_ptr<LoopThread>> loops;
  std::vector<std::shared_ptr<NumberWriter>> writers;
  for (int i = 0; i < 4; ++i) loops.push_back(std::make_unique<LoopThread>());
  for (int i = 0; i < kEach; ++i) {
    for (size_t j = 0; j < loops.size(); ++j) {
      const auto number = static_cast<int64_t>(j) * kEach + i;
      writers.push_back(numbers_.Ask(*loops[j], InsertNumber(number)));
    }
  }
  for (const auto& writer : writers) {
    ASSERT_TRUE(writer->answered.Wait());
    EXPECT_TRUE(writer->told.ok()) << writer->told;
  }
  EXPECT_EQ(numbers_.Committed(), 4 * kEach);
}

TEST_F(SqliteDatabaseTest, TwoInOneProcessAreApart) {
  NumbersDatabase other;
  ASSERT_TRUE(other.Open().ok());
  Event release;
  const auto held = numbers_.Hold(loop_, release);
  EXPECT_TRUE(other.Write(InsertNumber(1)).ok());
  EXPECT_TRUE(other.Write(InsertNumber(2)).ok());
  release.Set();
  EXPECT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  EXPECT_EQ(numbers_.Committed(), 1);
  EXPECT_EQ(other.Committed(), 2);
}

TEST_F(SqliteDatabaseTest, ACommitWaitsForTheDiskUnlessToldOtherwise) {
  const auto pragma = [this](SqlText sql) {
    auto read = [sql](SqliteConnection& db) { return db.ReadInt64(sql); };
    return *numbers_.database().WriteBlocking(0, read);
  };
  EXPECT_EQ(pragma("PRAGMA synchronous"), 2);
  auto mode = [](SqliteConnection& db) {
    SqliteStatement statement = db.Prepare("PRAGMA journal_mode");
    EXPECT_TRUE(*statement.Step());
    EXPECT_EQ(statement.Text(0), "wal");
    return absl::OkStatus();
  };
  EXPECT_TRUE(numbers_.database().WriteBlocking(0, mode).ok());
  numbers_.options.sync = SqliteSync::kNormal;
  ASSERT_TRUE(numbers_.Open().ok());
  EXPECT_EQ(pragma("PRAGMA synchronous"), 1);
}

TEST_F(SqliteDatabaseTest, HalfAMebibyteOfTheFileStaysInMemory) {
  auto cache_kibibytes = [](SqliteConnection& db) -> absl::StatusOr<int64_t> {
    return db.ReadInt64("PRAGMA cache_size");
  };
  EXPECT_EQ(*numbers_.database().ReadBlocking(0, cache_kibibytes), -512);
  EXPECT_EQ(*numbers_.database().WriteBlocking(0, cache_kibibytes), -512);
}

TEST_F(SqliteDatabaseTest, ItsFilesAreItsOwnersAlone) {
  ASSERT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    EXPECT_EQ(PermissionsOf(numbers_.path() + suffix), 0600) << suffix;
  }
  numbers_.Close();
  ASSERT_EQ(chmod(numbers_.path().c_str(), 0664), 0);
  ASSERT_TRUE(numbers_.Open().ok());
  ASSERT_TRUE(numbers_.Write(InsertNumber(2)).ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    EXPECT_EQ(PermissionsOf(numbers_.path() + suffix), 0600) << suffix;
  }
}

TEST_F(SqliteDatabaseTest, OnceClosedItIsOneFile) {
  ASSERT_TRUE(numbers_.Write(InsertNumber(1)).ok());
  numbers_.Close();
  struct stat facts;
  EXPECT_NE(stat((numbers_.path() + "-wal").c_str(), &facts), 0);
  EXPECT_NE(stat((numbers_.path() + "-shm").c_str(), &facts), 0);
  EXPECT_EQ(numbers_.Committed(), 1);
}

}  // namespace
}  // namespace gateway
