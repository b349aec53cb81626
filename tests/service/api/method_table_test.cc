#include "service/api/method_table.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/testing/echo/echo.pb.h"

namespace gateway {
namespace {

using ::llmgateway::testing::v1::EchoRequest;
using ::llmgateway::testing::v1::EchoResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kEcho = "llmgateway.testing.v1.EchoService";

Task<absl::Status> Echo(CallContext& call, const EchoRequest& request,
                        EchoResponse* response) {
  response->set_text(request.text() + "@" + std::string(call.method()));
  co_return absl::OkStatus();
}

Task<absl::Status> Expand(CallContext&, const EchoRequest& request,
                          MessageWriter& writer) {
  EchoResponse response;
  for (int i = 0; i < request.repeat(); ++i) {
    response.set_text(request.text() + std::to_string(i));
    const bool written = co_await writer.Write(response);
    if (!written) {
      co_return absl::CancelledError("gone");
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Collect(CallContext&, MessageReader& reader,
                           EchoResponse* response) {
  EchoRequest request;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    response->set_text(response->text() + request.text());
  }
  co_return absl::OkStatus();
}

EchoRequest Request(const std::string& text, int repeat = 0) {
  EchoRequest request;
  request.set_text(text);
  request.set_repeat(repeat);
  return request;
}

class MethodTableTest : public testing::Test {
 protected:
  // Starts the method at `path`; its status is there once it has ended.
  std::shared_ptr<absl::Status> Start(std::string_view path,
                                      HandlerArguments arguments) {
    auto status = std::make_shared<absl::Status>(absl::UnknownError("runs"));
    arguments_ = arguments;
    Spawn(RunMethod(*table_.Find(path), status));
    return status;
  }

  Task<void> RunMethod(const Method& method,
                       std::shared_ptr<absl::Status> status) {
    *status = co_await method.Run(call_, arguments_);
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  CallContext call_{*loop_, {.method = "the method"}};
  HandlerArguments arguments_;
  MethodTable table_;
};

TEST_F(MethodTableTest, RunsAUnaryHandler) {
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  ASSERT_TRUE(table_.status().ok()) << table_.status();
  const Method* const method =
      table_.Find("/llmgateway.testing.v1.EchoService/Echo");
  ASSERT_NE(method, nullptr);
  EXPECT_TRUE(method->reads_one());
  EXPECT_TRUE(method->writes_one());
  EXPECT_EQ(method->name(), "llmgateway.testing.v1.EchoService/Echo");

  auto* const request =
      static_cast<EchoRequest*>(method->NewRequest(call_.arena()));
  EXPECT_EQ(request->GetArena(), call_.arena());
  request->set_text("hello");
  auto* const response =
      static_cast<EchoResponse*>(method->NewResponse(call_.arena()));
  const auto status = Start("/llmgateway.testing.v1.EchoService/Echo",
                            {.request = request, .response = response});
  EXPECT_TRUE(status->ok()) << *status;
  EXPECT_EQ(response->text(), "hello@the method");
}

TEST_F(MethodTableTest, AHandlersWriteWaitsForTheEngine) {
  table_.AddServerStream<EchoRequest, EchoResponse>(kEcho, "Expand", Expand);
  ASSERT_TRUE(table_.status().ok()) << table_.status();
  const EchoRequest request = Request("n", 3);
  KeepingWriter<EchoResponse> writer;
  writer.HoldUp();
  const auto status = Start("/llmgateway.testing.v1.EchoService/Expand",
                            {.request = &request, .writer = &writer});
  EXPECT_EQ(writer.written().size(), 1u);
  EXPECT_TRUE(writer.waiting());
  writer.Release(true);
  EXPECT_EQ(writer.written().size(), 2u);
  EXPECT_EQ(writer.written()[1].text(), "n1");
  writer.Release(false);
  EXPECT_EQ(*status, absl::CancelledError("gone"));
  EXPECT_EQ(writer.written().size(), 2u);
}

TEST_F(MethodTableTest, AWriteThatNeedNotWaitDoesNot) {
  table_.AddServerStream<EchoRequest, EchoResponse>(kEcho, "Expand", Expand);
  const EchoRequest request = Request("n", 100);
  KeepingWriter<EchoResponse> writer;
  const auto status = Start("/llmgateway.testing.v1.EchoService/Expand",
                            {.request = &request, .writer = &writer});
  EXPECT_TRUE(status->ok()) << *status;
  EXPECT_EQ(writer.written().size(), 100u);
}

TEST_F(MethodTableTest, AHandlerReadsToTheEnd) {
  table_.AddClientStream<EchoRequest, EchoResponse>(kEcho, "Collect", Collect);
  ASSERT_TRUE(table_.status().ok()) << table_.status();
  ScriptedReader<EchoRequest> reader({Request("a"), Request("b")});
  EchoResponse response;
  const auto status = Start("/llmgateway.testing.v1.EchoService/Collect",
                            {.reader = &reader, .response = &response});
  EXPECT_TRUE(status->ok()) << *status;
  EXPECT_EQ(response.text(), "ab");
}

TEST_F(MethodTableTest, RefusesWhatTheContractDoesNotHave) {
  table_.AddUnary<EchoRequest, EchoResponse>("no.such.Service", "Echo", Echo);
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Ecco", Echo);
  table_.AddService("no.other.Service");
  EXPECT_EQ(table_.status().message(),
            "method table: no.such.Service/Echo: no such service; "
            "llmgateway.testing.v1.EchoService/Ecco: no such method; "
            "no.other.Service: no such service");
}

TEST_F(MethodTableTest, RefusesAHandlerOfOtherTypesThanTheContracts) {
  table_.AddUnary<EchoResponse, EchoResponse>(
      kEcho, "Echo",
      [](CallContext&, const EchoResponse&,
         EchoResponse*) -> Task<absl::Status> { co_return absl::OkStatus(); });
  EXPECT_EQ(table_.status().message(),
            "method table: llmgateway.testing.v1.EchoService/Echo: the handler "
            "is (llmgateway.testing.v1.EchoResponse) returns "
            "(llmgateway.testing.v1.EchoResponse), the contract says "
            "(llmgateway.testing.v1.EchoRequest) returns "
            "(llmgateway.testing.v1.EchoResponse)");
}

TEST_F(MethodTableTest, RefusesAHandlerOfAnotherKindThanTheContracts) {
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Chat", Echo);
  EXPECT_THAT(std::string(table_.status().message()),
              HasSubstr("the contract says (stream llmgateway.testing.v1."
                        "EchoRequest) returns (stream"));
}

TEST_F(MethodTableTest, RefusesASecondHandler) {
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  EXPECT_EQ(table_.status().message(),
            "method table: llmgateway.testing.v1.EchoService/Echo: has a "
            "handler already");
}

TEST_F(MethodTableTest, RefusesAHandlerThatNobodyGuards) {
  table_.AddService(kEcho);
  table_.AuthorizeBy(kEcho, {});
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  EXPECT_EQ(table_.status().message(),
            "method table: llmgateway.testing.v1.EchoService/Echo: is added "
            "after AuthorizeBy, and nobody asks who calls it");
  EXPECT_EQ(table_.Find("/llmgateway.testing.v1.EchoService/Echo"), nullptr);
}

TEST_F(MethodTableTest, SaysWhatIsNotServed) {
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  const std::pair<const char*, const char*> cases[] = {
      {"/llmgateway.testing.v1.EchoService/Forget",
       "llmgateway.testing.v1.EchoService/Forget is not served by this build"},
      {"/llmgateway.testing.v1.EchoService/Nothing",
       "no such method: llmgateway.testing.v1.EchoService/Nothing"},
      {"/no.Service/Method", "no such service: no.Service"},
      {"nonsense", "no such service: nonsense"},
      {"/", "no such service: "},
      {"", "no such service: "},
  };
  for (const auto& [path, message] : cases) {
    EXPECT_EQ(table_.Find(path), nullptr) << path;
    const absl::Status status = table_.Unimplemented(path);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(status.message(), message);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_UNIMPLEMENTED);
  }
}

TEST_F(MethodTableTest,
       AnUnauthenticatedCallerGetsIntoHandlersThatRunCallsAlone) {
  table_.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  table_.AddServerStream<EchoRequest, EchoResponse>(kEcho, "Expand", Expand);
  bool known = false;
  int refusals = 0;
  table_.AuthorizeBy(
      kEcho, {.check =
                  [&](const CallContext&) {
                    return known ? absl::OkStatus()
                                 : absl::UnauthenticatedError("who?");
                  },
              .on_refusal =
                  [&](const CallContext& call, const absl::Status& status) {
                    EXPECT_EQ(&call, &call_);
                    EXPECT_EQ(status.message(), "who?");
                    ++refusals;
                  },
              .run_calls = {"Expand"}});
  const EchoRequest request = Request("n", 2);
  for (const bool is_known : {false, true}) {
    known = is_known;
    EchoResponse response;
    const auto echoed = Start("/llmgateway.testing.v1.EchoService/Echo",
                              {.request = &request, .response = &response});
    EXPECT_EQ(echoed->ok(), known) << *echoed;
    EXPECT_EQ(response.text().empty(), !known);
    KeepingWriter<EchoResponse> writer;
    const auto expanded = Start("/llmgateway.testing.v1.EchoService/Expand",
                                {.request = &request, .writer = &writer});
    EXPECT_TRUE(expanded->ok()) << *expanded;
    EXPECT_EQ(writer.written().size(), 2u);
    for (const char* method : {"Echo", "Expand"}) {
      EXPECT_EQ(table_.Find("/" + std::string(kEcho) + "/" + method)
                    ->Authorizes(call_),
                known);
    }
  }
  EXPECT_EQ(refusals, 1);
}

TEST_F(MethodTableTest, KeepsAServiceWhileDraining) {
  table_.KeepWhileDraining(kEcho);
  EXPECT_FALSE(table_.status().ok());

  MethodTable table;
  table.AddUnary<EchoRequest, EchoResponse>(kEcho, "Echo", Echo);
  const Method* const method =
      table.Find("/llmgateway.testing.v1.EchoService/Echo");
  EXPECT_FALSE(method->kept_while_draining());
  table.KeepWhileDraining(kEcho);
  EXPECT_TRUE(table.status().ok());
  EXPECT_TRUE(method->kept_while_draining());
  EXPECT_THAT(table.services(), ElementsAre(std::string(kEcho)));
}

}  // namespace
}  // namespace gateway
