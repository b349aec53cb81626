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
    "    - {id: reader, key: 'env:READER', scopes: ['rpc:GetSession']}\n";
constexpr char kAlice[] = "alice-0123456789";
constexpr char kReader[] = "reader-0123456789";

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
      status = co_await found.Run(context, arguments);
    });
    if (!status.ok()) return status;
    return response;
  }

  MemoryRecordStore records_{{}, SystemClock()};
  FakeRandom random_{5};
  SessionStore sessions_{records_, SystemClock(), random_};
  RunningLoop loop_{MakeTestRuntime(kSessionsConfig,
                                    {{"ALICE", kAlice}, {"READER", kReader}},
                                    {.sessions = &sessions_})};
  SessionMethods methods_{
      [this](EventLoop&) -> LoopServices& { return loop_.services(); }};
  MethodTable table_;
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

}  // namespace
}  // namespace gateway
