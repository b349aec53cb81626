// Answers with those fields alone that a caller asks for: by a field
// `google.protobuf.FieldMask read_mask` of its request, as in AIP-157.
//
//   GATEWAY_RETURN_IF_ERROR(CheckReadMask(request, *response));
//   ... // Fill the response.
//   TrimToReadMask(request, response);
//
// The paths are of what is read: of each element where the response is a page
// of them (it has `next_page_token`), and otherwise of the response. None, or
// `*`, stand for all.
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_READ_MASK_H_
#define SERVICE_API_READ_MASK_H_

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace gateway {

// Whether requests of this type have a `read_mask`.
bool HasReadMask(const google::protobuf::Descriptor& request);

// INVALID_REQUEST for a path that is no field of what is read; a field of a
// repeated one has no path. Only the type of `response` is looked at.
// REQUIRES, here and below: HasReadMask.
absl::Status CheckReadMask(const google::protobuf::Message& request,
                           const google::protobuf::Message& response);

// REQUIRES: CheckReadMask is OK.
void TrimToReadMask(const google::protobuf::Message& request,
                    google::protobuf::Message* response);

}  // namespace gateway

#endif  // SERVICE_API_READ_MASK_H_
