// AdminConnection asks a gateway's admin listener what operators ask.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const AdminConnection admin,
//       AdminConnection::Open({.address = "127.0.0.1:50052"}));
//   const absl::StatusOr<v1::Key> key =
//       admin.Call(&v1::AdminService::Stub::GetKey, request);
//
// Thread-safe; a call blocks, for ten seconds at most.

#ifndef CLIENTS_CLI_ADMIN_CONNECTION_H_
#define CLIENTS_CLI_ADMIN_CONNECTION_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {

// Where, and as whom.
struct AdminPlace {
  std::string address;  // As `host:port`.
  std::string key;      // The operator's; empty if none is to be shown.
  std::string ca_file;  // Asks over TLS, and trusts these; empty: in plaintext.
};

class AdminConnection {
 public:
  // Connects when it is first asked. Fails if the certificates cannot be read.
  static absl::StatusOr<AdminConnection> Open(AdminPlace place);

  // Errors have the gateway's code, and name it.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (llmgateway::v1::AdminService::Stub::*method)(
          grpc::ClientContext*, const Request&, Response*),
      const Request& request) const {
    grpc::ClientContext context;
    Prepare(context);
    Response response;
    const grpc::Status status = (*stub_.*method)(&context, request, &response);
    if (!status.ok()) return Failure(status);
    return response;
  }

 private:
  AdminConnection(AdminPlace place,
                  std::unique_ptr<llmgateway::v1::AdminService::Stub> stub)
      : place_(std::move(place)), stub_(std::move(stub)) {}

  void Prepare(grpc::ClientContext& context) const;
  absl::Status Failure(const grpc::Status& status) const;

  AdminPlace place_;
  std::unique_ptr<llmgateway::v1::AdminService::Stub> stub_;
};

}  // namespace gateway

#endif  // CLIENTS_CLI_ADMIN_CONNECTION_H_
