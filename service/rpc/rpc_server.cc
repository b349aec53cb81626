#include "service/rpc/rpc_server.h"

#include <utility>

#include "base/async/latch.h"
#include "base/os/mutex.h"
#include "base/status_macros.h"
#include "service/api/call_faults.h"

namespace gateway {

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(Options options) {
  GATEWAY_RETURN_IF_ERROR(options.table->status());
  GATEWAY_RETURN_IF_ERROR(CheckHttp2Limits(options.limits.http2));
  if (options.loops.empty()) {
    return absl::InvalidArgumentError("a gRPC server needs an event loop");
  }
  GATEWAY_ASSIGN_OR_RETURN(ListenAddress address,
                           BindAddress(options.address));
  std::unique_ptr<RpcServer> server(
      new RpcServer(std::move(options), std::move(address)));
  GATEWAY_RETURN_IF_ERROR(server->Open());
  return server;
}

RpcServer::RpcServer(Options options, ListenAddress address)
    : options_(std::move(options)), address_(std::move(address)) {}

RpcServer::~RpcServer() { Shutdown(); }

absl::Status RpcServer::Open() {
  for (EventLoop* loop : options_.loops) listeners_.push_back({loop, nullptr});
  Mutex mu;
  absl::Status opened;
  OnEachLoop([&](OnLoop& here) {
    here.listener = std::make_unique<RpcListener>(
        *options_.table, options_.limits, options_.tls, options_.name,
        options_.metrics, options_.without_keys);
    const absl::Status status =
        here.listener->Open(address_, options_.callers);
    MutexLock lock(mu);
    opened.Update(status);
  });
  return opened;
}

void RpcServer::OnEachLoop(const std::function<void(OnLoop&)>& work) {
  Latch done(static_cast<int>(listeners_.size()));
  for (OnLoop& here : listeners_) {
    here.loop->Post([&] {
      work(here);
      done.Open();
    });
  }
  if (!listeners_.empty()) done.Wait();
}

void RpcServer::SetTls(const std::shared_ptr<TlsContext>& tls) {
  OnEachLoop([&tls](OnLoop& here) { here.listener->SetTls(tls); });
}

size_t RpcServer::running_calls() const {
  size_t running = 0;
  for (const OnLoop& here : listeners_) {
    running += here.listener->running_calls();
  }
  return running;
}

void RpcServer::StartDraining() {
  if (options_.health != nullptr) options_.health->StopServing();
  OnEachLoop([](OnLoop& here) { here.listener->StartDraining(); });
}

bool RpcServer::AwaitIdle(absl::Duration timeout) {
  // Shared, since a loop may get there after the time ran out.
  const auto idle =
      std::make_shared<Latch>(static_cast<int>(listeners_.size()));
  OnEachLoop(
      [&](OnLoop& here) { here.listener->WhenIdle([idle] { idle->Open(); }); });
  return listeners_.empty() || idle->WaitFor(timeout);
}

bool RpcServer::AwaitGone(absl::Duration timeout) {
  const auto gone =
      std::make_shared<Latch>(static_cast<int>(listeners_.size()));
  OnEachLoop([&](OnLoop& here) {
    here.listener->WhenGone([gone] { gone->Open(); });
  });
  return gone->WaitFor(timeout);
}

void RpcServer::Drain(absl::Duration grace) {
  StartDraining();
  AwaitIdle(grace);
  Shutdown();
}

void RpcServer::Shutdown() {
  if (listeners_.empty()) return;
  if (options_.health != nullptr) options_.health->StopServing();
  OnEachLoop([](OnLoop& here) {
    here.listener->Retire();
    here.listener->calls().CancelAll(Draining());
  });
  if (!AwaitGone(kFarewell)) {
    OnEachLoop([](OnLoop& here) { here.listener->CloseAll(); });
    AwaitGone(absl::InfiniteDuration());
  }
  OnEachLoop([](OnLoop& here) { here.listener.reset(); });
  listeners_.clear();
}

}  // namespace gateway
