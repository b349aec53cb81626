// CallTrailers are the fields that end a call: the handler's own trailers, the
// request id and the status with its details.
//
//   const CallTrailers trailers(context.request_id(), context.trailers(),
//                               status);
//   stream.End(trailers.fields());
//
// Thread-compatible.

#ifndef SERVICE_RPC_CALL_TRAILERS_H_
#define SERVICE_RPC_CALL_TRAILERS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/http1_codec.h"

namespace gateway {

inline constexpr std::string_view kGrpcContentType = "application/grpc";

using MetadataSpan = absl::Span<const std::pair<std::string, std::string>>;

class CallTrailers {
 public:
  // `request_id` and `own` must outlive this. With `head_too` the fields begin
  // with those of a response's head, for an answer that is nothing but
  // trailers.
  CallTrailers(std::string_view request_id, MetadataSpan own,
               const absl::Status& status, bool head_too = false);

  CallTrailers(const CallTrailers&) = delete;
  CallTrailers& operator=(const CallTrailers&) = delete;

  absl::Span<const HttpField> fields() const { return fields_; }

 private:
  void AddStatus(const absl::Status& status);
  void Add(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
  }

  absl::InlinedVector<HttpField, 12> fields_;
  // What the fields point at.
  std::string code_;
  std::string message_;
  std::string details_;
  std::string pushback_ms_;
  absl::InlinedVector<std::string, 2> binary_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALL_TRAILERS_H_
