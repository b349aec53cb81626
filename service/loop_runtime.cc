#include "service/loop_runtime.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/latch.h"
#include "base/async/memory_trimmer.h"
#include "base/async/task.h"
#include "base/http/http_server.h"
#include "base/http/negotiating_http_client.h"
#include "base/status_macros.h"
#include "service/api/call_faults.h"
#include "service/http/refusal_watch.h"
#include "service/observability/upstream_metrics.h"
#include "service/pipeline/recorder.h"

namespace gateway {
namespace {

// For answers that are on their way when everything else is over.
constexpr absl::Duration kLastWordTimeout = absl::Seconds(2);

}  // namespace

struct LoopRuntime::Door {
  std::unique_ptr<HttpHandler> handler;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Listener> listener;  // Null while draining.
  bool outlives_drain = false;
};

struct LoopRuntime::OnLoop {
  explicit OnLoop(EventLoop& loop, const Shared& shared)
      : client(shared.resolver),
        wiring(shared.wiring),
        recorder(shared.access_log == nullptr ? nullptr
                                              : &shared.access_log->AddLane(),
                 shared.metrics.AddLane(), shared.feed,
                 &shared.health.AddLane()),
        services{loop,     client,           wiring,
                 recorder, shared.responses, shared.refusals},
        trimmer(loop) {}

  NegotiatingHttpClient client;
  LoopWiring wiring;
  Recorder recorder;
  LoopServices services;
  MemoryTrimmer trimmer;
  std::vector<Door> doors;
};

LoopRuntime::LoopRuntime(const Shared& shared) : shared_(shared) {}

LoopRuntime::~LoopRuntime() { assert(on_loop_ == nullptr); }

absl::Status LoopRuntime::Start(int index,
                                std::vector<HttpListener> listeners) {
  GATEWAY_ASSIGN_OR_RETURN(loop_, EventLoop::Create());
  thread_ = Thread(absl::StrCat("loop-", index), [this] { loop_->Run(); });
  absl::Status opened;
  Latch done;
  loop_->Post([&] {
    opened = Open(std::move(listeners));
    done.Open();
  });
  done.Wait();
  return opened;
}

absl::Status LoopRuntime::Open(std::vector<HttpListener> listeners) {
  WorkerPool::SetCurrent(&shared_.work);
  on_loop_ = std::make_unique<OnLoop>(*loop_, shared_);
  const NegotiatingHttpClient& client = on_loop_->client;
  AddUpstreamMetrics(client.http1().shared_stats(), shared_.registry);
  AddUpstreamMetrics(client.http2().shared_stats(), shared_.registry);
  size_t request_bytes = shared_.request_bytes_limit;
  for (const HttpListener& listener : listeners) {
    request_bytes = std::max(request_bytes, 2 * listener.limits.body_bytes);
  }
  loop_->request_bytes().SetLimit(request_bytes);
  loop_->answer_bytes().SetLimit(shared_.answer_bytes_limit);
  for (HttpListener& listener : listeners) {
    GATEWAY_RETURN_IF_ERROR(HttpServer::CheckLimits(listener.limits));
    Door& door = on_loop_->doors.emplace_back();
    door.outlives_drain = listener.outlives_drain;
    door.handler = listener.handler(on_loop_->services);
    if (listener.cors != nullptr) {
      door.handler = std::make_unique<CorsHandler>(std::move(listener.cors),
                                                   std::move(door.handler),
                                                   listener.refusals);
    }
    if (listener.refusals != nullptr) {
      door.handler = std::make_unique<RefusalWatch>(*listener.refusals,
                                                    std::move(door.handler));
    }
    door.server = std::make_unique<HttpServer>(*door.handler, listener.limits,
                                                listener.tls);
    HttpServer* const server = door.server.get();
    GATEWAY_ASSIGN_OR_RETURN(
        door.listener, Listener::Open(*listener.address,
                                      [server](std::unique_ptr<Stream> stream) {
                                        server->Accept(std::move(stream));
                                      },
                                      listener.outlives_drain
                                          ? nullptr
                                          : shared_.callers));
  }
  return absl::OkStatus();
}

LoopServices& LoopRuntime::services() { return on_loop_->services; }

void LoopRuntime::Drain(absl::Duration grace,
                        std::function<void()> on_drained) {
  if (loop_ == nullptr) {
    on_drained();  // The loop could not be made; nothing was ever on it.
    return;
  }
  loop_->Post([this, grace, on_drained = std::move(on_drained)] {
    Spawn(DrainOnLoop(grace, on_drained));
  });
}

std::vector<LoopRuntime::Door*> LoopRuntime::DrainingDoors() {
  std::vector<Door*> doors;
  for (Door& door : on_loop_->doors) {
    if (!door.outlives_drain) doors.push_back(&door);
  }
  return doors;
}

Task<void> LoopRuntime::DrainOnLoop(absl::Duration grace,
                                    std::function<void()> on_drained) {
  const std::vector<Door*> doors = DrainingDoors();
  Timer last_word([&doors] {
    for (Door* door : doors) door->server->CloseAll();
  });
  Timer grace_over([this, &doors, &last_word] {
    for (Door* door : doors) door->server->CancelAll(Draining());
    loop_->ArmTimer(last_word, kLastWordTimeout);
  });
  for (Door* door : doors) {
    door->listener.reset();
    door->server->Drain();
  }
  loop_->ArmTimer(grace_over, grace);
  for (Door* door : doors) {
    while (door->server->connections() > 0) {
      co_await door->server->drained().Wait();
    }
  }
  on_drained();
}

Task<void> LoopRuntime::CloseOnLoop() {
  for (Door& door : on_loop_->doors) {
    door.listener.reset();
    door.server->CloseAll();
    while (door.server->connections() > 0) {
      co_await door.server->drained().Wait();
    }
  }
  co_await on_loop_->client.Close();
  on_loop_.reset();
}

void LoopRuntime::Stop() {
  if (loop_ == nullptr) return;
  Latch done;
  loop_->Post([this, &done] {
    Spawn([](LoopRuntime* self, Latch* done) -> Task<void> {
      if (self->on_loop_ != nullptr) co_await self->CloseOnLoop();
      done->Open();
    }(this, &done));
  });
  done.Wait();
  loop_->Stop();
  thread_.Join();
}

}  // namespace gateway
