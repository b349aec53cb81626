#include "service/store/sqlite_work.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NamedWork : public SqliteWork {
 public:
  bool abandoned() override { return false; }
  absl::Status Run(SqliteConnection&) override { return absl::OkStatus(); }
  void Tell(const absl::Status&) override {}
};

class SqliteWorkQueueTest : public testing::Test {
 protected:
  absl::Status Add(size_t bytes) {
    works_.push_back(std::make_shared<NamedWork>());
    return queue_.Add(bytes, works_.back());
  }

  SqliteWorkQueue queue_{"it.db", {.pieces_limit = 3, .bytes_limit = 100}};
  std::vector<std::shared_ptr<SqliteWork>> works_;
};

TEST_F(SqliteWorkQueueTest, GivesTheWorkInItsOrder) {
  ASSERT_TRUE(Add(1).ok());
  ASSERT_TRUE(Add(1).ok());
  ASSERT_TRUE(Add(1).ok());
  EXPECT_EQ(queue_.TakeOne(), works_[0]);
  EXPECT_THAT(queue_.TakeAll(), testing::ElementsAre(works_[1], works_[2]));
}

TEST_F(SqliteWorkQueueTest, HoldsSoManyPieces) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add(0).ok());
  const absl::Status full = Add(0);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()),
              HasSubstr("it.db: 3 pieces of work with 0 bytes wait"));
  queue_.TakeOne();
  EXPECT_TRUE(Add(0).ok());
  EXPECT_FALSE(Add(0).ok());
  queue_.TakeAll();
  EXPECT_TRUE(Add(0).ok());
}

TEST_F(SqliteWorkQueueTest, HoldsSoManyBytes) {
  ASSERT_TRUE(Add(60).ok());
  EXPECT_EQ(Add(41).code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(Add(40).ok());
  queue_.TakeOne();
  EXPECT_FALSE(Add(61).ok());
  ASSERT_TRUE(Add(60).ok());
  queue_.TakeAll();
  EXPECT_TRUE(Add(100).ok());
}

TEST_F(SqliteWorkQueueTest, TakesOneThatIsLargerThanAllMayBeIfItIsAlone) {
  EXPECT_TRUE(Add(101).ok());
  EXPECT_FALSE(Add(1).ok());
  queue_.TakeOne();
  ASSERT_TRUE(Add(1).ok());
  EXPECT_FALSE(Add(100).ok());
}

TEST_F(SqliteWorkQueueTest, OnceClosedItGivesWhatItHasAndTakesNothing) {
  ASSERT_TRUE(Add(1).ok());
  queue_.Close();
  EXPECT_EQ(Add(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(queue_.TakeOne(), works_[0]);
  EXPECT_EQ(queue_.TakeOne(), nullptr);
  EXPECT_THAT(queue_.TakeAll(), IsEmpty());
}

TEST_F(SqliteWorkQueueTest, WhoWaitsIsWokenByWorkAndByTheEnd) {
  std::vector<size_t> taken;
  Thread thread("taker", [&] {
    while (true) {
      taken.push_back(queue_.TakeAll().size());
      if (taken.back() == 0) return;
    }
  });
  for (int i = 0; i < 50; ++i) {
    while (!Add(30).ok()) {
    }
  }
  queue_.Close();
  thread.Join();
  size_t sum = 0;
  for (const size_t each : taken) sum += each;
  EXPECT_EQ(sum, 50u);
}

}  // namespace
}  // namespace gateway
