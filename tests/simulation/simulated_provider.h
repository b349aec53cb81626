// SimulatedProvider is a provider of a scenario: what it does with a request,
// its script says for the moment at which it comes. It tells CallRules what it
// has seen.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_SIMULATED_PROVIDER_H_
#define TESTS_SIMULATION_SIMULATED_PROVIDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "providers/provider.h"
#include "tests/simulation/call_rules.h"
#include "tests/simulation/scenario.h"
#include "tests/testing/fake_random.h"

namespace gateway {

class SimulatedProvider final : public Provider {
 public:
  // Borrows all. `begin` is the steady time of the simulation's begin.
  SimulatedProvider(const ProviderScript& script, uint64_t seed,
                    absl::Duration begin, CallRules& rules)
      : script_(script), random_(seed), begin_(begin), rules_(rules) {}

  std::string_view name() const override { return script_.name; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override;
  // What probes ask for.
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override;

 private:
  class AnswerStream;

  // What becomes of one request.
  struct Fate {
    size_t ask = 0;
    Conduct conduct = Conduct::kWell;
    absl::Duration latency;
    absl::Duration retry_after;
    absl::Duration limit_resets_in;
    // Where there is money: what the provider counts, and when it tells it.
    UsageTelling telling = UsageTelling::kAtEnd;
    int64_t input = 1;
    int64_t output = 1;
  };

  // Decides by the script.
  Fate Decide(const ProviderCall& call) const;
  // The same for a request, which it takes.
  Fate Take(const ProviderCall& call) const;
  // The number of the credential that goes with it; negative if there is none.
  int CredentialOf(const ProviderCall& call) const;
  // The head of its answer, if it has one, with what it says of limits.
  void TellLimits(ProviderCall& call, const Fate& fate) const;
  // Waits for its time, and fails if it fails before it answers.
  Task<absl::Status> Begin(ProviderCall& call, Fate fate) const;
  absl::Status FaultOf(const Fate& fate, AttemptProgress* progress) const;
  // Tells the rules that it failed by itself.
  void Fail(const Fate& fate, const absl::Status& fault,
            const HttpProgress& http, bool cancelled, absl::Duration now) const;
  // Says how much was consumed by now.
  void TellUsage(const Fate& fate, int64_t input, int64_t output,
                 ResponseFacts* facts) const;

  const ProviderScript& script_;
  mutable FakeRandom random_;
  const absl::Duration begin_;
  CallRules& rules_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_SIMULATED_PROVIDER_H_
