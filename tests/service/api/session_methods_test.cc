#include "service/api/session_methods.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kSessionsConfig[] =
    "providers: [{name: mock, mock: {}}]\n"
    "sessions: {ttl: 5m}\n"
    "auth:\n"
    "  callers:\n"
    "    api_keys:\n"
    "    - {id: alice, key: 'env:ALICE'}\n"
    "    - {id: reader, key: 'env:READER', scopes: ['rpc:GetSession']}\n"
    "    - {id: limited, key: 'env:LIMITED'}\n"
    "    - id: once\n"
    "      key: 'env:ONCE'\n"
    "      limits: [{unit: requests, limit: 1, window: 1h}]\n"
    "rate_limits:\n"
    "- {name: rph, unit: requests, limit: 2, window: 1h, per: [user],\n"
    "   match: {callers: [limited]}}\n"
    "- {name: tokens, unit: total_tokens, limit: 1, window: 1h,\n"
    "   match: {callers: [limited]}}\n"
    "- {name: of-m, unit: requests, limit: 1, window: 1h,\n"
    "   match: {callers: [limited], models: [m]}}\n";
constexpr char kAlice[] = "alice-0123456789";
constexpr char kReader[] = "reader-0123456789";
constexpr char kLimited[] = "limited-0123456789";
constexpr char kOnce[] = "only-once-0123456789";

class SessionMethodsTest : public testing::Test {
 protected:
  SessionMethodsTest() { methods_.AddTo(table_); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               std::string_view key = kAlice) {
    const std::string name =
        absl::StrCat("llmgateway.v1.GatewayService/", method);
    const Method& found = *table_.Find("/" + name);
    Response response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    absl::Status status;
    loop_.Run([&]() -> Task<void> {
      CallContext context(loop_.loop(),
                          {.method = name, .time = loop_.loop().Now()});
      context.AddMetadata("x-api-key", key);
      if (!user_.empty()) context.AddMetadata("x-llmgateway-user", user_);
      status = co_await found.Run(context, arguments);
    });
    if (!status.ok()) return status;
    return response;
  }

  MemoryRecordStore records_{{}, SystemClock()};
  FakeRandom random_{5};
  SessionStore sessions_{records_, SystemClock(), random_};
  RunningLoop loop_{MakeTestRuntime(kSessionsConfig,
                                    {{"ALICE", kAlice},
                                     {"READER", kReader},
                                     {"LIMITED", kLimited},
                                     {"ONCE", kOnce}},
                                    {.sessions = &sessions_})};
  SessionMethods methods_{
      [this](EventLoop&) -> LoopServices& { return loop_.services(); }};
  MethodTable table_;
  std::string user_;  // For whom is asked; empty: it is not said.
};

TEST_F(SessionMethodsTest, ASessionIsOpenedShownAndForgotten) {
  const auto made =
      Ask<v1::Session>("CreateSession", v1::CreateSessionRequest());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->ttl().seconds(), 300);
  v1::GetSessionRequest get;
  get.set_id(made->id());
  EXPECT_EQ(Ask<v1::Session>("GetSession", get)->SerializeAsString(),
            made->SerializeAsString());
  // To whoever may read sessions, another's is none.
  EXPECT_EQ(FaultReason(Ask<v1::Session>("GetSession", get, kReader).status()),
            v1::ERROR_REASON_NOT_FOUND);
  v1::DeleteSessionRequest remove;
  remove.set_id(made->id());
  EXPECT_TRUE(Ask<v1::DeleteSessionResponse>("DeleteSession", remove).ok());
  EXPECT_EQ(
      FaultReason(
          Ask<v1::DeleteSessionResponse>("DeleteSession", remove).status()),
      v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(SessionMethodsTest, WhoMayNotIsRefused) {
  const v1::CreateSessionRequest create;
  EXPECT_EQ(
      FaultReason(Ask<v1::Session>("CreateSession", create, kReader).status()),
      v1::ERROR_REASON_FORBIDDEN);
  EXPECT_EQ(
      FaultReason(Ask<v1::DeleteSessionResponse>(
                      "DeleteSession", v1::DeleteSessionRequest(), kReader)
                      .status()),
      v1::ERROR_REASON_FORBIDDEN);
  EXPECT_EQ(
      FaultReason(Ask<v1::Session>("CreateSession", create, "bob").status()),
      v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(SessionMethodsTest, ToOpenOneTakesARequestOfTheCallersLimits) {
  v1::CreateSessionRequest bad;
  bad.mutable_ttl()->set_seconds(1);
  const v1::CreateSessionRequest create;
  for (int i = 0; i < 2; ++i) {
    // What is refused takes nothing.
    EXPECT_EQ(FaultReason(
                  Ask<v1::Session>("CreateSession", bad, kLimited).status()),
              v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_TRUE(Ask<v1::Session>("CreateSession", create, kLimited).ok());
  }
  const absl::Status refused =
      Ask<v1::Session>("CreateSession", create, kLimited).status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "rph");
  EXPECT_TRUE(RetryDelay(refused).has_value());
  // Whom it is for is what is said beside it.
  user_ = "ann";
  EXPECT_TRUE(Ask<v1::Session>("CreateSession", create, kLimited).ok());
}

TEST_F(SessionMethodsTest, AKeysOwnLimitsHoldForItsSessions) {
  const v1::CreateSessionRequest create;
  EXPECT_TRUE(Ask<v1::Session>("CreateSession", create, kOnce).ok());
  const absl::Status refused =
      Ask<v1::Session>("CreateSession", create, kOnce).status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(Ask<v1::Session>("CreateSession", create).ok());
}

}  // namespace
}  // namespace gateway
