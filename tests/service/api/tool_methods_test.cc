#include "service/api/tool_methods.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kCallersOfTools[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth:\n"
    "  callers:\n"
    "    api_keys:\n"
    "    - {id: alice, key: 'env:ALICE'}\n"
    "    - {id: reader, key: 'env:READER', scopes: ['rpc:ListTools']}\n";
constexpr char kToolsAlice[] = "alice-0123456789";
constexpr char kToolsReader[] = "reader-0123456789";

class ToolMethodsTest : public testing::Test {
 protected:
  ToolMethodsTest() { methods_.AddTo(table_); }

  static std::shared_ptr<const RuntimeSnapshot> Runtime(
      const std::string& more) {
    return MakeTestRuntime(absl::StrCat(kCallersOfTools, more),
                           {{"ALICE", kToolsAlice}, {"READER", kToolsReader}},
                           {});
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               std::string_view key = kToolsAlice) {
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

  PathHandler handler_;
  TestHttpServer server_{handler_};
  RunningLoop loop_{
      Runtime(absl::StrCat("tools: {url: 'http://127.0.0.1:", server_.port(),
                           "', tools: [{name: echo, path: /echo}]}\n"))};
  ToolMethods methods_{
      [this](EventLoop&) -> LoopServices& { return loop_.services(); }};
  MethodTable table_;
};

TEST_F(ToolMethodsTest, ToolsAreListedAndRun) {
  const auto listed =
      Ask<v1::ListToolsResponse>("ListTools", v1::ListToolsRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->tools_size(), 1);
  EXPECT_EQ(listed->tools(0).name(), "echo");
  v1::ExecuteToolRequest request;
  request.set_name("echo");
  request.set_arguments(R"({"a": 1})");
  const auto ran = Ask<v1::ExecuteToolResponse>("ExecuteTool", request);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->result(), R"({"a": 1})");
}

TEST_F(ToolMethodsTest, WhoMayNotIsRefused) {
  EXPECT_TRUE(Ask<v1::ListToolsResponse>("ListTools", v1::ListToolsRequest(),
                                         kToolsReader)
                  .ok());
  v1::ExecuteToolRequest request;
  request.set_name("echo");
  EXPECT_EQ(FaultReason(Ask<v1::ExecuteToolResponse>("ExecuteTool", request,
                                                     kToolsReader)
                            .status()),
            v1::ERROR_REASON_FORBIDDEN);
  EXPECT_EQ(
      FaultReason(
          Ask<v1::ExecuteToolResponse>("ExecuteTool", request, "bob").status()),
      v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(ToolMethodsTest, WithoutAToolServiceItIsNotConfigured) {
  loop_.runtime().Swap(Runtime(""));
  EXPECT_EQ(FaultReason(
                Ask<v1::ListToolsResponse>("ListTools", v1::ListToolsRequest())
                    .status()),
            v1::ERROR_REASON_NOT_CONFIGURED);
}

}  // namespace
}  // namespace gateway
