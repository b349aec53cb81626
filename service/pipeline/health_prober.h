// HealthProber asks the providers that are configured so, now and then, which
// models they have, so that one that is down is known before a call meets it.
//
//   HealthProber prober(current_runtime);
//   loop.Post([&] { Spawn(prober.Run(loop, http)); });
//   ...
//   prober.Stop();  // From a thread that is not the loop's.
//
// Each is asked every `interval` of its settings, give or take a tenth, with
// the gateway's own credential, and has `timeout` for the answer. It fails a
// probe where a call would have failed by its own fault (errors/verdict.h), or
// by the time that it takes. What comes of probes is kept in
// service/resilience/provider_probes.h: it opens no circuit, but routing
// prefers other providers meanwhile. The log tells when that begins and when it
// ends.
//
// Another configuration holds from the next look on, which is at most
// kLookInterval later.
//
// Thread contract: Run on one event loop, once; Stop from another thread.

#ifndef SERVICE_PIPELINE_HEALTH_PROBER_H_
#define SERVICE_PIPELINE_HEALTH_PROBER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class HealthProber {
 public:
  static constexpr absl::Duration kLookInterval = absl::Seconds(1);

  // Borrows it.
  explicit HealthProber(const CurrentRuntime& current) : current_(current) {}

  HealthProber(const HealthProber&) = delete;
  HealthProber& operator=(const HealthProber&) = delete;

  // Probes until Stop, and returns when the last probe has ended.
  Task<void> Run(EventLoop& loop, HttpClient& http);

  // Cancels what is under way, and returns once Run has. REQUIRES: Run was
  // posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // Cancels what is under way; on the loop.
  void StopOnLoop();

 private:
  using Check = ::llmgateway::config::v1::HealthCheckConfig;
  using Runtime = std::shared_ptr<const RuntimeSnapshot>;

  // What is known of a provider that is probed.
  struct Probed {
    absl::Duration due;  // Steady.
    bool asking = false;
    // Whether the last configuration wants it probed.
    bool wanted = false;
  };

  // Begins the probes that are due, and returns how long to wait for the next
  // look.
  absl::Duration Look(EventLoop& loop, HttpClient& http);
  void ForgetOthers(const RuntimeSnapshot& runtime);
  Task<void> Probe(EventLoop& loop, HttpClient& http, Runtime runtime,
                   std::string name, Check check);
  static Task<absl::Status> Ask(EventLoop& loop, HttpClient& http,
                                CancelSignal& over,
                                const RuntimeSnapshot& runtime,
                                const Provider& provider);
  static void Record(ProviderProbes& probes, absl::Time now,
                     const std::string& name, const absl::Status& outcome,
                     bool timed_out);

  const CurrentRuntime& current_;
  Latch ended_;

  // Of the loop.
  CancelSignal stop_;
  std::map<std::string, Probed> probed_;
  int open_ = 0;  // Probes under way.
  WakeUp closed_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_HEALTH_PROBER_H_
