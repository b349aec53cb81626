// What prices cost: to read the shipped list, to keep it, to find one in it,
// and to compute with it. Allocations are told, too: there are none on a
// call's way.
//
//   bazel run //tests/bench/micro:money_bench

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/money/cost.h"
#include "service/money/price_table.h"
#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

size_t BytesHeld() { return mallinfo2().uordblks; }

// Prints the best of a few rounds, since others share the machine.
void Measure(const char* name, int runs, const std::function<void()>& run) {
  constexpr int kRounds = 7;
  double best = 1e18;
  const size_t held = BytesHeld();
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration start = SystemClock().SteadyTime();
    for (int i = 0; i < runs; ++i) run();
    const absl::Duration taken = SystemClock().SteadyTime() - start;
    best = std::min(best, absl::ToDoubleNanoseconds(taken) / runs);
  }
  printf("%-44s %10.1f ns %6td bytes left\n", name, best,
         static_cast<ptrdiff_t>(BytesHeld() - held));
}

// As many as an operator might have, none of which is what is looked for.
std::vector<PriceEntry> Overrides(int count) {
  std::vector<PriceEntry> entries;
  for (int i = 0; i < count; ++i) {
    entries.push_back({i % 2 == 0 ? "openai" : "",
                       absl::StrCat("model-", i, i % 10 == 0 ? "*" : ""),
                       ModelRates(TokenRates())});
  }
  return entries;
}

void MeasureFinding(const char* title, const PriceTable& table) {
  struct Case {
    const char* name;
    std::string_view vendor;
    std::string_view model;
  };
  printf("%s\n", title);
  const absl::Time at = absl::UnixEpoch();
  for (const Case& each :
       {Case{"  by its name", "openai", "gpt-5-mini"},
        Case{"  with a date", "anthropic", "claude-sonnet-4-5-20250929"},
        Case{"  by its beginning", "openai",
             "ft:gpt-4o-2024-08-06:acme:support:8XyZ"},
        Case{"  of any name", "local_cli", "claude"},
        Case{"  not known", "openai", "gpt-4o-with-wings-2026-01-01"}}) {
    volatile bool found = false;
    Measure(each.name, 20'000, [&] {
      found = table.Find(each.vendor, each.model, at) != nullptr;
    });
  }
}

void MeasureCosts(const PriceTable& table) {
  const ModelRates* const price =
      table.Find("anthropic", "claude-sonnet-4-5", absl::UnixEpoch());
  llmgateway::v1::Usage usage;
  usage.set_input_tokens(12'345);
  usage.set_output_tokens(678);
  Measure("cost of input and output", 20'000,
          [&] { SetCost(price, ServiceTier::kStandard, &usage); });
  usage.set_cached_input_tokens(10'000);
  usage.set_cache_write_tokens(1'000);
  usage.set_cache_write_1h_tokens(300);
  usage.set_reasoning_tokens(321);
  Measure("cost of six kinds of token", 20'000,
          [&] { SetCost(price, ServiceTier::kStandard, &usage); });
  volatile int64_t nanos = 0;
  Measure("estimate", 20'000,
          [&] { nanos = EstimateCost(*price, 4'000, 500).nanos(); });
}

}  // namespace
}  // namespace gateway

int main() {
  using gateway::PriceTable;
  const std::string_view list = gateway::ShippedPrices();
  gateway::Measure("to read the shipped list", 20, [&] {
    if (!PriceTable::Make(list, {}).ok()) std::abort();
  });
  const size_t held = gateway::BytesHeld();
  const PriceTable shipped = *PriceTable::Make(list, {});
  printf("%-44s %10zu bytes\n", "the table", gateway::BytesHeld() - held);
  printf("%-44s %10zu bytes\n", "the text", list.size());
  gateway::MeasureFinding("to find a price", shipped);
  gateway::MeasureFinding("to find a price, 100 overrides",
                          *PriceTable::Make(list, gateway::Overrides(100)));
  gateway::MeasureFinding("to find a price, 10,000 overrides",
                          *PriceTable::Make(list, gateway::Overrides(10'000)));
  gateway::MeasureCosts(shipped);
  return 0;
}
