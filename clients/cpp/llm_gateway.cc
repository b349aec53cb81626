#include "clients/cpp/llm_gateway.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/version.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

namespace {

constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);

// Answers with pictures or sound are larger than gRPC's 4 MiB.
constexpr int kResponseBytesMax = 32 << 20;
constexpr int kModelsPageSize = 1000;

// No retryPolicy: gRPC's own would repeat what a provider may have been asked
// for, where a connection breaks.
constexpr const char* kServiceConfig = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "llmgateway.v1.GatewayService"}
})";

// The gateway knows a call again by its key.
Repetition RepetitionOf(const v1::GenerateRequest& request) {
  return request.idempotency_key().empty() ? Repetition::kIfNobodyWasAsked
                                           : Repetition::kAlways;
}

std::unique_ptr<LLMGateway::Stub> Connect(const LLMGateway::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("llmgateway-cpp/" + std::string(kClientVersion));
  arguments.SetServiceConfigJSON(kServiceConfig);
  // A DNS record that says otherwise does not belong to this program.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTime)));
  arguments.SetInt(
      GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTimeout)));
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  return v1::GatewayService::NewStub(grpc::CreateCustomChannel(
      options.target,
      options.credentials != nullptr ? options.credentials
                                     : grpc::SslCredentials({}),
      arguments));
}

// Returns whether the library can send it: it ends the process otherwise, and
// shows it.
bool IsSendable(const std::string& value) {
  return std::all_of(value.begin(), value.end(), [](char letter) {
    return letter >= ' ' && letter <= '~';
  });
}

absl::Status CheckOptions(const LLMGateway::Options& options) {
  if (options.target.empty()) {
    return absl::InvalidArgumentError("target is empty; it is like host:port");
  }
  if (!IsSendable(options.api_key)) {
    return absl::InvalidArgumentError(
        "api_key has what is no printable ASCII letter, such as a line's end");
  }
  if (options.generate_timeout <= absl::ZeroDuration() ||
      options.lookup_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "generate_timeout and lookup_timeout are more than 0");
  }
  if (options.attempts_max < 1) {
    return absl::InvalidArgumentError("attempts_max is at least 1");
  }
  return absl::OkStatus();
}

}  // namespace

LLMGateway::LLMGateway(Options options)
    : options_(std::move(options)),
      problem_(CheckOptions(options_)),
      stub_(Connect(options_)) {}

LLMGateway::LLMGateway(Options options, std::unique_ptr<Stub> stub)
    : options_(std::move(options)),
      problem_(CheckOptions(options_)),
      stub_(std::move(stub)) {}

LLMGateway::~LLMGateway() = default;

absl::StatusOr<v1::GenerateResponse> LLMGateway::Generate(
    const v1::GenerateRequest& request, const CallOptions& call) {
  return Call(&Stub::Generate, request, call, options_.generate_timeout,
              RepetitionOf(request));
}

GenerateStream LLMGateway::StreamGenerate(const v1::GenerateRequest& request,
                                          const CallOptions& call) {
  return Stream(&Stub::StreamGenerate, request, call, RepetitionOf(request));
}

GenerateStream LLMGateway::ResumeStream(const v1::ResumeStreamRequest& request,
                                        const CallOptions& call) {
  return Stream(&Stub::ResumeStream, request, call, Repetition::kAlways);
}

absl::StatusOr<v1::CountTokensResponse> LLMGateway::CountTokens(
    const v1::CountTokensRequest& request, const CallOptions& call) {
  return Call(&Stub::CountTokens, request, call, options_.lookup_timeout,
              Repetition::kAlways);
}

absl::StatusOr<v1::EmbedResponse> LLMGateway::Embed(
    const v1::EmbedRequest& request, const CallOptions& call) {
  return Call(&Stub::Embed, request, call, options_.generate_timeout,
              Repetition::kIfNobodyWasAsked);
}

absl::StatusOr<v1::ListModelsResponse> LLMGateway::ListModels(
    const v1::ListModelsRequest& request, const CallOptions& call) {
  return Call(&Stub::ListModels, request, call, options_.lookup_timeout,
              Repetition::kAlways);
}

absl::StatusOr<v1::Model> LLMGateway::GetModel(
    const v1::GetModelRequest& request, const CallOptions& call) {
  return Call(&Stub::GetModel, request, call, options_.lookup_timeout,
              Repetition::kAlways);
}

absl::StatusOr<std::vector<v1::Model>> LLMGateway::Models(
    const std::string& provider_id, const CallOptions& call) {
  v1::ListModelsRequest request;
  request.set_provider_id(provider_id);
  request.set_page_size(kModelsPageSize);
  std::vector<v1::Model> models;
  do {
    absl::StatusOr<v1::ListModelsResponse> page = ListModels(request, call);
    if (!page.ok()) return page.status();
    for (v1::Model& model : *page->mutable_models()) {
      models.push_back(std::move(model));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return models;
}

absl::StatusOr<v1::Session> LLMGateway::CreateSession(
    const v1::CreateSessionRequest& request, const CallOptions& call) {
  return Call(&Stub::CreateSession, request, call, options_.lookup_timeout,
              Repetition::kIfNobodyWasAsked);
}

absl::StatusOr<v1::Session> LLMGateway::GetSession(const std::string& id,
                                                   const CallOptions& call) {
  v1::GetSessionRequest request;
  request.set_id(id);
  return Call(&Stub::GetSession, request, call, options_.lookup_timeout,
              Repetition::kAlways);
}

absl::Status LLMGateway::DeleteSession(const std::string& id,
                                       const CallOptions& call) {
  v1::DeleteSessionRequest request;
  request.set_id(id);
  return Call(&Stub::DeleteSession, request, call, options_.lookup_timeout,
              Repetition::kIfNobodyWasAsked)
      .status();
}

absl::StatusOr<v1::ListToolsResponse> LLMGateway::ListTools(
    const CallOptions& call) {
  return Call(&Stub::ListTools, v1::ListToolsRequest(), call,
              options_.lookup_timeout, Repetition::kAlways);
}

absl::StatusOr<v1::ExecuteToolResponse> LLMGateway::ExecuteTool(
    const v1::ExecuteToolRequest& request, const CallOptions& call) {
  return Call(&Stub::ExecuteTool, request, call, options_.lookup_timeout,
              Repetition::kNever);
}

absl::Status LLMGateway::ProblemOf(const CallOptions& call) const {
  if (!problem_.ok() || IsSendable(call.request_id)) return problem_;
  return absl::InvalidArgumentError(
      "request_id has what is no printable ASCII letter");
}

std::shared_ptr<CallPlan> LLMGateway::Planned(const CallOptions& call,
                                              absl::Duration timeout,
                                              Repetition repetition) {
  const auto plan = std::make_shared<CallPlan>(
      CallPlan::Limits{call.timeout.value_or(timeout), options_.attempts_max,
                       repetition},
      retry_budget_);
  if (call.cancellation != nullptr) call.cancellation->Attach(plan);
  return plan;
}

std::shared_ptr<grpc::ClientContext> LLMGateway::Prepared(
    const CallOptions& call, CallPlan& plan) const {
  auto made = std::make_shared<grpc::ClientContext>();
  grpc::ClientContext& context = *made;
  context.set_deadline(plan.deadline());
  // Otherwise what the service config or the library says.
  if (options_.wait_for_ready) context.set_wait_for_ready(true);
  if (!options_.api_key.empty()) {
    context.AddMetadata("authorization",
                        absl::StrCat("Bearer ", options_.api_key));
  }
  if (!call.request_id.empty()) {
    context.AddMetadata("x-request-id", call.request_id);
  }
  if (options_.prepare != nullptr) options_.prepare(context);
  if (call.prepare != nullptr) call.prepare(context);
  plan.Begin(made);
  return made;
}

template <typename Response, typename Request>
absl::StatusOr<Response> LLMGateway::Call(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request, const CallOptions& call, absl::Duration timeout,
    Repetition repetition) {
  if (absl::Status problem = ProblemOf(call); !problem.ok()) return problem;
  const std::shared_ptr<CallPlan> plan = Planned(call, timeout, repetition);
  for (;;) {
    const auto context = Prepared(call, *plan);
    Response response;
    const grpc::Status told =
        ((*stub_).*method)(context.get(), request, &response);
    if (told.ok()) {
      plan->Succeeded();
      return response;
    }
    const FailedAttempt failure{ToStatus(told, *context), PushbackOf(*context)};
    if (!plan->AwaitNext(failure)) return failure.status;
  }
}

template <typename Reader, typename Request>
GenerateStream LLMGateway::Stream(
    std::unique_ptr<Reader> (Stub::*method)(grpc::ClientContext*,
                                            const Request&),
    const Request& request, const CallOptions& call, Repetition repetition) {
  if (absl::Status problem = ProblemOf(call); !problem.ok()) {
    return GenerateStream(std::move(problem));
  }
  const std::shared_ptr<CallPlan> plan =
      Planned(call, options_.generate_timeout, repetition);
  const auto begin = [this, method, plan, call, request] {
    auto context = Prepared(call, *plan);
    auto reader = ((*stub_).*method)(context.get(), request);
    return GenerateStream::Attempt{std::move(context), std::move(reader)};
  };
  return GenerateStream(begin, plan);
}

}  // namespace gateway
