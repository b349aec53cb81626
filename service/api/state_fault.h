// The fault of what an operator has said and what could not be kept, so that it
// is not in force.
//
//   const absl::Status written = store.Write(name, bytes);
//   if (!written.ok()) co_return StateNotKept(written);
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_STATE_FAULT_H_
#define SERVICE_API_STATE_FAULT_H_

#include "absl/status/status.h"

namespace gateway {

// STATE_NOT_KEPT; `written` is what the StateStore said. REQUIRES: not OK.
absl::Status StateNotKept(const absl::Status& written);

// The fault of a change that its worker has not begun, of which nothing is in
// force: OVERLOADED if too many wait, otherwise `run` as it is. REQUIRES: not
// OK.
absl::Status ChangeNotBegun(const absl::Status& run);

}  // namespace gateway

#endif  // SERVICE_API_STATE_FAULT_H_
