// Reads the key set of an issuer of tokens from where it is: a file, a URL, or
// what the issuer's OpenID configuration names.
//
//   const KeySetFetch fetch{loop, http, worker, stop};
//   const absl::StatusOr<std::string> text =
//       co_await FetchKeySet(fetch, source, access);
//
// Redirects are not followed, and a server has ten seconds in all. The bearer
// token is shown to the server that is configured, or to the issuer's own, and
// to no other that a document names.
//
// Thread contract: one event loop, which reads no file: `worker` does.

#ifndef SERVICE_IDENTITY_KEY_SET_FETCH_H_
#define SERVICE_IDENTITY_KEY_SET_FETCH_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/secret.h"

namespace gateway {

// Whose key set it is, and where.
struct KeySetSource {
  friend bool operator==(const KeySetSource&, const KeySetSource&) = default;

  std::string issuer;
  // A URL or `file:path`; if empty, the issuer says.
  std::string key_set;
  // How often it is read.
  absl::Duration interval = absl::Minutes(10);
};

// What its server is shown, and by what it is known.
struct KeySetAccess {
  // Empty for none.
  Secret token{""};
  // PEM; empty for the authorities that the system trusts.
  std::string ca_pem;
};

// All is borrowed.
struct KeySetFetch {
  HttpClient& http;
  BlockingWorker& worker;
  CancelSignal& cancel;
};

// Checks what an operator gives as JwtIssuer.key_set, or as the issuer if that
// is to say where its set is. INVALID_ARGUMENT says what is wrong, without a
// subject.
absl::Status CheckKeySet(std::string_view key_set);
absl::Status CheckDiscoveredIssuer(std::string_view issuer);

// Returns the set's text, which nobody has looked at yet. Errors say what was
// tried.
Task<absl::StatusOr<std::string>> FetchKeySet(KeySetFetch by,
                                              KeySetSource source,
                                              KeySetAccess access);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_KEY_SET_FETCH_H_
