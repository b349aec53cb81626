#include "service/api/config_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/masked.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Stands for the file's name, which is not shown.
constexpr char kSource[] = "text";

void FillProblem(const ConfigProblem& from,
                 v1::ConfigProblem::Severity severity,
                 v1::ConfigProblem* to) {
  to->set_line(from.place.line);
  to->set_column(from.place.column);
  to->set_path(from.path);
  // Names the source of a problem that is not in the text.
  to->set_message(from.source == kSource
                      ? from.message
                      : absl::StrCat(from.source, ": ", from.message));
  to->set_severity(from.is_issue ? v1::ConfigProblem::SEVERITY_ISSUE
                                 : severity);
}

}  // namespace

v1::ValidateConfigResponse CheckConfig(const ProviderKinds& kinds,
                                       std::string_view text,
                                       const Environment& environment) {
  v1::ValidateConfigResponse response;
  ConfigDraft draft = ReadConfigDraft(kinds, text, kSource, environment);
  for (const ConfigProblem& problem : draft.problems) {
    FillProblem(problem, v1::ConfigProblem::SEVERITY_ERROR,
                response.add_problems());
  }
  for (const ConfigProblem& warning : draft.warnings) {
    if (response.problems_size() == static_cast<int>(kConfigProblemsMax)) break;
    FillProblem(warning, v1::ConfigProblem::SEVERITY_WARNING,
                response.add_problems());
  }
  if (!draft.problems.empty()) return response;
  response.set_valid(true);
  *response.mutable_config() = MaskConfig(std::move(draft.config));
  return response;
}

}  // namespace gateway
