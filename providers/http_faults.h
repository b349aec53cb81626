// HttpFaults says why a call over HTTP failed, in the name of one provider and
// without its credentials: vendors like to repeat those in their errors.
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_HTTP_FAULTS_H_
#define PROVIDERS_HTTP_FAULTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/secret.h"
#include "providers/provider.h"

namespace gateway {

class HttpFaults {
 public:
  HttpFaults(std::string provider, std::vector<Secret> credentials);

  // The fault for a transport error.
  absl::Status OfTransport(const absl::Status& status,
                           const AttemptProgress& progress) const;

  // The fault for what a dialect says of an answer; OK stays OK. `credential`
  // is the one that the provider was shown, if the caller brought it, which is
  // then told.
  absl::Status Blame(const absl::Status& status,
                     std::string_view credential = {}) const;

  // What the provider says of a failure in its own words, to be forwarded: the
  // same bytes, with asterisks for credentials.
  std::string WithoutCredentials(std::string_view text,
                                 std::string_view credential) const;

  // What answered is not the API that was asked: a proxy's page, or another
  // service. Says what stands in the place of what was `wanted`, and how it
  // begins.
  absl::Status NotTheAnswer(std::string_view wanted,
                            std::string_view content_type,
                            std::string_view body,
                            std::string_view credential) const;

  // The provider says itself that it failed while it answered: `word` is why,
  // as it puts it. Nobody is served what there is of such an answer; whoever
  // has seen nothing of it may ask again.
  absl::Status GaveUp(std::string_view word, std::string_view credential) const;

  // The provider's answer could not be understood.
  absl::Status BadResponse(std::string_view why) const;

 private:
  const std::string provider_;
  const std::vector<Secret> credentials_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_FAULTS_H_
