#include "tests/testing/test_wiring.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "service/pipeline/wiring.h"

namespace gateway {

std::shared_ptr<const Wiring> MakeTestWiring(std::string_view yaml,
                                             const Environment& environment) {
  ConfigReading reading = ReadConfigText(yaml, "test.yaml", environment,
                                         absl::FromUnixSeconds(1767323045));
  for (const ConfigProblem& problem : reading.problems) {
    std::fprintf(stderr, "%s\n", problem.ToString().c_str());
  }
  if (reading.snapshot == nullptr) std::abort();
  absl::StatusOr<std::shared_ptr<const Wiring>> wiring =
      Wiring::Make(std::move(reading.snapshot));
  if (!wiring.ok()) {
    std::fprintf(stderr, "%s\n", wiring.status().ToString().c_str());
    std::abort();
  }
  return *std::move(wiring);
}

}  // namespace gateway
