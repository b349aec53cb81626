#include "service/rpc/rpc_listener.h"

#include <cassert>
#include <utility>

#include "base/os/clock.h"
#include "base/status_macros.h"
#include "service/rpc/rpc_connection.h"

namespace gateway {

RpcListener::RpcListener(const MethodTable& table, const RpcLimits& limits,
                         std::shared_ptr<TlsContext> tls, std::string_view name,
                         MetricRegistry* metrics, WithoutKeys without_keys)
    : table_(table),
      limits_(limits),
      tls_(std::move(tls)),
      kept_(limits.request_buffer_bytes,
            &EventLoop::Current()->request_bytes()),
      unsent_(limits.unsent_bytes),
      inflating_(limits.call.message_bytes, SystemClock()),
      metrics_(name, metrics, std::move(without_keys)) {}

RpcListener::~RpcListener() { assert(first_ == nullptr); }

absl::Status RpcListener::Open(const ListenAddress& address,
                               ConnectionQuota* callers) {
  const auto accept = [this](std::unique_ptr<Stream> stream) {
    Accept(std::move(stream));
  };
  GATEWAY_ASSIGN_OR_RETURN(listener_,
                           Listener::Open(address, accept, callers));
  return absl::OkStatus();
}

void RpcListener::Accept(std::unique_ptr<Stream> stream) {
  if (connections_ >= limits_.connections && !GiveUpOldest()) {
    metrics_.ConnectionRefused(stream->PeerAddress());
    return;
  }
  auto* const connection = new RpcConnection(*this, std::move(stream));
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection;
  if (last_ == nullptr) last_ = connection;
  first_ = connection;
  ++connections_;
  ++calling_;
  connection->Start();
}

// Closes the oldest connection without a call: silent clients must not keep
// others out, and gRPC's reconnect by themselves.
bool RpcListener::GiveUpOldest() {
  for (RpcConnection* at = last_; at != nullptr; at = at->previous_) {
    if (at->busy() || at->given_up_) continue;
    at->GiveUp();
    return true;
  }
  return false;
}

void RpcListener::Remove(RpcConnection* connection) {
  if (connection->previous_ != nullptr) {
    connection->previous_->next_ = connection->next_;
  } else {
    first_ = connection->next_;
  }
  if (connection->next_ != nullptr) {
    connection->next_->previous_ = connection->previous_;
  } else {
    last_ = connection->previous_;
  }
  --connections_;
  OnLastCall(*connection);
}

void RpcListener::OnLastCall(RpcConnection& connection) {
  if (std::exchange(connection.may_call_, false)) --calling_;
  CallWaiters();
}

void RpcListener::StartDraining() {
  listener_.reset();
  for (RpcConnection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Drain();
  }
}

void RpcListener::WhenIdle(std::function<void()> then) {
  when_idle_ = std::move(then);
  CallWaiters();
}

void RpcListener::Retire() {
  StartDraining();
  calls_.StartDraining();
}

void RpcListener::CloseAll() {
  // Closing takes effect at the end of the turn, so the list does not change
  // meanwhile.
  for (RpcConnection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Close();
  }
}

void RpcListener::WhenGone(std::function<void()> then) {
  when_gone_ = std::move(then);
  CallWaiters();
}

void RpcListener::CallWaiters() {
  const bool may_come = is_draining() && calling_ > 0;
  if (when_idle_ && !may_come) {
    calls_.WhenIdle(std::exchange(when_idle_, nullptr));
  }
  if (first_ == nullptr && when_gone_) {
    calls_.WhenGone(std::exchange(when_gone_, nullptr));
  }
}

}  // namespace gateway
