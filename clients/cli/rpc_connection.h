// RpcConnection asks one service of a gateway: AdminService and MetricsService
// at its admin listener what operators ask, GatewayService at its gRPC listener
// what callers do.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const AdminConnection admin,
//       AdminConnection::Open({.address = "127.0.0.1:50052"}));
//   const absl::StatusOr<v1::Key> key =
//       admin.Call(&v1::AdminService::Stub::GetKey, request);
//
// Thread-safe; a call blocks, for as long as the place says, and a stream until
// it ends.

#ifndef CLIENTS_CLI_RPC_CONNECTION_H_
#define CLIENTS_CLI_RPC_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/status_macros.h"
#include "clients/cli/command_line.h"
#include "clients/cli/page_tokens.h"
#include "llmgateway/v1/admin.grpc.pb.h"
#include "llmgateway/v1/gateway.grpc.pb.h"

namespace gateway {

// Where, and as whom.
struct RpcPlace {
  std::string address;  // As `host:port`.
  std::string key;      // The asker's; empty if none is to be shown.
  // Asks over TLS if it says whom to trust, and else in plaintext.
  TlsFiles tls;
  absl::Duration timeout = absl::Seconds(10);  // Of a call; a stream has none.
  // Where people say the address and the key, for hints.
  std::string flag = "--admin";
  std::string key_variable = "GATEWAY_OPERATOR_KEY";
};

// A stream that another thread may cancel. Thread-safe.
class RunningCall {
 public:
  // Ends the stream that is under way as CANCELLED; false if there is none.
  bool Cancel() LOCKS_EXCLUDED(mu_);

  // Ends it, and each that is begun from here on.
  void CancelForGood() LOCKS_EXCLUDED(mu_);

  // For RpcConnection: the stream that is under way, null at its end.
  void Set(grpc::ClientContext* context) LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  bool is_ended_ GUARDED_BY(mu_) = false;
  grpc::ClientContext* context_ GUARDED_BY(mu_) = nullptr;
};

// What follows is for RpcConnection.

// Fails if the certificates or their key cannot be read, do not belong together
// or would not be used, and if the asker's key cannot be sent. Messages name
// the files and the variable, and never what is in them.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const RpcPlace& place);
void PrepareCall(const RpcPlace& place, grpc::ClientContext& context);
void PrepareStream(const RpcPlace& place, grpc::ClientContext& context);
// Keeps the details of the status; see FailureReason of failure_text.h.
// `has_answered` says that the call had a part of its answer.
absl::Status RpcFailure(const RpcPlace& place, const grpc::Status& status,
                        bool has_answered = false);

template <typename Service>
class RpcConnection {
 public:
  // Connects when it is first asked. Fails as OpenChannel does.
  static absl::StatusOr<RpcConnection> Open(RpcPlace place) {
    GATEWAY_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                             OpenChannel(place));
    return RpcConnection(std::move(place), Service::NewStub(channel));
  }

  const RpcPlace& place() const { return place_; }

  // Errors have the gateway's code, name it, have a line for each field that
  // it does not like, and say what may help.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                            const Request&, Response*),
      const Request& request) const {
    grpc::ClientContext context;
    PrepareCall(place_, context);
    Response response;
    const grpc::Status status = (*stub_.*method)(&context, request, &response);
    if (!status.ok()) return RpcFailure(place_, status);
    return response;
  }

  // Visits every page of a list. INTERNAL for one without an end.
  template <typename Request, typename Response>
  absl::Status CallPages(grpc::Status (Service::Stub::*method)(
                             grpc::ClientContext*, const Request&, Response*),
                         Request request,
                         absl::FunctionRef<void(Response&)> visit) const {
    PageTokens tokens;
    bool more = true;
    while (more) {
      GATEWAY_ASSIGN_OR_RETURN(Response page, Call(method, request));
      request.set_page_token(page.next_page_token());
      GATEWAY_ASSIGN_OR_RETURN(more, tokens.GoOn(page.next_page_token()));
      visit(page);
    }
    return absl::OkStatus();
  }

  // Visits the messages of a stream, until its end.
  template <typename Request, typename Response>
  absl::Status Stream(std::unique_ptr<grpc::ClientReader<Response>> (
                          Service::Stub::*method)(grpc::ClientContext*,
                                                  const Request&),
                      const Request& request,
                      absl::FunctionRef<void(const Response&)> visit) const {
    const auto visit_all = [&visit](const Response& response) {
      visit(response);
      return true;
    };
    return StreamWhile<Request, Response>(method, request, visit_all);
  }

  // The same, until `visit` returns false. Where there is a `running`, it may
  // be cancelled meanwhile.
  template <typename Request, typename Response>
  absl::Status StreamWhile(std::unique_ptr<grpc::ClientReader<Response>> (
                               Service::Stub::*method)(grpc::ClientContext*,
                                                       const Request&),
                           const Request& request,
                           absl::FunctionRef<bool(const Response&)> visit,
                           RunningCall* running = nullptr) const {
    grpc::ClientContext context;
    PrepareStream(place_, context);
    // Already the first step may wait long, for the connection.
    if (running != nullptr) running->Set(&context);
    const auto reader = (*stub_.*method)(&context, request);
    bool ended = false;
    bool has_answered = false;
    for (Response response; !ended && reader->Read(&response);) {
      has_answered = true;
      ended = !visit(response);
    }
    if (ended) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (running != nullptr) running->Set(nullptr);
    // That it is cancelled, if it was ended here, is known.
    if (ended || status.ok()) return absl::OkStatus();
    return RpcFailure(place_, status, has_answered);
  }

 private:
  RpcConnection(RpcPlace place, std::unique_ptr<typename Service::Stub> stub)
      : place_(std::move(place)), stub_(std::move(stub)) {}

  RpcPlace place_;
  std::unique_ptr<typename Service::Stub> stub_;
};

using AdminConnection = RpcConnection<llmgateway::v1::AdminService>;
using GatewayConnection = RpcConnection<llmgateway::v1::GatewayService>;

}  // namespace gateway

#endif  // CLIENTS_CLI_RPC_CONNECTION_H_
