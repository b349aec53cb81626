// CertificateCallers knows which names of client certificates stand for
// callers, or operators.
//
//   const CertificateCallers callers(methods.client_certificates());
//   GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller,
//                            callers.Authenticate(connection_names));
//
// A connection has the names of its peer as one text, each with a line's end
// behind it, since names have no control characters: it is remembered like a
// credential (remembered_callers.h).
//
// Thread-safe.

#ifndef SERVICE_IDENTITY_CERTIFICATE_CALLERS_H_
#define SERVICE_IDENTITY_CERTIFICATE_CALLERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/identity/caller.h"

namespace gateway {

class CertificateCallers {
 public:
  // REQUIRES: the configuration has passed validation.
  explicit CertificateCallers(
      const llmgateway::config::v1::ClientCertificates& config);

  // Whom the names stand for: the first that is let in names the caller.
  // API_KEY_INVALID if none is. REQUIRES: `names` is not empty.
  absl::StatusOr<CallerRef> Authenticate(std::string_view names) const;

 private:
  absl::StatusOr<std::shared_ptr<const Caller>> Match(
      std::string_view names) const;

  const uint64_t id_;
  const std::vector<std::string> patterns_;
  const Caller granted_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_CERTIFICATE_CALLERS_H_
