// The faults of keys that do not open.
//
//   if (key == nullptr) return UnknownKey();
//   if (key->disabled) {
//     return KeyIsNoGood(v1::ERROR_REASON_API_KEY_DISABLED, key->caller,
//                        "is disabled");
//   }
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_KEY_FAULT_H_
#define SERVICE_IDENTITY_KEY_FAULT_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/identity/caller.h"

namespace gateway {

// API_KEY_INVALID, which tells nobody anything.
absl::Status UnknownKey();

// Tells why a key that is right does not open, and whom to ask: only for
// whoever has shown its secret, so that it tells nobody else anything. `why`
// follows the key's name, as in "is disabled".
absl::Status KeyIsNoGood(llmgateway::v1::ErrorReason reason,
                         const Caller& caller, std::string_view why);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_KEY_FAULT_H_
