// RpcServer is the native gRPC engine: it serves a MethodTable on event loops,
// with the HTTP/2 of base/http/http2_session.h.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       auto server, RpcServer::Start({.address = "127.0.0.1:50051",
//                                      .table = &table,
//                                      .loops = loops,
//                                      .health = &health}));
//   Log(..., server->port());
//   ...
//   server->Drain(absl::Seconds(30));  // Not ready, nothing new, then the end.
//
// Each loop accepts connections of its own, dealt out by the kernel, and a call
// never leaves the loop of its connection.
//
// Requests may be compressed with gzip or deflate, within the message limit and
// an allowance for what inflates to many times its size. Answers go as they
// are, except those of one message from 64 KiB to 1 MiB to a client that takes
// gzip: more would hold up the loop's other calls.
//
// Thread contract: Start, Drain and Shutdown by one thread that is none of the
// loops. The loops must run until Shutdown has returned.

#ifndef SERVICE_RPC_RPC_SERVER_H_
#define SERVICE_RPC_RPC_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/net/connection_quota.h"
#include "base/net/listener.h"
#include "base/net/tls_context.h"
#include "service/api/health.h"
#include "service/api/method_table.h"
#include "service/observability/metrics.h"
#include "service/rpc/rpc_listener.h"

namespace gateway {

class RpcServer {
 public:
  struct Options {
    // The address as `host:port`; with port 0 the system chooses.
    std::string address;

    // REQUIRES: not null, and both outlive the server.
    const MethodTable* table = nullptr;
    // REQUIRES: at least one.
    std::vector<EventLoop*> loops;

    // Set to NOT_SERVING first of all when the server drains; may be null.
    HealthService* health = nullptr;

    // Null for plaintext. Its ALPN must offer `h2`.
    std::shared_ptr<TlsContext> tls;

    RpcLimits limits;

    // Counts connections and refused calls under the listener's name; may be
    // null, and must outlive the server.
    MetricRegistry* metrics = nullptr;
    std::string name = "grpc";

    // Takes keys out of what refused calls have named, for the log. Called on
    // any of the loops; null to log it as it is.
    WithoutKeys without_keys;

    // The quota that connections take places in; may be null, and must outlive
    // the server.
    ConnectionQuota* callers = nullptr;
  };

  // Starts the server. INVALID_ARGUMENT for options that are wrong,
  // ALREADY_EXISTS or another error if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(Options options);

  // Shuts down.
  ~RpcServer();

  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // The port that the server listens on.
  int port() const { return address_.port(); }

  // Secures connections by `tls` from the next one on. REQUIRES: it was started
  // with TLS, and `tls` is not null.
  void SetTls(const std::shared_ptr<TlsContext>& tls);

  // Counts calls under way, without those that do not hold a drain up.
  size_t running_calls() const;

  // Reports NOT_SERVING, stops listening and tells every connection that it
  // will end. Calls under way go on, and those on their way are served.
  void StartDraining();

  // Waits until no call is under way and, while draining, none can come.
  // Returns false if the time ran out.
  bool AwaitIdle(absl::Duration timeout);

  // Drains: gives calls under way until `grace` to finish, cancels the rest
  // with reason DRAINING, and shuts down.
  void Drain(absl::Duration grace);

  // Cancels all calls with reason DRAINING, closes all connections and waits
  // until every handler has ended.
  void Shutdown();

 private:
  struct OnLoop {
    EventLoop* loop;
    std::unique_ptr<RpcListener> listener;  // Made and destroyed on the loop.
  };

  RpcServer(Options options, ListenAddress address);

  absl::Status Open();
  // Runs `work` for the listener of each loop, on that loop, and waits.
  void OnEachLoop(const std::function<void(OnLoop&)>& work);
  bool AwaitGone(absl::Duration timeout);

  const Options options_;
  const ListenAddress address_;
  std::vector<OnLoop> listeners_;  // Empty once shut down.
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_SERVER_H_
