#include "clients/cpp/llm_gateway.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/generate_stream.h"
#include "clients/cpp/option_problem.h"
#include "clients/cpp/prompt_router.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.grpc.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/clients/cpp/scripted_gateway.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

static_assert(std::is_same_v<PromptRouter, LLMGateway>);

// The value of a request header; none if it was not sent.
std::optional<std::string> Header(const grpc::ServerContext& context,
                                  const std::string& name) {
  const auto it = context.client_metadata().find(name);
  if (it == context.client_metadata().end()) return std::nullopt;
  return std::string(it->second.data(), it->second.size());
}

TEST(LLMGatewayTest, ReturnsTheAnswer) {
  ScriptedGateway server;
  server.generate = [](auto&, const auto& request, auto& response) {
    response.set_model(request.model() + "-answered");
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  v1::GenerateRequest request;
  request.set_model("m");
  const absl::StatusOr<v1::GenerateResponse> answer = gateway.Generate(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->model(), "m-answered");
}

TEST(LLMGatewayTest, ReturnsTheFailureWithItsDetails) {
  ScriptedGateway server;
  server.generate = [](auto&, const auto&, auto&) {
    google::rpc::ErrorInfo info;
    info.set_reason("MODEL_NOT_FOUND");
    info.set_domain("llmgateway.dev");
    google::rpc::Status details;
    details.set_code(grpc::StatusCode::NOT_FOUND);
    details.add_details()->PackFrom(info);
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such model",
                        details.SerializeAsString());
  };
  LLMGateway gateway(server.Options());
  const absl::Status status = gateway.Generate({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(ErrorInfoOf(status).has_value());
  EXPECT_EQ(ErrorInfoOf(status)->reason(), "MODEL_NOT_FOUND");
}

TEST(LLMGatewayTest, SendsKeyRequestIdAndItsName) {
  ScriptedGateway server;
  std::optional<std::string> key, id, agent;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    key = Header(context, "authorization");
    id = Header(context, "x-request-id");
    agent = Header(context, "user-agent");
    return grpc::Status::OK;
  };
  LLMGateway::Options options = server.Options();
  options.api_key = "the-key";
  LLMGateway gateway(options);
  ASSERT_TRUE(
      gateway.Generate({}, {.timeout = {}, .request_id = "id-1", .prepare = {}})
          .ok());
  EXPECT_EQ(key, "Bearer the-key");
  EXPECT_EQ(id, "id-1");
  ASSERT_TRUE(agent.has_value());
  EXPECT_EQ(agent->rfind("llmgateway-cpp/", 0), 0u) << *agent;
}

TEST(LLMGatewayTest, SendsNoKeyThatItWasNotGiven) {
  ScriptedGateway server;
  bool has_key = true;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    has_key = Header(context, "authorization").has_value();
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  ASSERT_TRUE(gateway.Generate({}).ok());
  EXPECT_FALSE(has_key);
}

TEST(LLMGatewayTest, EveryCallHasADeadlineOfItsKind) {
  ScriptedGateway server;
  absl::Time deadline;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    deadline = absl::FromChrono(context.deadline());
    return grpc::Status::OK;
  };
  LLMGateway::Options options = server.Options();
  options.generate_timeout = absl::Hours(2);
  LLMGateway gateway(options);

  ASSERT_TRUE(gateway.Generate({}).ok());
  const absl::Time two_hours = deadline;
  ASSERT_TRUE(
      gateway
          .Generate(
              {}, {.timeout = absl::Hours(1), .request_id = {}, .prepare = {}})
          .ok());
  // The calls are made within much less than half an hour.
  EXPECT_GT(two_hours - deadline, absl::Minutes(30));
  EXPECT_LT(two_hours - deadline, absl::Minutes(90));
}

TEST(LLMGatewayTest, WaitsNoLongerThanTheTimeout) {
  std::promise<void> answered;
  ScriptedGateway server;
  server.generate = [&](grpc::ServerContext&, const auto&, auto&) {
    answered.get_future().wait();
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  EXPECT_EQ(gateway
                .Generate({}, {.timeout = absl::Milliseconds(20),
                               .request_id = {},
                               .prepare = {}})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  answered.set_value();
}

TEST(LLMGatewayTest, RetriesWhatTheGatewayHasTurnedAwayAndNothingElse) {
  ScriptedGateway server;
  int calls = 0;
  std::string reason = "DRAINING";
  server.generate = [&](auto&, const auto&, auto&) {
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain("llmgateway.dev");
    google::rpc::Status details;
    details.set_code(grpc::StatusCode::UNAVAILABLE);
    if (!reason.empty()) details.add_details()->PackFrom(info);
    return ++calls == 3 ? grpc::Status::OK
                        : grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now",
                                       details.SerializeAsString());
  };
  LLMGateway gateway(server.Options());
  EXPECT_TRUE(gateway.Generate({}).ok());
  EXPECT_EQ(calls, 3);

  // Nobody knows what became of it, but the gateway knows it again by its key.
  calls = 0;
  reason = "";
  EXPECT_EQ(gateway.Generate({}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
  v1::GenerateRequest request;
  request.set_idempotency_key("order-17");
  EXPECT_TRUE(gateway.Generate(request).ok());
  EXPECT_EQ(calls, 3);
}

TEST(LLMGatewayTest, RunsNoToolAgain) {
  ScriptedGateway server;
  int calls = 0;
  server.execute_tool = [&](const auto&, auto&) {
    ++calls;
    google::rpc::ErrorInfo info;
    info.set_reason("DRAINING");
    info.set_domain("llmgateway.dev");
    google::rpc::Status details;
    details.set_code(grpc::StatusCode::UNAVAILABLE);
    details.add_details()->PackFrom(info);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now",
                        details.SerializeAsString());
  };
  LLMGateway gateway(server.Options());
  EXPECT_EQ(gateway.ExecuteTool({}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
}

TEST(LLMGatewayTest, TriesNothingOnTopOfWhatTheGatewayHasTried) {
  ScriptedGateway server;
  int calls = 0;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    ++calls;
    context.AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
    context.AddTrailingMetadata("x-request-id", "call-1");
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "tried");
  };
  LLMGateway gateway(server.Options());
  const absl::Status status = gateway.Generate({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RequestIdOf(status), "call-1");
  EXPECT_EQ(calls, 1);
}

TEST(LLMGatewayTest, PreparesAllCallsAlike) {
  ScriptedGateway server;
  std::optional<std::string> trace;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    trace = Header(context, "traceparent");
    return grpc::Status::OK;
  };
  LLMGateway::Options options = server.Options();
  options.prepare = [](grpc::ClientContext& context) {
    context.AddMetadata("traceparent", "00-1-2-01");
  };
  LLMGateway gateway(options);
  ASSERT_TRUE(gateway.Generate({}).ok());
  EXPECT_EQ(trace, "00-1-2-01");
}

TEST(LLMGatewayTest, LetsTheCallerPrepareTheContext) {
  ScriptedGateway server;
  std::optional<std::string> tenant;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    tenant = Header(context, "x-tenant");
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  ASSERT_TRUE(gateway
                  .Generate({}, {.timeout = {},
                                 .request_id = {},
                                 .prepare =
                                     [](grpc::ClientContext& context) {
                                       context.AddMetadata("x-tenant", "blue");
                                     }})
                  .ok());
  EXPECT_EQ(tenant, "blue");
}

TEST(LLMGatewayTest, LooksUpModels) {
  ScriptedGateway server;
  LLMGateway gateway(server.Options());
  v1::GetModelRequest request;
  request.set_name("m");
  const absl::StatusOr<v1::Model> model = gateway.GetModel(request);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->name(), "m");
}

TEST(LLMGatewayTest, WhatTheServerDoesNotServeIsUnimplemented) {
  ScriptedGateway server;
  LLMGateway gateway(server.Options());
  EXPECT_EQ(gateway.Embed({}).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(gateway.ListModels({}).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(gateway.CountTokens({}).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(LLMGatewayTest, AStubOfTheCallersOwnIsCalledInstead) {
  ScriptedGateway server;
  server.generate = [](auto&, const auto&, auto& response) {
    response.set_model("by the given stub");
    return grpc::Status::OK;
  };
  LLMGateway elsewhere(
      {.target = "127.0.0.1:1"},
      v1::GatewayService::NewStub(grpc::CreateChannel(
          server.Options().target, grpc::InsecureChannelCredentials())));
  const absl::StatusOr<v1::GenerateResponse> answer = elsewhere.Generate({});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->model(), "by the given stub");
}

TEST(LLMGatewayTest, OptionsThatAreWrongAreNamedAndNothingIsCalled) {
  ScriptedGateway server;
  const LLMGateway::Options right = server.Options();
  EXPECT_TRUE(LLMGateway(right).problem().ok());
  EXPECT_TRUE(LLMGateway::Connect(right).ok());
  const auto wrong = [&](const std::function<void(LLMGateway::Options&)>& set) {
    LLMGateway::Options options = right;
    set(options);
    LLMGateway gateway(options);
    EXPECT_EQ(gateway.problem().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(LLMGateway::Connect(options).status(), gateway.problem());
    EXPECT_EQ(gateway.Generate({}).status(), gateway.problem());
    GenerateStream stream = gateway.StreamGenerate({});
    v1::GenerateEvent event;
    EXPECT_FALSE(stream.Read(&event));
    EXPECT_EQ(stream.Finish(), gateway.problem());
    stream.Cancel();
    EXPECT_EQ(gateway.problem().message().find("the-key"), std::string::npos);
    return WrongOptionOf(gateway.problem());
  };
  // As a file has it that is read whole; gRPC would end the process.
  EXPECT_EQ(wrong([](auto& o) { o.api_key = "the-key\n"; }), "api_key");
  EXPECT_EQ(wrong([](auto& o) { o.target = ""; }), "target");
  EXPECT_EQ(wrong([](auto& o) { o.generate_timeout = absl::ZeroDuration(); }),
            "generate_timeout");
  EXPECT_EQ(wrong([](auto& o) { o.lookup_timeout = -absl::Seconds(1); }),
            "lookup_timeout");
  EXPECT_EQ(wrong([](auto& o) { o.attempts_max = 0; }), "attempts_max");
  EXPECT_EQ(wrong([](auto& o) { o.plaintext = true; }), "plaintext");
  EXPECT_EQ(wrong([](auto& o) { o.root_certificates_file = "x"; }),
            "credentials");
  EXPECT_EQ(wrong([](auto& o) {
              o.credentials = nullptr;
              o.root_certificates_file = "missing";
            }),
            "root_certificates_file");
  EXPECT_EQ(wrong([](auto& o) {
              o.credentials = nullptr;
              o.private_key_file = "missing";
            }),
            "certificate_chain_file");
}

TEST(LLMGatewayTest, OptionsOfACallThatAreWrongAreNamedAndItIsNotMade) {
  ScriptedGateway server;
  LLMGateway gateway(server.Options());
  LLMGateway::CallOptions call;
  call.request_id = "a\nb";
  EXPECT_EQ(WrongOptionOf(gateway.Generate({}, call).status()), "request_id");
  call.request_id = "";
  call.timeout = absl::ZeroDuration();
  EXPECT_EQ(WrongOptionOf(gateway.Generate({}, call).status()), "timeout");
  call.timeout = std::nullopt;
  call.metadata = {{"x-team", "a\nb"}};
  EXPECT_EQ(WrongOptionOf(gateway.StreamGenerate({}, call).Finish()),
            "metadata[\"x-team\"]");
}

TEST(LLMGatewayTest, ACallsMetadataReplacesTheClients) {
  ScriptedGateway server;
  std::optional<std::string> team, trace;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    team = Header(context, "x-team");
    trace = Header(context, "traceparent");
    EXPECT_EQ(context.client_metadata().count("x-team"), 1u);
    return grpc::Status::OK;
  };
  LLMGateway::Options options = server.Options();
  options.metadata = [] {
    return CallMetadata{{"traceparent", "00-1-2-01"}, {"x-team", "each"}};
  };
  LLMGateway gateway(options);
  LLMGateway::CallOptions call;
  call.metadata = {{"X-Team", "own"}};
  ASSERT_TRUE(gateway.Generate({}, call).ok());
  EXPECT_EQ(team, "own");
  EXPECT_EQ(trace, "00-1-2-01");
}

TEST(LLMGatewayTest, DoesNotSpeakPlaintextUnlessToldTo) {
  ScriptedGateway server;
  server.generate = [](auto&, const auto&, auto&) { return grpc::Status::OK; };
  LLMGateway::Options options = server.Options();
  options.credentials = nullptr;
  LLMGateway gateway(options);
  EXPECT_EQ(gateway.Generate({}).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace gateway
