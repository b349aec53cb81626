// Refuses what the contract has and this build does not serve, so that nobody
// takes silence for service: fields that nothing reads yet, which carry the
// option `not_served`.
//
//   GATEWAY_RETURN_IF_ERROR(CheckServed(request));
//
// Thread contract: plain function. Costs a look at each such field, of which
// there are a handful.

#ifndef SERVICE_PIPELINE_SERVED_CHECK_H_
#define SERVICE_PIPELINE_SERVED_CHECK_H_

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// UNIMPLEMENTED with a violation for each field at fault; the first of them is
// in the metadata, too, as `field`.
absl::Status CheckServed(const llmgateway::v1::GenerateRequest& request);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SERVED_CHECK_H_
