#include "service/postgres/postgres_record_store.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/postgres/postgres_database.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PostgresDatabase DatabaseAt(const PostgresServer& server,
                            const std::string& schema = "ours") {
  return {.connection = {.conninfo = server.conninfo()},
          .schema = schema,
          .timeout = absl::Seconds(20)};
}

// What has a schema of its own needs no server of its own.
PostgresDatabase NextDatabase() {
  static PostgresServer server;
  static int schemas = 0;
  return DatabaseAt(server, absl::StrCat("schema_", ++schemas));
}

class PostgresStoreHarness : public RecordStoreHarness {
 public:
  explicit PostgresStoreHarness(EventLoop& loop) : loop_(loop) {}

  RecordStore& store() override { return store_; }
  absl::Time Now() override { return SystemClock().WallTime(); }
  void Pass(absl::Duration duration) override {
    loop_.Post([this, duration] { Spawn(Wait(duration)); });
    loop_.Run();
  }

 private:
  Task<void> Wait(absl::Duration duration) {
    CancelSignal never;
    (void)co_await Sleep(loop_, duration, never);
    loop_.Stop();
  }

  EventLoop& loop_;
  PostgresRecordStore store_{NextDatabase()};
};

INSTANTIATE_TEST_SUITE_P(Postgres, RecordStoreConformance,
                         testing::Values([](EventLoop& loop) {
                           return std::make_unique<PostgresStoreHarness>(loop);
                         }));

TEST(PostgresRecordStoreTest, SeveralShareIt) {
  PostgresServer server;
  PostgresRecordStore one(DatabaseAt(server));
  PostgresRecordStore other(DatabaseAt(server));
  CountFromManyLoops(one, 2, 25);
  LoopRunner runner;
  CancelSignal never;
  const auto count = runner.Run(other.Get("numbers", "count", never));
  ASSERT_TRUE(count.ok() && count->has_value()) << count.status();
  EXPECT_EQ((*count)->value, "50");
  const PutOptions first = {.expected_version = 50};
  ASSERT_TRUE(
      runner.Run(other.Put("numbers", "count", "0", first, never)).ok());
  EXPECT_TRUE(absl::IsAborted(
      runner.Run(one.Put("numbers", "count", "1", first, never)).status()));
}

TEST(PostgresRecordStoreTest, ADeadServerIsToldAndNoSecret) {
  PostgresServer server;
  PostgresRecordStore store(DatabaseAt(server));
  LoopRunner runner;
  CancelSignal never;
  const auto put = [&] {
    return runner.Run(store.Put("things", "secret", "value", {}, never))
        .status();
  };
  EXPECT_FALSE(store.fails());
  ASSERT_TRUE(put().ok());
  EXPECT_FALSE(store.fails());
  server.Kill();
  const absl::Status dead = put();
  EXPECT_TRUE(absl::IsUnavailable(dead)) << dead;
  EXPECT_THAT(std::string(dead.message()), Not(HasSubstr("secret")));
  EXPECT_TRUE(store.fails());
  server.Restart();
  ASSERT_TRUE(put().ok());
  EXPECT_FALSE(store.fails());
}

TEST(PostgresRecordStoreTest, ARefusalIsNoFailure) {
  PostgresServer server;
  PostgresRecordStore store(DatabaseAt(server));
  LoopRunner runner;
  CancelSignal never;
  const PutOptions wrong = {.expected_version = 7};
  EXPECT_TRUE(absl::IsAborted(
      runner.Run(store.Put("things", "a", "v", wrong, never)).status()));
  EXPECT_TRUE(absl::IsOutOfRange(
      runner.Run(store.ChangesSince("things", 7, 1, never)).status()));
  EXPECT_FALSE(store.fails());
}

}  // namespace
}  // namespace gateway
