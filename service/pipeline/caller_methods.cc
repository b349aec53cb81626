#include "service/pipeline/caller_methods.h"

#include <utility>

#include "proto/proto_time.h"
#include "service/config/caller_methods_validator.h"

namespace gateway {

CallerMethods CallerMethodsOf(const llmgateway::config::v1::AuthMethods& config,
                              absl::Span<const KeySetAccess> key_sets,
                              std::shared_ptr<GuessLimit> guesses,
                              std::shared_ptr<AuthenticationCounts> counts,
                              const Ports& ports) {
  CallerMethods methods;
  methods.required = HasCallerMethod(config);
  if (config.has_issued_keys()) methods.issued = ports.issued_keys;
  if (!config.jwt_issuers().empty() && ports.key_sets != nullptr) {
    methods.tokens = std::make_shared<const TokenIssuers>(
        config.jwt_issuers(), key_sets, *ports.key_sets, *ports.clock);
  }
  if (config.has_client_certificates()) {
    methods.certificates = std::make_shared<const CertificateCallers>(
        config.client_certificates());
  }
  methods.guesses = std::move(guesses);
  methods.counts = std::move(counts);
  return methods;
}

std::shared_ptr<GuessLimit> GuessLimitOf(
    const llmgateway::config::v1::AuthConfig& config, const Ports& ports) {
  if (!config.has_guess_limit()) return nullptr;
  GuessLimit::Options options;
  options.failures_limit = config.guess_limit().failures_limit();
  options.base_delay = ToAbsl(config.guess_limit().base_delay());
  return std::make_shared<GuessLimit>(options, *ports.clock,
                                      *ports.secure_random);
}

}  // namespace gateway
