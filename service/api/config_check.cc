#include "service/api/config_check.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/masked.h"
#include "service/config/snapshot.h"
#include "service/pipeline/wiring.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Stands for the file's name, and is not shown.
constexpr char kSource[] = "text";

void FillProblem(const ConfigProblem& from, v1::ConfigProblem* to) {
  to->set_line(from.place.line);
  to->set_column(from.place.column);
  to->set_path(from.path);
  // What is not in the text is not to be looked for there.
  to->set_message(from.source == kSource
                      ? from.message
                      : absl::StrCat(from.source, ": ", from.message));
}

}  // namespace

v1::ValidateConfigResponse CheckConfig(std::string_view text,
                                       const Environment& environment,
                                       absl::Time now) {
  v1::ValidateConfigResponse response;
  const ConfigReading reading = ReadConfigText(text, kSource, environment, now);
  for (const ConfigProblem& problem : reading.problems) {
    FillProblem(problem, response.add_problems());
  }
  if (reading.snapshot == nullptr) return response;
  const absl::StatusOr<std::shared_ptr<const Wiring>> wiring =
      Wiring::Make(reading.snapshot);
  if (!wiring.ok()) {
    response.add_problems()->set_message(
        std::string(wiring.status().message()));
    return response;
  }
  response.set_valid(true);
  *response.mutable_config() = MaskConfig(reading.snapshot->config());
  return response;
}

}  // namespace gateway
