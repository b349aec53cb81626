// RequestHead is what the fields of an HTTP/2 request say about the call that
// it carries, by the gRPC protocol.
//
//   const RequestHead head = ReadRequestHead(fields, limits);
//   if (head.http_status != 200) ...   // Answer in plain HTTP.
//   if (!head.status.ok()) ...         // End the stream with that status.
//   const Method* method = table.Find(head.path);
//   ...
//   status = AddMetadata(fields, head.metadata_bytes, call_context);
//
// Fields that the protocol defines are taken strictly, because a call that was
// understood wrongly fails later and for no visible reason:
//
//   * `te: trailers` must be there. It shows that no proxy on the way drops
//     trailers, where a call's status is. gRPC C++ asks for it too, grpc-go
//     does not.
//   * A `grpc-timeout` that cannot be read is INVALID_ARGUMENT. gRPC C++ takes
//     it for no deadline, grpc-go answers INTERNAL; a caller who wanted a
//     deadline should know that there is none.
//   * A `grpc-encoding` other than those of kAcceptedMessageEncodings is
//     UNIMPLEMENTED, and the answer must carry `grpc-accept-encoding`.
//
// Does not allocate unless it refuses. Thread-safe: plain functions.

#ifndef SERVICE_RPC_REQUEST_HEAD_H_
#define SERVICE_RPC_REQUEST_HEAD_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "service/api/call_context.h"
#include "service/rpc/message_encoding.h"

namespace gateway {

// Limits of the caller's own metadata, without what is reserved by the
// protocol.
struct MetadataLimits {
  // The most values; a field of a `-bin` name can have several.
  size_t values = 128;
  // The most bytes, counted as in RFC 9113 §6.5.2: names, values as they are
  // sent, and 32 bytes for each field.
  size_t bytes = 16 * 1024;
};

struct RequestHead {
  // 200, or how to answer a request that is not gRPC: 415 for another content
  // type, 405 for another method than POST.
  int http_status = 200;
  bool is_head = false;  // The answer must have no body.
  // How to refuse the call: INVALID_ARGUMENT, UNIMPLEMENTED or
  // RESOURCE_EXHAUSTED; OK if it is not to be refused.
  absl::Status status;

  // Point into the request's fields; empty if there is no such field.
  std::string_view path;
  std::string_view authority;
  std::string_view request_id;
  // Counts names and values of the caller's metadata.
  size_t metadata_bytes = 0;

  // Zero if it has passed already; infinite if it is longer than a year.
  absl::Duration timeout = absl::InfiniteDuration();
  MessageEncoding encoding = MessageEncoding::kIdentity;
  bool accepts_gzip = false;
};

// Reads the fields of a request that HTTP/2 has found well-formed: names in
// lower case, pseudo fields present and not repeated.
RequestHead ReadRequestHead(absl::Span<const HttpField> fields,
                            const MetadataLimits& limits);

// Copies the caller's metadata, of so many bytes by ReadRequestHead, to the
// call's arena and adds it to the context.
// Of names that end in `-bin`, each value is decoded: values can stand in one
// field, with commas between them. INVALID_ARGUMENT, naming the key, if one is
// not base64. REQUIRES: ReadRequestHead has found the fields within limits.
absl::Status AddMetadata(absl::Span<const HttpField> fields, size_t bytes,
                         CallContext& context);

}  // namespace gateway

#endif  // SERVICE_RPC_REQUEST_HEAD_H_
