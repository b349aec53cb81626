// Admit, the first stage: is the caller known, and is the request one that can
// be made at all? Nothing is sent anywhere before it says yes.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ADMISSION_H_
#define SERVICE_PIPELINE_ADMISSION_H_

#include "absl/status/status.h"
#include "service/pipeline/call.h"

namespace gateway {

// Sets call.caller and what call.output expects. Faults: CallerAccess's,
// INVALID_REQUEST with the fields named, REQUEST_TOO_LARGE with the limit in
// the metadata.
absl::Status Admit(Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ADMISSION_H_
