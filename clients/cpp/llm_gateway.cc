#include "clients/cpp/llm_gateway.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/version.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

namespace {

constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);

// What the gateway takes of a provider by default; gRPC's own is 4 MiB.
constexpr int kResponseBytesMax = 64 << 20;
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

std::unique_ptr<LLMGateway::Stub> StubOf(
    const LLMGateway::Options& options,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  if (!options.server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.server_name);
  }
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
  if (IsOnThisMachine(options.target)) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  return v1::GatewayService::NewStub(
      grpc::CreateCustomChannel(options.target, credentials, arguments));
}

absl::Status CheckTimeout(absl::string_view option, absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return OptionProblem(
      option, absl::StrCat("is ", absl::FormatDuration(timeout),
                           "; it is more than 0, and absl::InfiniteDuration() "
                           "for no limit"));
}

absl::Status CheckOptions(const LLMGateway::Options& options) {
  absl::Status problem = CheckTarget(options.target);
  problem.Update(CheckText("api_key", options.api_key));
  problem.Update(CheckText("server_name", options.server_name));
  problem.Update(CheckTimeout("generate_timeout", options.generate_timeout));
  problem.Update(CheckTimeout("lookup_timeout", options.lookup_timeout));
  if (options.attempts_max < 1) {
    problem.Update(OptionProblem(
        "attempts_max",
        absl::StrCat("is ", options.attempts_max, "; it is at least 1")));
  }
  return problem;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const LLMGateway::Options& options) {
  const std::string& root = options.root_certificates_file;
  const std::string& chain = options.certificate_chain_file;
  const std::string& key = options.private_key_file;
  const bool has_files = !(root.empty() && chain.empty() && key.empty());
  const bool has_own = options.credentials != nullptr;
  if ((options.plaintext ? 1 : 0) + (has_files ? 1 : 0) + (has_own ? 1 : 0) >
      1) {
    return OptionProblem(options.plaintext ? "plaintext" : "credentials",
                         "contradicts other options of TLS; of plaintext, "
                         "files and credentials set one");
  }
  if (options.plaintext && !options.server_name.empty()) {
    return OptionProblem("server_name", "is for TLS, and plaintext is set");
  }
  if (has_own) return options.credentials;
  if (options.plaintext) return grpc::InsecureChannelCredentials();
  if (options.server_name.empty() && IsAddressList(options.target)) {
    return OptionProblem("server_name",
                         "is not set, and the target is a list: it is the name "
                         "that the certificates of its addresses have");
  }
  if (chain.empty() != key.empty()) {
    return OptionProblem(
        chain.empty() ? "certificate_chain_file" : "private_key_file",
        "is not set: a chain and its key belong together");
  }
  grpc::SslCredentialsOptions tls;
  absl::Status problem;
  const auto read = [&](absl::string_view option, const std::string& path,
                        absl::string_view thing, std::string* pem) {
    if (path.empty()) return;
    absl::StatusOr<std::string> contents = ReadPem(option, path, thing);
    problem.Update(contents.status());
    if (contents.ok()) *pem = *std::move(contents);
  };
  read("root_certificates_file", root, "CERTIFICATE", &tls.pem_root_certs);
  read("certificate_chain_file", chain, "CERTIFICATE", &tls.pem_cert_chain);
  read("private_key_file", key, "PRIVATE KEY", &tls.pem_private_key);
  if (!problem.ok()) return problem;
  return grpc::SslCredentials(tls);
}

// Takes the first problem of two.
absl::Status FirstOf(absl::Status first, const absl::Status& second) {
  first.Update(second);
  return first;
}

void Replace(const CallMetadata& some, CallMetadata* all) {
  for (const auto& [name, value] : some) all->erase(name);
  all->insert(some.begin(), some.end());
}

}  // namespace

absl::StatusOr<std::unique_ptr<LLMGateway>> LLMGateway::Connect(
    Options options) {
  auto gateway = std::make_unique<LLMGateway>(std::move(options));
  if (!gateway->problem().ok()) return gateway->problem();
  return gateway;
}

LLMGateway::LLMGateway(Options options)
    : LLMGateway(options, CredentialsOf(options)) {}

LLMGateway::LLMGateway(Options options, const Credentials& credentials)
    : options_(std::move(options)),
      problem_(FirstOf(CheckOptions(options_), credentials.status())),
      stub_(StubOf(options_, credentials.ok()
                                        ? *credentials
                                        : grpc::SslCredentials({}))) {}

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
  return Stream(&Stub::ResumeStream, request, call, Repetition::kAlways,
                request);
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

absl::StatusOr<CallMetadata> LLMGateway::MetadataOf(
    const CallOptions& call) const {
  absl::Status problem = problem_;
  problem.Update(CheckText("request_id", call.request_id));
  if (call.timeout.has_value()) {
    problem.Update(CheckTimeout("timeout", *call.timeout));
  }
  if (!problem.ok()) return problem;
  absl::StatusOr<CallMetadata> all = SendableMetadata(
      options_.metadata != nullptr ? options_.metadata() : CallMetadata());
  if (!all.ok()) return all.status();
  if (!options_.api_key.empty()) {
    Replace({{"authorization", absl::StrCat("Bearer ", options_.api_key)}},
            &*all);
  }
  if (!call.request_id.empty()) {
    Replace({{"x-request-id", call.request_id}}, &*all);
  }
  absl::StatusOr<CallMetadata> own = SendableMetadata(call.metadata);
  if (!own.ok()) return own.status();
  Replace(*own, &*all);
  return all;
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
    const CallOptions& call, const CallMetadata& metadata,
    CallPlan& plan) const {
  auto made = std::make_shared<grpc::ClientContext>();
  grpc::ClientContext& context = *made;
  context.set_deadline(plan.deadline());
  // Otherwise what the service config or the library says.
  if (options_.wait_for_ready) context.set_wait_for_ready(true);
  for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
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
  const absl::StatusOr<CallMetadata> metadata = MetadataOf(call);
  if (!metadata.ok()) return metadata.status();
  const std::shared_ptr<CallPlan> plan = Planned(call, timeout, repetition);
  for (;;) {
    const auto context = Prepared(call, *metadata, *plan);
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

template <typename Reader, typename Request, typename... Origin>
GenerateStream LLMGateway::Stream(
    std::unique_ptr<Reader> (Stub::*method)(grpc::ClientContext*,
                                            const Request&),
    const Request& request, const CallOptions& call, Repetition repetition,
    const Origin&... origin) {
  const absl::StatusOr<CallMetadata> metadata = MetadataOf(call);
  if (!metadata.ok()) return GenerateStream(metadata.status());
  const std::shared_ptr<CallPlan> plan =
      Planned(call, options_.generate_timeout, repetition);
  const auto begin = [this, method, plan, call, request,
                      metadata = *metadata] {
    auto context = Prepared(call, metadata, *plan);
    auto reader = ((*stub_).*method)(context.get(), request);
    return GenerateStream::Attempt{std::move(context), std::move(reader)};
  };
  return GenerateStream(begin, plan, origin...);
}

}  // namespace gateway
