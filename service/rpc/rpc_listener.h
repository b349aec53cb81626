// RpcListener is the native engine on one loop: it accepts connections, and
// every call of a connection lives and dies on this loop.
//
//   RpcListener listener(table, limits, tls);
//   GATEWAY_RETURN_IF_ERROR(listener.Open(address));
//   ...
//   listener.StartDraining();
//   listener.WhenIdle([&] { ... });
//
// Thread contract: one event loop, but for running_calls().

#ifndef SERVICE_RPC_RPC_LISTENER_H_
#define SERVICE_RPC_RPC_LISTENER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/http2_session.h"
#include "base/memory/byte_budget.h"
#include "base/net/connection_quota.h"
#include "base/net/listener.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "service/api/method_table.h"
#include "service/observability/metrics.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/request_head.h"
#include "service/rpc/rpc_call.h"
#include "service/rpc/rpc_calls.h"
#include "service/rpc/rpc_metrics.h"

namespace gateway {

class RpcConnection;

// What a listener allows its clients.
struct RpcLimits {
  Http2Limits http2;
  MetadataLimits metadata;
  RpcCall::Limits call;
  // For each loop: the most connections, beyond which the oldest without a call
  // makes room for a new one, which is closed if there is none; and the most
  // bytes of requests that came in more than one piece, of all connections
  // together, until their calls end. The latter are within the loop's own
  // budget.
  size_t connections = 16 * 1024;
  size_t request_buffer_bytes = 128 * 1024 * 1024;
  // The same for answers of public methods that wait for the client.
  size_t unsent_bytes = 16 * 1024 * 1024;
};

class RpcListener {
 public:
  // Borrows `table`, `limits` and `metrics`. `tls` may be null; its ALPN must
  // offer `h2`. If `metrics` is null nothing is counted; `name` is the
  // listener's name there. `without_keys` is RpcMetrics'.
  RpcListener(const MethodTable& table, const RpcLimits& limits,
              std::shared_ptr<TlsContext> tls, std::string_view name = "grpc",
              MetricRegistry* metrics = nullptr,
              WithoutKeys without_keys = nullptr);
  // REQUIRES: no connections and no calls.
  ~RpcListener();

  RpcListener(const RpcListener&) = delete;
  RpcListener& operator=(const RpcListener&) = delete;

  // `callers`, which may be null, must outlive all connections.
  absl::Status Open(const ListenAddress& address,
                    ConnectionQuota* callers = nullptr);

  // Secures connections by `tls` from the next one on. REQUIRES: neither it nor
  // the one before is null.
  void SetTls(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }

  // Stops accepting, and tells each connection that it will end. Calls that are
  // on their way meanwhile are served, so that no client sees one fail
  // (docs/adr/0034). Each connection closes once its calls have ended.
  void StartDraining();

  // Calls `then` once no call holds the drain up and, while draining, none can
  // come any more.
  void WhenIdle(std::function<void()> then);

  // Drains, and refuses calls that still come.
  void Retire();

  // Closes every connection now.
  void CloseAll();

  // Calls `then` once there are no connections and no calls.
  void WhenGone(std::function<void()> then);

  RpcCalls& calls() { return calls_; }
  // May be called from any thread.
  size_t running_calls() const { return calls_.running(); }

 private:
  friend class RpcConnection;

  void Accept(std::unique_ptr<Stream> stream);
  void Remove(RpcConnection* connection);
  // No further call can come on `connection`.
  void OnLastCall(RpcConnection& connection);
  bool GiveUpOldest();
  void CallWaiters();
  bool is_draining() const { return listener_ == nullptr; }

  const MethodTable& table_;
  const RpcLimits& limits_;
  std::shared_ptr<TlsContext> tls_;
  ByteBudget kept_;  // Outlives the calls, as the next three do.
  ByteBudget unsent_;
  InflateAllowance inflating_;
  RpcMetrics metrics_;
  RpcCalls calls_;
  // All connections, an intrusive list from the newest to the oldest.
  RpcConnection* first_ = nullptr;
  RpcConnection* last_ = nullptr;
  size_t connections_ = 0;
  size_t calling_ = 0;  // Those on which calls may come.
  std::function<void()> when_idle_;
  std::function<void()> when_gone_;
  std::unique_ptr<Listener> listener_;  // Null while draining.
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_LISTENER_H_
