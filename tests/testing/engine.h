// Engine is one of the servers of a MethodTable, whichever it is: tests that
// hold all engines to the same take its name and know no more of it.
//
//   auto engine = StartEngine("grpc_core", {.table = &table,
//                                           .loops = {&thread.loop()}});
//   Call(engine->port());
//   engine->Drain(absl::Seconds(1));
//
// An engine that is to be tested gets its line in engine.cc.
//
// Thread contract: one thread that is none of the loops, which must run until
// the engine is gone.

#ifndef TESTS_TESTING_ENGINE_H_
#define TESTS_TESTING_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "service/api/health.h"
#include "service/api/method_table.h"

namespace gateway {

class Engine {
 public:
  // PEM texts.
  struct Tls {
    std::string cert_chain;
    std::string private_key;
  };

  // What every engine can be told; the rest is as it is by default.
  struct Options {
    int port = 0;  // Of 127.0.0.1; 0 lets the system choose.

    // REQUIRES: not null, and both outlive the engine.
    const MethodTable* table = nullptr;
    // REQUIRES: at least one.
    std::vector<EventLoop*> loops;

    HealthService* health = nullptr;  // May be null.
    std::optional<Tls> tls;           // Plaintext if absent.
  };

  // Cancels what is under way.
  virtual ~Engine() = default;

  virtual int port() const = 0;

  // Refuses new calls, gives the others until `grace`, and shuts down.
  virtual void Drain(absl::Duration grace) = 0;
};

// All engines that there are.
std::vector<std::string_view> EngineNames();

// NOT_FOUND for a name that is none of them; otherwise fails as they do.
absl::StatusOr<std::unique_ptr<Engine>> StartEngine(
    std::string_view name, const Engine::Options& options);

}  // namespace gateway

#endif  // TESTS_TESTING_ENGINE_H_
