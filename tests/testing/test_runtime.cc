#include "tests/testing/test_runtime.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

std::shared_ptr<const ConfigSnapshot> ReadTestConfig(
    std::string_view yaml, const Environment& environment) {
  ConfigReading reading =
      ReadConfigText(AllProviderKinds(), yaml, "test.yaml", environment,
                     absl::FromUnixSeconds(1767323045));
  for (const ConfigProblem& problem : reading.problems) {
    std::fprintf(stderr, "%s\n", problem.ToString().c_str());
  }
  if (reading.snapshot == nullptr) std::abort();
  return std::move(reading.snapshot);
}

}  // namespace

std::shared_ptr<const RuntimeSnapshot> MakeTestRuntime(
    std::string_view yaml, const Environment& environment, const Ports& ports) {
  absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> runtime =
      RuntimeSnapshot::Make(ReadTestConfig(yaml, environment), ports);
  if (!runtime.ok()) {
    std::fprintf(stderr, "%s\n", runtime.status().ToString().c_str());
    std::abort();
  }
  return *std::move(runtime);
}

std::shared_ptr<const RuntimeSnapshot> MakeTestRuntimeWith(
    std::string_view yaml, std::unique_ptr<const ProviderRegistry> providers,
    const Ports& ports, const Environment& environment) {
  return RuntimeSnapshot::MakeWith(ReadTestConfig(yaml, environment),
                                   std::move(providers), ports);
}

}  // namespace gateway
