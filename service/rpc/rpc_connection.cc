#include "service/rpc/rpc_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "service/rpc/plain_answer.h"
#include "service/rpc/size_fault.h"

namespace gateway {

RpcConnection::RpcConnection(RpcListener& listener,
                             std::unique_ptr<Stream> stream)
    : listener_(listener),
      peer_(std::make_shared<RpcPeer>(stream->PeerAddress(), listener.kept_,
                                      listener.unsent_, listener.inflating_,
                                      listener.metrics_)),
      stream_(std::move(stream)),
      handshake_timer_([this] { OnHandshakeTimeout(); }) {
  listener_.metrics_.ConnectionOpened();
}

void RpcConnection::Start() {
  if (listener_.tls_ == nullptr) {
    StartSession();
  } else {
    Spawn(Secure());
  }
}

Task<void> RpcConnection::Secure() {
  EventLoop::Current()->ArmTimer(handshake_timer_,
                                 listener_.limits_.http2.handshake_timeout);
  const std::string nobody;
  // Held until the handshake is over, since the listener may get another.
  const std::shared_ptr<TlsContext> tls = listener_.tls_;
  absl::Status secured = co_await stream_->StartTls(*tls, nobody);
  if (secured.ok() && stream_->alpn() == "h2") {
    peer_->names = stream_->peer_names();
    StartSession();
    co_return;
  }
  stream_->Close();
  if (secured.ok()) {
    secured = absl::UnimplementedError("the peer's ALPN does not ask for h2");
  }
  listener_.metrics_.ConnectionClosed(early_close_, peer_->address, secured);
  listener_.Remove(this);
  delete this;
}

void RpcConnection::OnHandshakeTimeout() {
  if (session_ == nullptr) {
    early_close_ = RpcClose::kTimeout;
    stream_->Close(/*reset=*/true);
  } else if (!session_->settings_received()) {
    // Closed here, since the session would give it as much time again.
    session_->Close(absl::DeadlineExceededError(
        "the peer did not finish its TLS and HTTP/2 handshakes in time"));
  }
}

void RpcConnection::StartSession() {
  Http2Session::Owner& owner = *this;
  session_ = std::make_unique<Http2Session>(Http2Session::Role::kServer,
                                            std::move(stream_),
                                            listener_.limits_.http2, owner);
  session_->Start();
}

void RpcConnection::Drain() {
  if (session_ == nullptr) return Close();
  session_->Drain();
}

void RpcConnection::Close() {
  if (session_ != nullptr) {
    session_->Close(absl::OkStatus());
  } else {
    early_close_ = RpcClose::kDone;
    stream_->Close(/*reset=*/true);
  }
}

void RpcConnection::GiveUp() {
  given_up_ = true;
  if (session_ != nullptr) {
    session_->Close(absl::ResourceExhaustedError(
        "connections_limit is reached, and another took its place"));
  } else {
    early_close_ = RpcClose::kLimit;
    stream_->Close(/*reset=*/true);
  }
}

void RpcConnection::OnRequest(Http2Stream& stream,
                              absl::Span<const HttpField> fields, bool ended) {
  const RequestHead head =
      ReadRequestHead(fields, listener_.limits_.metadata);
  if (head.http_status != 200) {
    listener_.metrics_.PlainRequestRefused();
    return PlainAnswer::Start(stream, head, ended);
  }
  if (!head.status.ok()) {
    return RefuseCall(stream, *peer_, head, head.status);
  }
  const Method* const method = listener_.table_.Find(head.path);
  if (method == nullptr) {
    return RefuseCall(stream, *peer_, head,
                      listener_.table_.Unimplemented(head.path));
  }
  RpcCall::Start(stream, fields, head, *method, peer_,
                 listener_.limits_.call, listener_.calls_);
}

void RpcConnection::OnOversizedRequest(Http2Stream& stream) {
  const size_t limit = listener_.limits_.metadata.bytes;
  RefuseCall(stream, *peer_, RequestHead(),
             SizeFault(absl::StrCat("metadata has more than ", limit, " bytes"),
                       limit));
}

void RpcConnection::OnLastRequest() { listener_.OnLastCall(*this); }

void RpcConnection::OnEnded(const absl::Status& why) {
  listener_.metrics_.SessionEnded(peer_->address, why);
  listener_.Remove(this);
  delete this;
}

}  // namespace gateway
