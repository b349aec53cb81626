// CredentialLimits finds out how many attempts each of a provider's credentials
// takes well at once (service/overload/gradient_limit.h), for a provider that
// has `resilience.adaptive_concurrency`. Its credentials are numbered as in its
// CredentialPool; a provider without any has one limit, which is its own.
//
//   CredentialLimits limits(credentials, options, previous);
//   std::optional<GradientLimit::Place> place = limits.Of(index).TryTake();
//
// A configuration has limits of its own, made from those before: credentials
// with the same name and fingerprint share what is known of them, as long as
// the options are the same. Otherwise they begin anew, and what is under way
// then does not count.
//
// Immutable but for the limits, which are thread-safe.

#ifndef SERVICE_PIPELINE_CREDENTIAL_LIMITS_H_
#define SERVICE_PIPELINE_CREDENTIAL_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "llmgateway/config/v1/provider.pb.h"
#include "service/overload/gradient_limit.h"
#include "service/resilience/credential_pool.h"

namespace gateway {

class CredentialLimits {
 public:
  // REQUIRES: defaults have been applied, and the validator has no objection.
  static GradientLimit::Options OptionsOf(
      const llmgateway::config::v1::AdaptiveConcurrencyConfig& config);

  // `previous` may be null.
  CredentialLimits(const std::vector<CredentialPool::Credential>& credentials,
                   const GradientLimit::Options& options,
                   const CredentialLimits* previous);
  CredentialLimits(const CredentialLimits&) = delete;
  CredentialLimits& operator=(const CredentialLimits&) = delete;

  size_t size() const { return entries_.size(); }
  // REQUIRES: index < size(). Valid as long as this.
  GradientLimit& Of(size_t index) const { return *entries_[index].limit; }
  // Empty for the one of a provider without credentials.
  const std::string& NameOf(size_t index) const { return entries_[index].name; }

  // As many attempts as all of them together let be under way now.
  int64_t Sum() const;

 private:
  struct Entry {
    std::string name;
    uint64_t fingerprint;
    std::shared_ptr<GradientLimit> limit;
  };

  std::vector<Entry> entries_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CREDENTIAL_LIMITS_H_
