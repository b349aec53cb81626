#include "clients/cpp/llm_gateway.h"

#include <grpc/support/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

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

// The gateway asks clients to wait, or not to come again, by push-back, which
// this policy obeys; the timeout is each call's own.
constexpr const char* kServiceConfig = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "llmgateway.v1.GatewayService"},
  "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
  "methodConfig": [{
    "name": [{"service": "llmgateway.v1.GatewayService"}],
    "retryPolicy": {
      "maxAttempts": 3,
      "initialBackoff": "0.2s",
      "maxBackoff": "5s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
})";

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

}  // namespace

LLMGateway::LLMGateway(Options options)
    : options_(std::move(options)), stub_(Connect(options_)) {}

LLMGateway::LLMGateway(Options options, std::unique_ptr<Stub> stub)
    : options_(std::move(options)), stub_(std::move(stub)) {}

LLMGateway::~LLMGateway() = default;

absl::StatusOr<v1::GenerateResponse> LLMGateway::Generate(
    const v1::GenerateRequest& request, const CallOptions& call) {
  return Call(&Stub::Generate, request, call, options_.generate_timeout);
}

GenerateStream LLMGateway::StreamGenerate(const v1::GenerateRequest& request,
                                          const CallOptions& call) {
  auto context = Prepared(call, options_.generate_timeout);
  auto reader = stub_->StreamGenerate(context.get(), request);
  return GenerateStream(std::move(context), std::move(reader));
}

GenerateStream LLMGateway::ResumeStream(const v1::ResumeStreamRequest& request,
                                        const CallOptions& call) {
  auto context = Prepared(call, options_.generate_timeout);
  auto reader = stub_->ResumeStream(context.get(), request);
  return GenerateStream(std::move(context), std::move(reader));
}

absl::StatusOr<v1::CountTokensResponse> LLMGateway::CountTokens(
    const v1::CountTokensRequest& request, const CallOptions& call) {
  return Call(&Stub::CountTokens, request, call, options_.lookup_timeout);
}

absl::StatusOr<v1::EmbedResponse> LLMGateway::Embed(
    const v1::EmbedRequest& request, const CallOptions& call) {
  return Call(&Stub::Embed, request, call, options_.generate_timeout);
}

absl::StatusOr<v1::ListModelsResponse> LLMGateway::ListModels(
    const v1::ListModelsRequest& request, const CallOptions& call) {
  return Call(&Stub::ListModels, request, call, options_.lookup_timeout);
}

absl::StatusOr<v1::Model> LLMGateway::GetModel(
    const v1::GetModelRequest& request, const CallOptions& call) {
  return Call(&Stub::GetModel, request, call, options_.lookup_timeout);
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
  return Call(&Stub::CreateSession, request, call, options_.lookup_timeout);
}

absl::StatusOr<v1::Session> LLMGateway::GetSession(const std::string& id,
                                                   const CallOptions& call) {
  v1::GetSessionRequest request;
  request.set_id(id);
  return Call(&Stub::GetSession, request, call, options_.lookup_timeout);
}

absl::Status LLMGateway::DeleteSession(const std::string& id,
                                       const CallOptions& call) {
  v1::DeleteSessionRequest request;
  request.set_id(id);
  return Call(&Stub::DeleteSession, request, call, options_.lookup_timeout)
      .status();
}

std::shared_ptr<grpc::ClientContext> LLMGateway::Prepared(
    const CallOptions& call, absl::Duration timeout) const {
  auto made = std::make_shared<grpc::ClientContext>();
  grpc::ClientContext& context = *made;
  timeout = call.timeout.value_or(timeout);
  if (timeout != absl::InfiniteDuration()) {
    context.set_deadline(
        gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN));
  }
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
  if (call.cancellation != nullptr) call.cancellation->Attach(made);
  return made;
}

template <typename Response, typename Request>
absl::StatusOr<Response> LLMGateway::Call(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request, const CallOptions& call, absl::Duration timeout) {
  const auto context = Prepared(call, timeout);
  Response response;
  const absl::Status status =
      ToStatus(((*stub_).*method)(context.get(), request, &response), *context);
  if (!status.ok()) return status;
  return response;
}

}  // namespace gateway
