// Tells whether a vendor refuses an account, and so the credential that is of
// it, where its status says no more than that something is refused: the account
// is out of money or suspended, or asks from where it may not.
//
//   if (const auto reason = ReasonOfAccount(error)) return *reason;
//
// What follows is borne by all who share the credential, so a message counts
// only by how the vendor begins it: what comes later in it may be the caller's
// own words.
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DIALECTS_ACCOUNT_REFUSAL_H_
#define PROVIDERS_DIALECTS_ACCOUNT_REFUSAL_H_

#include <optional>

#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/error_body.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Returns PROVIDER_AUTH_FAILED or PROVIDER_QUOTA_EXHAUSTED if the message is
// known to be of the account, otherwise nothing.
std::optional<v1::ErrorReason> ReasonOfAccount(const ErrorBody& error);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_ACCOUNT_REFUSAL_H_
