// RpcConnection serves one client of an RpcListener: TLS, then an HTTP/2
// session, each of whose requests becomes an RpcCall or is refused.
//
// Thread contract: the listener's event loop. Deletes itself at its end.

#ifndef SERVICE_RPC_RPC_CONNECTION_H_
#define SERVICE_RPC_RPC_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/memory/recycler.h"
#include "base/net/stream.h"
#include "service/rpc/rpc_listener.h"
#include "service/rpc/rpc_metrics.h"

namespace gateway {

class RpcConnection final : public Recycled, private Http2Session::Owner {
 public:
  RpcConnection(RpcListener& listener, std::unique_ptr<Stream> stream);

  // Serves the client until the connection ends.
  void Start();

  // Tells the client to go elsewhere, takes the calls that it makes until it
  // knows, and ends with the last. During the TLS handshake it ends at once.
  void Drain();

  // Ends the connection now.
  void Close();

  // Ends the connection now, to make room for another.
  void GiveUp();

  // True while a call is under way.
  bool busy() const {
    return session_ != nullptr && session_->open_streams() > 0;
  }

 private:
  friend class RpcListener;
  ~RpcConnection() = default;

  Task<void> Secure();
  void OnHandshakeTimeout();
  void StartSession();
  void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                 bool ended) override;
  void OnOversizedRequest(Http2Stream& stream) override;
  void OnLastRequest() override;
  void OnEnded(const absl::Status& why) override;

  RpcListener& listener_;
  const std::shared_ptr<RpcPeer> peer_;
  std::unique_ptr<Stream> stream_;  // Null once the session has it.
  std::unique_ptr<Http2Session> session_;  // Null during the TLS handshake.
  // Why the connection ends, if it does before there is a session.
  RpcClose early_close_ = RpcClose::kTls;
  Timer handshake_timer_;  // With TLS: from the begin until HTTP/2's settings.

  bool given_up_ = false;
  bool may_call_ = true;  // False once no further call can come.

  // Links of the listener's list.
  RpcConnection* previous_ = nullptr;
  RpcConnection* next_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CONNECTION_H_
