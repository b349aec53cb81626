// LLMGateway is the gateway as a C++ program calls it: a channel, a key and
// deadlines around the generated stubs. Nothing throws.
//
//   absl::StatusOr<std::unique_ptr<LLMGateway>> gateway = LLMGateway::Connect(
//       {.target = "dns:///llm.example.com:443", .api_key = key});
//   if (!gateway.ok()) return gateway.status();  // An option is wrong.
//   llmgateway::v1::GenerateRequest request;
//   request.set_model("gpt-x");
//   ...
//   absl::StatusOr<llmgateway::v1::GenerateResponse> answer =
//       (*gateway)->Generate(request);
//   if (!answer.ok()) Explain(ErrorInfoOf(answer.status()));
//
// The channel is encrypted unless `plaintext` says otherwise, as for a gateway
// on this machine that serves the quickstart.
//
// Calls go to all addresses of the target in turn, except those that do not
// report themselves healthy. What the gateway has turned away without asking a
// provider is tried up to three times in all, and so are, where a connection
// breaks, lookups and calls with an idempotency_key. Nothing else is: a
// provider may have been asked already. A tool is never run again.
//
// Thread-safe. Calls block their thread.

#ifndef CLIENTS_CPP_LLM_GATEWAY_H_
#define CLIENTS_CPP_LLM_GATEWAY_H_

#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/call_plan.h"
#include "clients/cpp/cancellation.h"
#include "clients/cpp/generate_stream.h"
#include "clients/cpp/option_problem.h"
#include "clients/cpp/retry_policy.h"
#include "llmgateway/v1/gateway.grpc.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class LLMGateway {
 public:
  using Stub = llmgateway::v1::GatewayService::StubInterface;

  struct Options {
    // As gRPC names it: `host:port` or `dns:///host:port` for all addresses of
    // a name, `ipv4:10.0.0.1:443,10.0.0.2:443` for a list, which needs a
    // `server_name` where there is TLS.
    std::string target = "127.0.0.1:50051";
    // Sent as `authorization: Bearer`; none if empty.
    std::string api_key;
    // Does without TLS, for a gateway on this machine or behind a proxy that
    // encrypts.
    bool plaintext = false;
    // A PEM file of the issuers to trust in place of the system's.
    std::string root_certificates_file = "";
    // PEM files of a certificate to show, and of its key: mutual TLS. They are
    // set together.
    std::string certificate_chain_file = "";
    std::string private_key_file = "";
    // The name that the gateway's certificate must have, in place of the
    // target's; that one if empty.
    std::string server_name = "";
    // Of your own, in place of certificates and plaintext.
    std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
    // For calls that run a model. absl::InfiniteDuration() for none.
    absl::Duration generate_timeout = absl::Seconds(900);
    // For all others.
    absl::Duration lookup_timeout = absl::Seconds(60);
    // Whether calls wait for a connection, as long as their timeout lets them,
    // where they would fail if none can be made.
    bool wait_for_ready = false;
    // Called for each call, if it is set: what is added to it, such as the
    // `traceparent` of the span that the thread is in. The key, and what the
    // call has of its own, go before it. May be called by many threads at once.
    std::function<CallMetadata()> metadata = nullptr;
    // Called before each attempt of a call, if it is set, for what else gRPC's
    // context takes. May be called by many threads at once. Metadata is not
    // checked here: gRPC ends the process if it cannot be sent.
    std::function<void(grpc::ClientContext&)> prepare = nullptr;
    // How often a call is made at most, the first time counted.
    int attempts_max = 3;
  };

  // What one call may have of its own.
  struct CallOptions {
    // Instead of the timeout in Options.
    std::optional<absl::Duration> timeout;
    // Letters, digits and `-_.:`, at most 128; made up by the gateway if empty.
    std::string request_id;
    // As in Options.
    std::function<void(grpc::ClientContext&)> prepare;
    // Ends the call as CANCELLED when another thread says so; may be null.
    std::shared_ptr<Cancellation> cancellation;
    // Replaces what all calls have by the same name.
    CallMetadata metadata;
  };

  // Connects when first called. Fails if an option is wrong, whose name
  // WrongOptionOf has.
  static absl::StatusOr<std::unique_ptr<LLMGateway>> Connect(Options options);

  // The same, where what is wrong in the options says problem().
  explicit LLMGateway(Options options);
  // Calls `stub`, which may be a mock; target and credentials mean nothing.
  LLMGateway(Options options, std::unique_ptr<Stub> stub);

  LLMGateway(const LLMGateway&) = delete;
  LLMGateway& operator=(const LLMGateway&) = delete;
  ~LLMGateway();

  // What is wrong in the options, by name; OK if nothing is. Every call fails
  // with it.
  const absl::Status& problem() const { return problem_; }

  absl::StatusOr<llmgateway::v1::GenerateResponse> Generate(
      const llmgateway::v1::GenerateRequest& request,
      const CallOptions& call = {});

  // Failures are told by the stream. It must not outlive this object.
  GenerateStream StreamGenerate(const llmgateway::v1::GenerateRequest& request,
                                const CallOptions& call = {});

  absl::StatusOr<llmgateway::v1::CountTokensResponse> CountTokens(
      const llmgateway::v1::CountTokensRequest& request,
      const CallOptions& call = {});

  absl::StatusOr<llmgateway::v1::EmbedResponse> Embed(
      const llmgateway::v1::EmbedRequest& request,
      const CallOptions& call = {});

  absl::StatusOr<llmgateway::v1::ListModelsResponse> ListModels(
      const llmgateway::v1::ListModelsRequest& request,
      const CallOptions& call = {});

  absl::StatusOr<llmgateway::v1::Model> GetModel(
      const llmgateway::v1::GetModelRequest& request,
      const CallOptions& call = {});

  // Goes on with a stream whose connection broke, behind the event `after_seq`,
  // if the gateway has `resumable_streams` configured; as StreamGenerate.
  GenerateStream ResumeStream(
      const llmgateway::v1::ResumeStreamRequest& request,
      const CallOptions& call = {});

  // All models that callers can name, page by page; of one provider if it is
  // named.
  absl::StatusOr<std::vector<llmgateway::v1::Model>> Models(
      const std::string& provider_id = {}, const CallOptions& call = {});

  // Conversations that the gateway remembers.
  absl::StatusOr<llmgateway::v1::Session> CreateSession(
      const llmgateway::v1::CreateSessionRequest& request,
      const CallOptions& call = {});
  absl::StatusOr<llmgateway::v1::Session> GetSession(
      const std::string& id, const CallOptions& call = {});
  absl::Status DeleteSession(const std::string& id,
                             const CallOptions& call = {});

  // The tools of a service behind the gateway.
  absl::StatusOr<llmgateway::v1::ListToolsResponse> ListTools(
      const CallOptions& call = {});
  // Runs one of them; arguments and result are JSON as text. Of a tool that
  // fails the response says so. A call that fails is not made again: the tool
  // may have done something.
  absl::StatusOr<llmgateway::v1::ExecuteToolResponse> ExecuteTool(
      const llmgateway::v1::ExecuteToolRequest& request,
      const CallOptions& call = {});

  // For calls that have no method here yet; none of them is made again.
  Stub& stub() { return *stub_; }

 private:
  std::shared_ptr<CallPlan> Planned(const CallOptions& call,
                                    absl::Duration timeout,
                                    Repetition repetition);

  using Credentials =
      absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>;

  LLMGateway(Options options, const Credentials& credentials);

  // A context for an attempt.
  std::shared_ptr<grpc::ClientContext> Prepared(const CallOptions& call,
                                                const CallMetadata& metadata,
                                                CallPlan& plan) const;

  // Makes one unary call.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request, const CallOptions& call, absl::Duration timeout,
      Repetition repetition);

  // Makes a call that is answered by events; `origin` is what is asked for if
  // they go on behind others.
  template <typename Reader, typename Request, typename... Origin>
  GenerateStream Stream(std::unique_ptr<Reader> (Stub::*method)(
                            grpc::ClientContext*, const Request&),
                        const Request& request, const CallOptions& call,
                        Repetition repetition, const Origin&... origin);

  // What the call carries beside the request, or why it is not made.
  absl::StatusOr<CallMetadata> MetadataOf(const CallOptions& call) const;

  const Options options_;
  const absl::Status problem_;
  const std::unique_ptr<Stub> stub_;
  RetryBudget retry_budget_;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_LLM_GATEWAY_H_
