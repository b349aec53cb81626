// CallerMethods are the ways, beside keys of the configuration, in which
// callers or operators may show who they are by it, what slows down who
// guesses, and what counts how that went.
//
//   const CallerMethods methods = CallerMethodsOf(
//       config.auth().callers(), snapshot.caller_key_sets(), guesses,
//       counts, ports);
//   Authenticator callers(keys, clock, methods);
//   methods.Use();                           // Their key sets are read.
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_PIPELINE_CALLER_METHODS_H_
#define SERVICE_PIPELINE_CALLER_METHODS_H_

#include <memory>
#include <string_view>

#include "absl/types/span.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/identity/authentication_counts.h"
#include "service/identity/certificate_callers.h"
#include "service/identity/guess_limit.h"
#include "service/identity/key_registry.h"
#include "service/identity/key_set_fetch.h"
#include "service/identity/token_issuers.h"
#include "service/pipeline/ports.h"

namespace gateway {

// Each is null if it is not configured.
struct CallerMethods {
  void Use() const {
    if (tokens != nullptr) tokens->Use();
  }

  // Whether there is a way, so that whoever calls must show who it is.
  bool AreThere() const {
    return required || issued != nullptr || tokens != nullptr ||
           certificates != nullptr;
  }

  // A way is configured, though nothing here may know any by it.
  bool required = false;
  // Keys that operators have issued. Borrowed from the ports.
  const KeyRegistry* issued = nullptr;
  std::shared_ptr<const TokenIssuers> tokens;
  std::shared_ptr<const CertificateCallers> certificates;
  std::shared_ptr<GuessLimit> guesses;
  std::shared_ptr<AuthenticationCounts> counts;
};

// Without key sets among the ports there are no issuers of tokens.
CallerMethods CallerMethodsOf(const llmgateway::config::v1::AuthMethods& config,
                              absl::Span<const KeySetAccess> key_sets,
                              std::shared_ptr<GuessLimit> guesses,
                              std::shared_ptr<AuthenticationCounts> counts,
                              const Ports& ports);

// Null if wrong keys are not counted.
std::shared_ptr<GuessLimit> GuessLimitOf(
    const llmgateway::config::v1::AuthConfig& config, const Ports& ports);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALLER_METHODS_H_
