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

// Makes the fault for an answer for which the loop's budget has no room.
absl::Status NoRoomFault();

class HttpFaults {
 public:
  HttpFaults(std::string provider, std::vector<Secret> credentials);

  // Makes the fault for a transport error. `streams` says whose limits an
  // answer that has not begun is held to.
  absl::Status OfTransport(const absl::Status& status,
                           const AttemptProgress& progress,
                           bool streams = false) const;

  // Makes the fault for what a dialect says of an answer; OK stays OK.
  // `credential` is the one that the provider was shown, if the caller brought
  // it; the fault's metadata then tells that.
  absl::Status WrapFault(const absl::Status& status,
                         std::string_view credential = {}) const;

  // Returns a provider's own words about a failure for forwarding: the same
  // bytes, with asterisks for credentials.
  std::string WithoutCredentials(std::string_view text,
                                 std::string_view credential) const;

  // Returns whether the provider repeats a credential in `text`, or the first
  // half of one.
  bool Repeats(std::string_view text, std::string_view credential) const;

  // Makes the fault for an answer that is not the API's: a proxy's page, or
  // another service. Says what was `wanted`, what stands in its place and, of
  // text, how that begins; of what may be a model's answer only its size, if
  // that is known. `body` is all of it, or its beginning.
  absl::Status NotTheAnswer(std::string_view wanted,
                            std::string_view content_type,
                            std::string_view body, std::string_view size,
                            std::string_view credential) const;

  // Makes the fault for an answer of which the provider says itself that it
  // failed while it answered: `word` is why, as it puts it. What there is of
  // such an answer is not delivered; a caller who has seen nothing of it may be
  // given another attempt.
  absl::Status GaveUp(std::string_view word, std::string_view credential) const;

  // Makes the fault for an answer that could not be understood.
  absl::Status BadResponse(std::string_view why) const;

 private:
  const std::string provider_;
  const std::vector<Secret> credentials_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_FAULTS_H_
