#include "service/pipeline/credential_limits.h"

#include <utility>

namespace gateway {

GradientLimit::Options CredentialLimits::OptionsOf(
    const llmgateway::config::v1::AdaptiveConcurrencyConfig& config) {
  return {.initial = config.initial_limit(),
          .min = config.min_limit(),
          .max = config.max_limit(),
          .tolerance = 1 + config.tolerance_percent() / 100.0};
}

CredentialLimits::CredentialLimits(
    const std::vector<CredentialPool::Credential>& credentials,
    const GradientLimit::Options& options, const CredentialLimits* previous) {
  entries_.reserve(credentials.size());
  for (const CredentialPool::Credential& credential : credentials) {
    Entry entry = {.name = credential.name,
                   .fingerprint = credential.fingerprint};
    if (previous != nullptr) {
      for (const Entry& before : previous->entries_) {
        if (before.name == entry.name &&
            before.fingerprint == entry.fingerprint &&
            before.limit->options() == options) {
          entry.limit = before.limit;
        }
      }
    }
    if (entry.limit == nullptr) {
      entry.limit = std::make_shared<GradientLimit>(options);
    }
    entries_.push_back(std::move(entry));
  }
}

int64_t CredentialLimits::Sum() const {
  int64_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.limit->limit();
  return sum;
}

}  // namespace gateway
