#include "service/pipeline/shared_calls.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/cache/key_claims.h"
#include "service/config/config_reader.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/service/pipeline/planned_call.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// What runs is shown over sockets, in tests/integration/shared_calls_test.py.
class SharedCallsTest : public testing::Test {
 public:
  static std::string With(std::string_view more) {
    return "providers: [{name: mock, mock: {replies: [first, second, "
           "third]}}]\n"
           "routing: {default_target: mock}\n"
           "resilience: {retry: {attempts_limit: 1}}\n" +
           std::string(more);
  }

  static CallQuestion Keyed(std::string key, std::string text = "Hello") {
    CallQuestion question;
    question.request.set_model("m");
    question.request.set_idempotency_key(key);
    v1::Message& message = *question.request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text(text);
    return question;
  }
};

TEST_F(SharedCallsTest, AKeyRunsOnceForItsRequest) {
  CallRunner runner(MakeTestRuntime(With("idempotency: {}\n")));
  EXPECT_EQ(runner.Run(Keyed("k")).Text(), "first");
  const CallResult again = runner.Run(Keyed("k"));
  EXPECT_TRUE(again.status.ok());
  EXPECT_EQ(again.Text(), "first");
  EXPECT_TRUE(again.attempts.empty());
  EXPECT_EQ(again.record().answer_of, "req-test-1");
  EXPECT_EQ(FaultReason(runner.Run(Keyed("k", "Bye")).status),
            v1::ERROR_REASON_IDEMPOTENCY_MISMATCH);
  EXPECT_EQ(runner.Run(Keyed("k-2", "Bye")).Text(), "second");
  EXPECT_EQ(runner.Run(Keyed("")).Text(), "third");
}

TEST_F(SharedCallsTest, AKeyThatCannotBeServedIsRefused) {
  CallRunner runner(MakeTestRuntime(With("")));
  const CallResult refused = runner.Run(Keyed("k"));
  EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_EQ(FaultMetadata(refused.status, "field"), "idempotency");
  EXPECT_TRUE(refused.attempts.empty());
  runner.SetRuntime(MakeTestRuntime(With("idempotency: {}\n")));
  CallQuestion count = Keyed("k");
  count.counts = true;
  EXPECT_EQ(FaultReason(runner.Run(count).status),
            v1::ERROR_REASON_UNIMPLEMENTED);
  EXPECT_EQ(FaultReason(runner.Run(Keyed("\n")).status),
            v1::ERROR_REASON_INVALID_REQUEST);
}

// What is there while Redis is, tests/integration/shared_idempotency_test.py
// shows.
TEST_F(SharedCallsTest, AKeyThatReplicasShareIsRefusedWithoutRedis) {
  KeyClaims claims({}, [] { return nullptr; });
  Ports ports;
  ports.key_claims = &claims;
  CallRunner runner(MakeTestRuntime(
      With("idempotency: {shared: true}\nredis: {addresses: ['a:1']}\n"), {},
      ports));
  const CallResult refused = runner.Run(Keyed("k"));
  EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_TRUE(RetryDelay(refused.status));
  EXPECT_TRUE(refused.attempts.empty());
  EXPECT_EQ(FaultReason(runner.Run(Keyed("\n")).status),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(runner.Run(Keyed("")).Text(), "first");
}

TEST_F(SharedCallsTest, AKeyOutlastsAnotherConfiguration) {
  const auto first = MakeTestRuntime(With("idempotency: {}\n"));
  CallRunner runner(first);
  EXPECT_EQ(runner.Run(Keyed("k")).Text(), "first");
  const ConfigReading reading =
      ReadConfigText(AllProviderKinds(), With("idempotency: {ttl: 1h}\n"),
                     "test.yaml", {}, absl::UnixEpoch());
  ASSERT_NE(reading.snapshot, nullptr);
  const auto next = RuntimeSnapshot::Make(reading.snapshot, {}, first.get());
  ASSERT_TRUE(next.ok()) << next.status();
  (*next)->PutIntoUse();
  runner.SetRuntime(*next);
  EXPECT_EQ(runner.Run(Keyed("k")).record().answer_of, "req-test-1");
}

TEST_F(SharedCallsTest, ACallAloneIsMadeAsAnyOther) {
  CallRunner runner(MakeTestRuntime(With("coalescing: {}\n")));
  EXPECT_EQ(runner.Run(Keyed("")).Text(), "first");
  const CallResult second = runner.Run(Keyed(""));
  EXPECT_EQ(second.Text(), "second");
  EXPECT_EQ(second.record().answer_of, "");
  EXPECT_EQ(second.attempts.size(), 1);
}

TEST_F(SharedCallsTest, TheCacheAndAKeyGoTogether) {
  CallRunner runner(MakeTestRuntime(With("idempotency: {}\ncache: {}\n")));
  EXPECT_EQ(runner.Run(Keyed("")).Text(), "first");
  const CallResult hit = runner.Run(Keyed("k"));
  EXPECT_EQ(hit.record().cache, "hit");
  EXPECT_EQ(hit.Text(), "first");
  const CallResult again = runner.Run(Keyed("k"));
  EXPECT_EQ(again.Text(), "first");
  EXPECT_EQ(again.record().cache, "");
}

class DoneNothingTest : public PlannedCallTest {};

TEST_F(DoneNothingTest, WhatWasSentAndNotRefusedMayHaveBeenDone) {
  EXPECT_TRUE(HasDoneNothing(call_));
  Attempt& attempt = call_.attempts.Add();
  EXPECT_TRUE(HasDoneNothing(call_));
  attempt.progress.dispatched = absl::Seconds(1);
  EXPECT_FALSE(HasDoneNothing(call_));
  attempt.replaced = true;
  EXPECT_TRUE(HasDoneNothing(call_));
  attempt.replaced = false;
  attempt.progress.http_status = 503;
  EXPECT_TRUE(HasDoneNothing(call_));
  attempt.progress.http_status = 200;
  EXPECT_FALSE(HasDoneNothing(call_));
  // One of several is enough.
  attempt.progress.http_status = 429;
  call_.attempts.Add().progress.dispatched = absl::Seconds(2);
  EXPECT_FALSE(HasDoneNothing(call_));
}

}  // namespace
}  // namespace gateway
