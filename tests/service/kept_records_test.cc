#include "service/kept_records.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/identity/issued_key.h"
#include "service/sessions/session_store.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::HasSubstr;

class KeptRecordsTest : public testing::Test {
 protected:
  KeptRecordsTest() {
    folder_ = testing::TempDir() + "/kept.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    config_.mutable_auth()
        ->mutable_callers()
        ->mutable_issued_keys()
        ->set_keys_limit(10);
  }

  absl::Status Open(KeptRecords& kept) {
    return kept.Open(config_, folder_ + "/gateway.yaml");
  }
  // Issues a key.
  void Issue(KeptRecords& kept) {
    llmgateway::kept::IssuedKeyRecord record;
    record.mutable_key()->set_id(key_.id);
    record.mutable_key()->set_state(llmgateway::v1::Key::STATE_ACTIVE);
    record.set_secret_sha256(
        std::string(key_.digest.begin(), key_.digest.end()));
    LoopRunner runner;
    CancelSignal never;
    ASSERT_TRUE(runner.Run(kept.issued_keys()->Put(record, 0, never)).ok());
  }
  bool Opens(const KeptRecords& kept) {
    return kept.key_registry().Find(key_.text.Reveal()).ok();
  }

  std::string folder_;
  GatewayConfig config_;
  NewIssuedKey key_ = MakeIssuedKey(SecureRandom());
};

TEST_F(KeptRecordsTest, NothingIsOpenedWhereNothingIsToBeKept) {
  config_.mutable_auth()->mutable_callers()->clear_issued_keys();
  config_.mutable_store()->set_file("kept.db");
  KeptRecords kept(SystemClock());
  ASSERT_TRUE(Open(kept).ok());
  EXPECT_EQ(kept.issued_keys(), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/kept.db"));
  EXPECT_EQ(kept.key_registry().size(), 0u);
  kept.Stop();
}

TEST_F(KeptRecordsTest, KeysInAFileOutlastTheProcess) {
  config_.mutable_store()->set_file("kept.db");
  {
    KeptRecords kept(SystemClock());
    ASSERT_TRUE(Open(kept).ok());
    Issue(kept);
    EXPECT_TRUE(Opens(kept));
  }
  KeptRecords again(SystemClock());
  ASSERT_TRUE(Open(again).ok());
  EXPECT_TRUE(Opens(again));
  struct stat file;
  ASSERT_EQ(stat((folder_ + "/kept.db").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(KeptRecordsTest, KeysInMemoryDoNot) {
  {
    KeptRecords kept(SystemClock());
    ASSERT_TRUE(Open(kept).ok());
    Issue(kept);
    EXPECT_TRUE(Opens(kept));
  }
  KeptRecords again(SystemClock());
  ASSERT_TRUE(Open(again).ok());
  EXPECT_FALSE(Opens(again));
}

TEST_F(KeptRecordsTest, AStoreThatCannotBeOpenedIsToldByItsField) {
  config_.mutable_store()->set_file("no/such/folder/kept.db");
  KeptRecords kept(SystemClock());
  EXPECT_THAT(std::string(Open(kept).message()), HasSubstr("store.file: "));
  config_.mutable_store()->clear_file();
  config_.mutable_runtime()->set_state_dir("gone");
  EXPECT_THAT(std::string(Open(kept).message()),
              HasSubstr("runtime.state_dir: "));
}

TEST_F(KeptRecordsTest, FollowsUntilItIsStopped) {
  KeptRecords kept(SystemClock());
  ASSERT_TRUE(Open(kept).ok());
  LoopThread thread;
  kept.Follow(thread.loop());
  kept.Stop();
  kept.Stop();
}

TEST_F(KeptRecordsTest, SessionsAreKeptWhereKeysAre) {
  config_.mutable_auth()->mutable_callers()->clear_issued_keys();
  config_.mutable_store()->set_file("kept.db");
  auto& sessions = *config_.mutable_sessions();
  sessions.mutable_ttl()->set_seconds(3600);
  sessions.set_sessions_limit(2);
  sessions.set_messages_limit(10);
  sessions.set_session_bytes_limit(1 << 20);
  sessions.set_size_bytes_limit(1 << 20);
  const SessionLimits limits = SessionLimits::Of(sessions);
  LoopRunner runner;
  CancelSignal never;
  const llmgateway::v1::CreateSessionRequest request;
  std::string id;
  {
    KeptRecords kept(SystemClock());
    ASSERT_TRUE(Open(kept).ok());
    EXPECT_EQ(kept.issued_keys(), nullptr);
    ASSERT_NE(kept.sessions(), nullptr);
    id = runner.Run(kept.sessions()->Create(limits, "a", request, never))->id();
  }
  KeptRecords again(SystemClock());
  ASSERT_TRUE(Open(again).ok());
  EXPECT_TRUE(runner.Run(again.sessions()->Get("a", id, never)).ok());
}

TEST_F(KeptRecordsTest, SessionsInMemoryHaveRoomOfTheirOwn) {
  auto& sessions = *config_.mutable_sessions();
  sessions.mutable_ttl()->set_seconds(3600);
  sessions.set_sessions_limit(1000);
  sessions.set_messages_limit(10);
  sessions.set_session_bytes_limit(1 << 20);
  sessions.set_size_bytes_limit(64 << 10);
  const SessionLimits limits = SessionLimits::Of(sessions);
  KeptRecords kept(SystemClock());
  ASSERT_TRUE(Open(kept).ok());
  LoopRunner runner;
  CancelSignal never;
  llmgateway::v1::CreateSessionRequest request;
  (*request.mutable_context()->mutable_fields())["x"].set_string_value(
      std::string(40'000, 'x'));
  EXPECT_TRUE(
      runner.Run(kept.sessions()->Create(limits, "a", request, never)).ok());
  EXPECT_FALSE(
      runner.Run(kept.sessions()->Create(limits, "a", request, never)).ok());
  Issue(kept);
}

}  // namespace
}  // namespace gateway
