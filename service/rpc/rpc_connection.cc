#include "service/rpc/rpc_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/timer_wheel.h"
#include "service/rpc/plain_answer.h"
#include "service/rpc/size_fault.h"

namespace gateway {

RpcConnection::RpcConnection(RpcListener& listener,
                             std::unique_ptr<Stream> stream)
    : listener_(listener),
      peer_(std::make_shared<RpcPeer>(stream->PeerAddress(), listener.kept_,
                                      listener.inflating_)),
      stream_(std::move(stream)) {}

void RpcConnection::Start() {
  if (listener_.tls_ == nullptr) {
    StartSession();
  } else {
    Spawn(Secure());
  }
}

Task<void> RpcConnection::Secure() {
  Timer too_slow([this] { stream_->Close(/*reset=*/true); });
  EventLoop::Current()->ArmTimer(too_slow,
                                 listener_.limits_.http2.handshake_timeout);
  const std::string nobody;
  const absl::Status secured =
      co_await stream_->StartTls(*listener_.tls_, nobody);
  too_slow.Cancel();
  if (secured.ok() && stream_->alpn() == "h2") {
    StartSession();
    co_return;
  }
  stream_->Close();
  listener_.Remove(this);
  delete this;
}

void RpcConnection::StartSession() {
  Http2Session::Owner& owner = *this;
  session_ = std::make_unique<Http2Session>(Http2Session::Role::kServer,
                                            std::move(stream_),
                                            listener_.limits_.http2, owner);
  session_->Start();
  if (listener_.retiring_) session_->Drain();
}

void RpcConnection::Drain() {
  if (session_ != nullptr) session_->Drain();
}

void RpcConnection::Close() {
  if (session_ != nullptr) {
    session_->Close(absl::OkStatus());
  } else {
    stream_->Close(/*reset=*/true);
  }
}

void RpcConnection::OnRequest(Http2Stream& stream,
                              absl::Span<const HttpField> fields, bool ended) {
  const RequestHead head =
      ReadRequestHead(fields, listener_.limits_.metadata);
  if (head.http_status != 200) {
    return PlainAnswer::Start(stream, head, ended);
  }
  if (!head.status.ok()) {
    return RefuseCall(stream, head.request_id, head.status);
  }
  const Method* const method = listener_.table_.Find(head.path);
  if (method == nullptr) {
    return RefuseCall(stream, head.request_id,
                      listener_.table_.Unimplemented(head.path));
  }
  RpcCall::Start(stream, fields, head, *method, peer_,
                 listener_.limits_.call, listener_.calls_);
}

void RpcConnection::OnOversizedRequest(Http2Stream& stream) {
  const size_t limit = listener_.limits_.metadata.bytes;
  RefuseCall(stream, "",
             SizeFault(absl::StrCat("metadata has more than ", limit, " bytes"),
                       limit));
}

void RpcConnection::OnEnded(const absl::Status&) {
  listener_.Remove(this);
  delete this;
}

}  // namespace gateway
