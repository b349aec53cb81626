// GrpcServer is the gRPC C++ engine: it serves a MethodTable through the
// library's generic callback service. Each call is handed to one event loop
// and lives there; the library's threads only carry bytes.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       auto server, GrpcServer::Start({.address = "127.0.0.1:50052",
//                                       .table = &table,
//                                       .loops = loops,
//                                       .health = &health}));
//   Log(..., server->port());
//   ...
//   server->Drain(absl::Seconds(30));  // Not ready, nothing new, then the end.
//
// Identity encoding only: a compressed request is refused. The library keeps a
// whole message in memory before it looks at the limit, and inflates without a
// bound; that is why it is not asked to inflate at all, and why the memory of
// all its connections together has a quota.
//
// Thread contract: Start, Drain and Shutdown by one thread that is none of the
// loops. The loops must run until Shutdown has returned.

#ifndef SERVICE_GRPC_GRPC_SERVER_H_
#define SERVICE_GRPC_GRPC_SERVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/secret.h"
#include "service/api/health.h"
#include "service/api/method_table.h"
#include "service/observability/refusal_log.h"

namespace gateway {

class GrpcServer {
 public:
  // Certificates and key, in PEM.
  struct Tls {
    std::string cert_chain;
    Secret private_key;
    // If set, clients must show a certificate that one of these issued.
    std::string client_ca;
  };

  struct Options {
    // The address as `host:port`; with port 0 the system chooses.
    std::string address;

    // REQUIRES: not null, and both outlive the server.
    const MethodTable* table = nullptr;
    // REQUIRES: at least one.
    std::vector<EventLoop*> loops;

    // Records calls whose method is not in the table; may be null.
    RefusalLog* refusals = nullptr;

    // Set to NOT_SERVING first of all when the server drains; may be null.
    HealthService* health = nullptr;

    std::optional<Tls> tls;  // Not set for plaintext.

    int64_t receive_message_bytes_limit = 4 * 1024 * 1024;
    int64_t metadata_bytes_limit = 16 * 1024;
    int concurrent_streams_limit = 1024;  // For one connection.
    int64_t memory_bytes_limit = 512 * 1024 * 1024;

    absl::Duration handshake_timeout = absl::Seconds(10);
    // A silent connection is pinged after the first, and closed if nothing
    // comes within the second.
    absl::Duration keepalive_time = absl::Minutes(2);
    absl::Duration keepalive_timeout = absl::Seconds(20);
    // Clients that ping more often than this are disconnected.
    absl::Duration client_ping_interval_min = absl::Seconds(10);
    absl::Duration connection_idle_max = absl::InfiniteDuration();
    absl::Duration connection_age_max = absl::InfiniteDuration();
    absl::Duration connection_age_grace = absl::InfiniteDuration();

    // Also serve grpc.channelz.v1, which tells all about every channel and
    // server of the process. The library then adds it to each server that is
    // started later, so this one must be the last.
    bool channelz = false;
  };

  // Starts the server. INVALID_ARGUMENT for options that are wrong, UNAVAILABLE
  // if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Options options);

  // Shuts down.
  ~GrpcServer();

  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // The port that the server listens on.
  int port() const { return port_; }

  // Shows another certificate from the next connection on. What cannot be used
  // changes nothing, with a line of the library's in the log. REQUIRES: it was
  // started with TLS, and with a client CA if `tls` has one.
  void SetTls(const Tls& tls);

  // Counts calls under way, without those that do not hold a drain up.
  size_t running_calls();

  // Reports NOT_SERVING, then refuses new calls with reason DRAINING. Calls
  // under way go on. Returns at once.
  void StartDraining();

  // Waits until no call is under way. Returns false if the time ran out.
  bool AwaitIdle(absl::Duration timeout);

  // Drains: gives calls under way until `grace` to finish, cancels the rest
  // with reason DRAINING, and shuts down.
  void Drain(absl::Duration grace);

  // Cancels all calls with reason DRAINING, closes all connections and waits
  // until every handler has ended.
  void Shutdown();

 private:
  struct Library;  // Holds what needs the library's headers.

  explicit GrpcServer(Options options);
  absl::Status Listen();

  const Options options_;
  int port_ = 0;
  std::unique_ptr<Library> library_;
};

}  // namespace gateway

#endif  // SERVICE_GRPC_GRPC_SERVER_H_
