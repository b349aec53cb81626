// Runs simulated scenarios by their seeds, to look at one or to try many:
//
//   simulate --seed=17 --trace   One, with its configuration and all events.
//   simulate --seeds=1000-9999   Many; those that break a rule are named.
//   simulate --seeds=0-99 --hash Prints what the traces amount to.
//   simulate --seed=17 --layout  Prints first where the process has its memory,
//                                and what its hashes are seeded with: nothing
//                                may depend on that.
//
// Exits with 1 if a rule was broken.

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/simulation/event_trace.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/simulation.h"

namespace gateway {
namespace {

struct Asked {
  uint64_t first = 0;
  uint64_t last = 0;
  bool trace = false;
  bool hash = false;
  bool layout = false;
};

bool Read(int argc, char** argv, Asked* asked) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (flag == "--trace") {
      asked->trace = true;
    } else if (flag == "--hash") {
      asked->hash = true;
    } else if (flag == "--layout") {
      asked->layout = true;
    } else if (absl::ConsumePrefix(&flag, "--seed=")) {
      if (!absl::SimpleAtoi(flag, &asked->first)) return false;
      asked->last = asked->first;
    } else if (absl::ConsumePrefix(&flag, "--seeds=")) {
      const std::pair<absl::string_view, absl::string_view> range =
          absl::StrSplit(flag, absl::MaxSplits('-', 1));
      if (!absl::SimpleAtoi(range.first, &asked->first) ||
          !absl::SimpleAtoi(range.second, &asked->last)) {
        return false;
      }
    } else {
      return false;
    }
  }
  return argc > 1 && asked->first <= asked->last;
}

void PrintLedger(const ScenarioMoney& money) {
  for (const LedgerPhase& phase : money.ledger) {
    std::printf("# the ledger from %s on: %s, %s\n",
                absl::FormatDuration(phase.from).c_str(),
                std::string(LedgerConductName(phase.conduct)).c_str(),
                absl::FormatDuration(phase.latency).c_str());
  }
}

// Returns whether all rules were kept.
bool Run(uint64_t seed, const Asked& asked, EventTrace* all) {
  const Scenario scenario = MakeScenario(seed);
  EventTrace trace(asked.trace);
  const std::vector<std::string> broken = Simulate(scenario, &trace);
  all->Add({.what = "hash", .ask = static_cast<int64_t>(trace.hash())});
  if (asked.trace) {
    std::fputs(scenario.Yaml().c_str(), stdout);
    for (const ProviderScript& provider : scenario.providers) {
      for (const Phase& phase : provider.phases) {
        std::printf("# %s from %s on: %s, %d %%, %s\n", provider.name.c_str(),
                    absl::FormatDuration(phase.from).c_str(),
                    std::string(ConductName(phase.conduct)).c_str(),
                    phase.percent, absl::FormatDuration(phase.latency).c_str());
      }
    }
    if (scenario.money.has_value()) PrintLedger(*scenario.money);
    for (const std::string& line : trace.lines()) std::puts(line.c_str());
  }
  for (const std::string& what : broken) {
    std::printf("seed %" PRIu64 ": %s\n", seed, what.c_str());
    std::fflush(stdout);  // Somebody may be waiting for it.
  }
  if (asked.hash) {
    std::printf("seed %" PRIu64 " %016" PRIx64 "\n", seed, trace.hash());
  }
  return broken.empty();
}

void PrintLayout() {
  const auto on_heap = std::make_unique<int>();
  std::printf("layout: hash %zx, heap %p, code %p\n", absl::HashOf(0),
              static_cast<void*>(on_heap.get()),
              reinterpret_cast<void*>(&PrintLayout));
}

int Main(int argc, char** argv) {
  Asked asked;
  if (!Read(argc, argv, &asked)) {
    std::fputs(
        "usage: simulate --seed=N|--seeds=N-M [--trace] [--hash] "
        "[--layout]\n",
        stderr);
    return 2;
  }
  if (asked.layout) PrintLayout();
  int failed = 0;
  EventTrace all;
  for (uint64_t seed = asked.first; seed <= asked.last; ++seed) {
    failed += Run(seed, asked, &all) ? 0 : 1;
  }
  std::printf("%" PRIu64 " scenarios, %d of them break a rule; %016" PRIx64
              "\n",
              asked.last - asked.first + 1, failed, all.hash());
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) { return gateway::Main(argc, argv); }
