// What is told of a call of a gateway that failed: whether it was the gateway
// that refused it, or nobody has answered, and what may help.
//
//   // no gateway answers at 127.0.0.1:50051: Connection refused
//   RpcFailureText(place, status)
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_RPC_HINT_H_
#define CLIENTS_CLI_RPC_HINT_H_

#include <grpcpp/support/status.h>

#include <string>

#include "clients/cli/rpc_connection.h"

namespace gateway {

// In one line, or as many as the gateway's words have.
std::string RpcFailureText(const RpcPlace& place, const grpc::Status& status);

// What newcomers mistake: the address, TLS, or the key. Empty where there is
// nothing to say, as of a connection that is lost after it `has_answered`.
std::string RpcHint(const RpcPlace& place, const grpc::Status& status,
                    bool has_answered = false);

}  // namespace gateway

#endif  // CLIENTS_CLI_RPC_HINT_H_
