// RpcMetrics counts what becomes of the connections of one loop's gRPC
// listener, and of the calls that no handler gets to see, which are in no
// access log:
//
//   llmgw_grpc_connections{listener}                       open now
//   llmgw_grpc_connections_accepted_total{listener}
//   llmgw_grpc_connections_closed_total{listener,reason}   see RpcClose
//   llmgw_grpc_calls_refused_total{listener,reason}        of errors.proto, or
//                                                          NOT_GRPC
//
// The peer of a connection that is closed for what it did is logged, in one
// line per kRpcLogInterval at most.
//
// Thread contract: one event loop.

#ifndef SERVICE_RPC_RPC_METRICS_H_
#define SERVICE_RPC_RPC_METRICS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/observability/log_pace.h"
#include "service/observability/metrics.h"

namespace gateway {

inline constexpr absl::Duration kRpcLogInterval = absl::Seconds(10);

// Why a connection was closed.
enum class RpcClose {
  kDone,      // By the peer, idle, drained or old, with nothing under way.
  kLost,      // It broke off, answered no pings or outlasted its grace.
  kLimit,     // Over the limit of connections, or to make room for another.
  kProtocol,  // The peer broke HTTP/2.
  kFlood,     // The peer sent a flood; see flood_metric.h.
  kTimeout,   // The peer did not finish its handshake, or does not read.
  kTls,       // The peer's TLS handshake failed.
};

// What is left of a text of a caller's that may be logged.
using WithoutKeys = std::function<std::string(std::string_view text)>;

class RpcMetrics {
 public:
  // Borrows `registry`; without one nothing is counted. What a refused call has
  // named is logged as `without_keys` leaves it, if there is one.
  RpcMetrics(std::string_view listener, MetricRegistry* registry,
             WithoutKeys without_keys = nullptr);

  RpcMetrics(const RpcMetrics&) = delete;
  RpcMetrics& operator=(const RpcMetrics&) = delete;

  void ConnectionOpened();
  // Counts a connection that was open.
  void ConnectionClosed(RpcClose close, std::string_view peer,
                        const absl::Status& why);
  // As above, with what an Http2Session says of its end.
  void SessionEnded(std::string_view peer, const absl::Status& why);
  // Counts a connection beyond the limit, which was not opened.
  void ConnectionRefused(std::string_view peer);

  // Counts a call that ended before its handler did anything, and logs it with
  // its peer: at most one line per kRpcLogInterval.
  struct RefusedCall {
    std::string_view method;  // Any of these may be empty.
    std::string_view peer;
    std::string_view request_id;
  };
  void CallRefused(const absl::Status& why, const RefusedCall& call);
  void PlainRequestRefused();

 private:
  void CountClose(RpcClose close);
  void CountRefusal(std::string_view reason);
  void LogClose(RpcClose close, std::string_view peer, const absl::Status& why);

  const std::string listener_;
  const WithoutKeys without_keys_;
  MetricShard* const shard_;  // Null if nothing is counted.
  LogPace closes_{kRpcLogInterval};
  LogPace refusals_{kRpcLogInterval};
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_METRICS_H_
