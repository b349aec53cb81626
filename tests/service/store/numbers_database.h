// NumbersDatabase is an SqliteDatabase with a table of numbers, `t (k, v)`, and
// a connection beside it that sees what is committed.
//
//   NumbersDatabase numbers;
//   ASSERT_TRUE(numbers.Open().ok());
//   numbers.database().WriteBlocking(0, InsertNumber(1));
//   EXPECT_EQ(numbers.Committed(), 1);
//
// Thread-compatible.

#ifndef TESTS_SERVICE_STORE_NUMBERS_DATABASE_H_
#define TESTS_SERVICE_STORE_NUMBERS_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "service/store/sqlite_connection.h"
#include "service/store/sqlite_database.h"
#include "service/store/sqlite_schema.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

using NumberWork = std::function<absl::Status(SqliteConnection&)>;

inline SqliteSchema NumbersSchema() {
  return {.contents = "numbers",
          .application_id = 0x6e756d73,
          .migrations = {"CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)"}};
}

inline NumberWork InsertNumber(int64_t k, std::string value = "") {
  return [k, value = std::move(value)](SqliteConnection& db) {
    return db.Prepare("INSERT INTO t (k, v) VALUES (?, ?)")
        .BindInt64(k)
        .BindBlob(value)
        .Run();
  };
}

inline absl::StatusOr<int64_t> CountNumbers(SqliteConnection& db) {
  return db.ReadInt64("SELECT count(*) FROM t");
}

// One who waits on a loop, and what he was told.
struct NumberWriter {
  CancelSignal cancel;
  absl::Status told = absl::UnknownError("nothing yet");
  EventLoop* told_on = nullptr;
  Event answered;
};

class NumbersDatabase {
 public:
  NumbersDatabase() {
    options.path = folder_.Path("numbers.db");
    options.schema = NumbersSchema();
    options.busy_timeout = absl::Milliseconds(50);
  }

  absl::Status Open() {
    database_.reset();
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database =
        SqliteDatabase::Open(options);
    if (!database.ok()) return database.status();
    database_ = *std::move(database);
    return absl::OkStatus();
  }
  void Close() { database_.reset(); }

  SqliteDatabase& database() { return *database_; }
  const std::string& path() const { return options.path; }

  absl::Status Write(NumberWork work) {
    return database_->WriteBlocking(0, std::move(work));
  }

  // Asks on `loop`, and returns once it is queued.
  std::shared_ptr<NumberWriter> Ask(LoopThread& loop, NumberWork work,
                                    size_t bytes = 0) {
    auto writer = std::make_shared<NumberWriter>();
    EXPECT_TRUE(loop.Run([this, &work, &writer, bytes] {
      Spawn(Await(*database_, bytes, work, writer));
    }));
    return writer;
  }

  // Work that goes on until `release`, and has begun when this returns.
  std::shared_ptr<NumberWriter> Hold(LoopThread& loop, Event& release,
                                     absl::Status status = absl::OkStatus()) {
    const auto begun = std::make_shared<Event>();
    auto writer = Ask(loop, [begun, &release, status](SqliteConnection&) {
      begun->Set();
      EXPECT_TRUE(release.Wait());
      return status;
    });
    EXPECT_TRUE(begun->Wait());
    return writer;
  }

  // As another process sees it.
  std::unique_ptr<SqliteConnection> ConnectBeside() const {
    return *SqliteConnection::Open(path(), SqliteConnection::Access::kReadWrite,
                                   absl::Milliseconds(50));
  }
  int64_t Committed() const { return *CountNumbers(*ConnectBeside()); }

  SqliteDatabase::Options options;

 private:
  static Task<void> Await(SqliteDatabase& database, size_t bytes,
                          NumberWork work,
                          std::shared_ptr<NumberWriter> writer) {
    writer->told =
        co_await database.Write(bytes, std::move(work), writer->cancel);
    writer->told_on = EventLoop::Current();
    writer->answered.Set();
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_STORE_NUMBERS_DATABASE_H_
