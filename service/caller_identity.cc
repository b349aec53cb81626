#include "service/caller_identity.h"

#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/os/random.h"

namespace gateway {
namespace {

// So long the start waits for keys.
constexpr absl::Duration kKeySetsTimeout = absl::Seconds(5);

}  // namespace

CallerIdentity::CallerIdentity(const KeyRegistry& issued_keys,
                               BlockingWorker& worker)
    : issued_keys_(issued_keys),
      digester_(SecureRandom()),
      key_sets_(SystemClock(), SystemRandom(), worker) {}

Ports CallerIdentity::ports(CounterStore* shared) {
  Ports ports;
  ports.issued_keys = &issued_keys_;
  ports.key_sets = &key_sets_;
  ports.shared_counters = shared;
  return ports;
}

void CallerIdentity::Start(LoopRuntime& loop) {
  reader_ = &loop;
  loop.loop().Post([this] {
    const LoopServices& services = reader_->services();
    Spawn(key_sets_.Run(services.loop, services.http));
  });
  if (key_sets_.AwaitFirst(kKeySetsTimeout)) return;
  Log(LogLevel::kWarn, "identity",
      "not all key sets of issuers are there; their tokens are refused until "
      "they are");
}

void CallerIdentity::Stop() {
  if (reader_ != nullptr) key_sets_.Stop(reader_->loop());
}

}  // namespace gateway
