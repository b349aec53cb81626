#include "providers/unsupported_parameters.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

absl::Status JudgeLosses(
    llmgateway::config::v1::ProviderConfig::UnsupportedParameters policy,
    const std::vector<llmgateway::v1::Warning>& warnings, size_t first) {
  using Config = ::llmgateway::config::v1::ProviderConfig;
  if (policy != Config::UNSUPPORTED_PARAMETERS_REFUSE ||
      warnings.size() <= first) {
    return absl::OkStatus();
  }
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
      absl::StrCat("this provider cannot be told ", warnings[first].field()));
  for (size_t i = first; i < warnings.size(); ++i) {
    AddFieldViolation(fault, warnings[i].field(), warnings[i].message());
  }
  return fault;
}

}  // namespace gateway
