// What it costs to find out who shows an issued key, of a hundred thousand: by
// its hash, and where the loop remembers it; in nanoseconds. With an argument
// x, `found_out` or `remembered`, a thousand times so, for callgrind to count
// the instructions of.
//
//   bazel run //tests/bench/micro:identity_bench
//   valgrind --tool=callgrind --toggle-collect='*Measured*' IDENTITY_BENCH x

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "service/identity/credential_digest.h"
#include "service/identity/issued_key.h"
#include "service/identity/key_registry.h"
#include "service/identity/remembered_callers.h"

namespace gateway {
namespace {

constexpr int kRuns = 1'000'000;
constexpr int kKeys = 100'000;
// As many of them call.
constexpr size_t kCallers = 1'000;

struct Keys {
  Keys() {
    for (int i = 0; i < kKeys; ++i) {
      const NewIssuedKey key = MakeIssuedKey(SecureRandom());
      KeyRegistry::Record record;
      record.mutable_key()->set_id(key.id);
      record.mutable_key()->set_state(llmgateway::v1::Key::STATE_ACTIVE);
      record.set_secret_sha256(
          std::string(key.digest.begin(), key.digest.end()));
      registry.Take(record, /*version=*/1).IgnoreError();
      if (shown.size() < kCallers) shown.emplace_back(key.text.Reveal());
    }
  }

  KeyRegistry registry{SystemClock()};
  std::vector<std::string> shown;
};

[[gnu::noinline]] bool MeasuredFind(const KeyRegistry& registry,
                                    std::string_view shown) {
  return registry.Find(shown).ok();
}

void Run(int runs, const Keys& keys) {
  for (int i = 0; i < runs; ++i) {
    if (!MeasuredFind(keys.registry,
                      keys.shown[static_cast<size_t>(i) % kCallers])) {
      std::puts("a key is not known");
    }
  }
}

void Tell(const char* what, const Keys& keys) {
  Run(kCallers, keys);
  const absl::Duration start = SystemClock().SteadyTime();
  Run(kRuns, keys);
  const absl::Duration taken = SystemClock().SteadyTime() - start;
  std::printf("%-12s %6.1f ns\n", what,
              absl::ToDoubleNanoseconds(taken) / kRuns);
}

int Main(std::string_view only) {
  const auto keys = std::make_unique<Keys>();
  const auto digester = std::make_unique<CredentialDigester>(SecureRandom());
  RememberedCallers remembered(4 * kCallers, *digester, SystemClock());
  if (only == "found_out") {
    Run(kCallers, *keys);
  } else if (only == "remembered") {
    RememberedCallers::SetCurrent(&remembered);
    for (const std::string& shown : keys->shown) {
      keys->registry.Find(shown).IgnoreError();
    }
    Run(kCallers, *keys);
  } else {
    Tell("found out", *keys);
    RememberedCallers::SetCurrent(&remembered);
    Tell("remembered", *keys);
  }
  RememberedCallers::SetCurrent(nullptr);
  return 0;
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  return gateway::Main(argc > 1 ? argv[1] : "");
}
