#include "service/loop_runtime.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/latch.h"
#include "base/async/memory_trimmer.h"
#include "base/async/task.h"
#include "base/http/http_server.h"
#include "base/http/negotiating_http_client.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "service/api/call_faults.h"
#include "service/http/refusal_watch.h"
#include "service/identity/remembered_callers.h"
#include "service/observability/upstream_metrics.h"
#include "service/pipeline/recorder.h"

namespace gateway {
namespace {

// How long until it is looked again whether a connection that is to be closed
// carries something.
constexpr absl::Duration kCloseInterval = absl::Seconds(1);
// Tokens and certificates of so many callers are verified once.
constexpr size_t kRememberedCallers = 4096;

std::optional<CallSummary::Shard> SummaryShardOf(
    const LoopRuntime::Shared& shared) {
  if (shared.summary == nullptr) return std::nullopt;
  return shared.summary->AddShard();
}

}  // namespace

struct LoopRuntime::ServedListener {
  std::string name;
  std::unique_ptr<HttpHandler> handler;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Listener> listener;  // Null while draining.
  bool outlives_drain = false;
};

struct LoopRuntime::OnLoop {
  OnLoop(EventLoop& loop, int index, const Shared& shared)
      : client(shared.resolver),
        runtime(shared.runtime),
        recorder(
            shared.access_log == nullptr ? nullptr
                                         : &shared.access_log->AddShard(),
            shared.metrics.AddShard(), shared.feed, &shared.health.AddShard(),
            index, SummaryShardOf(shared),
            shared.tracer == nullptr
                ? nullptr
                : &shared.tracer->shard(static_cast<size_t>(index)),
            shared.alerts == nullptr ? nullptr : &shared.alerts->AddShard()),
        services{loop,     client,           runtime,
                 recorder, shared.responses, shared.refusals},
        trimmer(loop) {
    if (shared.digester != nullptr) {
      remembered.emplace(kRememberedCallers, *shared.digester, SystemClock());
      RememberedCallers::SetCurrent(&*remembered);
    }
    if (shared.redis.options != nullptr) {
      redis.emplace(shared.resolver, shared.redis);
    }
  }
  ~OnLoop() { RememberedCallers::SetCurrent(nullptr); }

  // The least that requests may take, for the largest to find room.
  size_t request_bytes_min = 0;

  NegotiatingHttpClient client;
  CachedRuntime runtime;
  std::optional<RememberedCallers> remembered;
  Recorder recorder;
  LoopServices services;
  MemoryTrimmer trimmer;
  std::vector<ServedListener> listeners;
  std::optional<Timer> close_unused;
  std::optional<LoopRedis> redis;
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
    opened = Open(index, std::move(listeners));
    done.Open();
  });
  done.Wait();
  return opened;
}

absl::Status LoopRuntime::Open(int index, std::vector<HttpListener> listeners) {
  WorkerPool::SetCurrent(&shared_.work);
  on_loop_ = std::make_unique<OnLoop>(*loop_, index, shared_);
  const NegotiatingHttpClient& client = on_loop_->client;
  AddUpstreamMetrics(client.http1().shared_stats(), shared_.registry);
  AddUpstreamMetrics(client.http2().shared_stats(), shared_.registry);
  for (const HttpListener& listener : listeners) {
    on_loop_->request_bytes_min =
        std::max(on_loop_->request_bytes_min, 2 * listener.limits.body_bytes);
  }
  SetMemoryLimits(shared_.request_bytes_limit, shared_.answer_bytes_limit);
  for (HttpListener& listener : listeners) {
    GATEWAY_RETURN_IF_ERROR(HttpServer::CheckLimits(listener.limits));
    ServedListener& served = on_loop_->listeners.emplace_back();
    served.name = listener.name;
    served.outlives_drain = listener.outlives_drain;
    served.handler = listener.handler(on_loop_->services);
    if (listener.cors != nullptr) {
      served.handler = std::make_unique<CorsHandler>(std::move(listener.cors),
                                                     std::move(served.handler),
                                                     listener.refusals);
    }
    if (listener.refusals != nullptr) {
      served.handler = std::make_unique<RefusalWatch>(
          *listener.refusals, std::move(served.handler));
    }
    served.server = std::make_unique<HttpServer>(*served.handler,
                                                 listener.limits, listener.tls);
    HttpServer* const server = served.server.get();
    GATEWAY_ASSIGN_OR_RETURN(
        served.listener,
        Listener::Open(
            *listener.address,
            [server](std::unique_ptr<Stream> stream) {
              server->Accept(std::move(stream));
            },
            listener.outlives_drain ? nullptr : shared_.callers));
  }
  return absl::OkStatus();
}

void LoopRuntime::SetMemoryLimits(size_t request_bytes_limit,
                                  size_t answer_bytes_limit) {
  loop_->request_bytes().SetLimit(
      std::max(request_bytes_limit, on_loop_->request_bytes_min));
  loop_->answer_bytes().SetLimit(answer_bytes_limit);
}

void LoopRuntime::Change(std::shared_ptr<const Changes> changes) {
  loop_->Post([this, changes = std::move(changes)] {
    if (on_loop_ == nullptr) return;  // It has ended meanwhile.
    on_loop_->runtime.Get();
    SetMemoryLimits(changes->request_bytes_limit, changes->answer_bytes_limit);
    for (ServedListener& served : on_loop_->listeners) {
      const auto tls = changes->tls.find(served.name);
      if (tls != changes->tls.end()) served.server->SetTls(tls->second);
    }
  });
}

void LoopRuntime::CloseUnused() {
  loop_->Post([this] {
    if (on_loop_ != nullptr) CloseUnusedOnLoop();
  });
}

void LoopRuntime::CloseUnusedOnLoop() {
  if (!on_loop_->client.CloseUnused()) return;
  std::optional<Timer>& timer = on_loop_->close_unused;
  if (!timer.has_value()) timer.emplace([this] { CloseUnusedOnLoop(); });
  loop_->ArmTimer(*timer, kCloseInterval);
}

LoopServices& LoopRuntime::services() { return on_loop_->services; }

void LoopRuntime::Drain(absl::Duration grace,
                        std::function<void()> on_drained) {
  if (loop_ == nullptr) {
    on_drained();  // The loop could not be made, so nothing ever ran on it.
    return;
  }
  loop_->Post([this, grace, on_drained = std::move(on_drained)] {
    Spawn(DrainOnLoop(grace, on_drained));
  });
}

std::vector<LoopRuntime::ServedListener*> LoopRuntime::DrainingListeners() {
  std::vector<ServedListener*> listeners;
  for (ServedListener& served : on_loop_->listeners) {
    if (!served.outlives_drain) listeners.push_back(&served);
  }
  return listeners;
}

Task<void> LoopRuntime::DrainOnLoop(absl::Duration grace,
                                    std::function<void()> on_drained) {
  const std::vector<ServedListener*> listeners = DrainingListeners();
  Timer last_word([&listeners] {
    for (ServedListener* served : listeners) served->server->CloseAll();
  });
  Timer grace_over([this, &listeners, &last_word] {
    for (ServedListener* served : listeners)
      served->server->CancelAll(Draining());
    loop_->ArmTimer(last_word, kLastWordTimeout);
  });
  for (ServedListener* served : listeners) {
    served->listener.reset();
    served->server->Drain();
  }
  loop_->ArmTimer(grace_over, grace);
  for (ServedListener* served : listeners) {
    while (served->server->connections() > 0) {
      co_await served->server->drained().Wait();
    }
  }
  on_drained();
}

Task<void> LoopRuntime::CloseOnLoop() {
  for (ServedListener& served : on_loop_->listeners) {
    served.listener.reset();
    served.server->CloseAll();
    while (served.server->connections() > 0) {
      co_await served.server->drained().Wait();
    }
  }
  co_await on_loop_->client.Close();
  if (on_loop_->redis.has_value()) co_await on_loop_->redis->Close();
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

void AwaitLoops(const std::vector<std::unique_ptr<LoopRuntime>>& loops) {
  Latch done(static_cast<int>(loops.size()));
  for (const auto& each : loops) {
    each->loop().Post([&done] { done.Open(); });
  }
  done.Wait();
}

}  // namespace gateway
