// The fault of a JSON body that cannot be read, at whichever API of ours it is.
//
//   const absl::Status read = ReadJson(body, visit);
//   if (!read.ok()) return BodyFault(read);
//
// Thread-safe: a plain function.

#ifndef SERVICE_HTTP_BODY_FAULT_H_
#define SERVICE_HTTP_BODY_FAULT_H_

#include "absl/status/status.h"

namespace gateway {

// INVALID_REQUEST with the place that is wrong, or `body` if it is the whole.
// REQUIRES: `read` is an error of ReadJson.
absl::Status BodyFault(const absl::Status& read);

}  // namespace gateway

#endif  // SERVICE_HTTP_BODY_FAULT_H_
