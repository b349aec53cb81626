// Refuses what the contract has and this build does not serve, so that nobody
// takes silence for service: fields that nothing reads yet, which carry the
// option `not_served`.
//
//   GATEWAY_RETURN_IF_ERROR(CheckServed(request));
//
// Thread contract: plain functions. Costs a look at each such field, and
// nothing where there are none.

#ifndef SERVICE_PIPELINE_SERVED_CHECK_H_
#define SERVICE_PIPELINE_SERVED_CHECK_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// UNIMPLEMENTED with a violation for each field at fault; the first of them is
// in the metadata, too, as `field`.
absl::Status CheckServed(const llmgateway::v1::GenerateRequest& request);

// The same where these are the fields that nothing reads, whatever their marks.
absl::Status CheckUnset(
    const llmgateway::v1::GenerateRequest& request,
    absl::Span<const google::protobuf::FieldDescriptor* const> unserved);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SERVED_CHECK_H_
