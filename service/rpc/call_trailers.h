// CallHead and CallTrailers are the fields that begin and end an answer: what
// the protocol wants, and what the handler adds.
//
//   const CallHead head(MessageEncoding::kIdentity, initial_metadata);
//   stream.SendHead(head.fields());
//   ...
//   const CallTrailers trailers(context.request_id(), context.trailers(),
//                               status);
//   stream.End(trailers.fields());
//
// Thread-compatible.

#ifndef SERVICE_RPC_CALL_TRAILERS_H_
#define SERVICE_RPC_CALL_TRAILERS_H_

#include <forward_list>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/http/field_block.h"
#include "base/http/http1_codec.h"
#include "service/api/call_context.h"
#include "service/api/status_trailers.h"
#include "service/rpc/message_encoding.h"

namespace gateway {

inline constexpr std::string_view kGrpcContentType = "application/grpc";

using MetadataSpan = absl::Span<const MetadataEntry>;

// A handler's metadata as fields; values of names that end in `-bin` are
// encoded.
class MetadataFields {
 public:
  // Appends to `fields`, which point into `metadata` and this.
  template <typename Fields>
  void AppendTo(Fields& fields, MetadataSpan metadata) {
    for (const auto& [name, value] : metadata) {
      fields.push_back({name, Encoded(name, value)});
    }
  }
  template <typename Fields>
  void AppendTo(Fields& fields, absl::Span<const HttpField> metadata) {
    for (const HttpField& field : metadata) {
      fields.push_back({field.name, Encoded(field.name, field.value)});
    }
  }

 private:
  std::string_view Encoded(std::string_view name, std::string_view value);

  // A list, since the fields point into its elements, which must not move.
  std::forward_list<std::string> encoded_;
};

class CallHead {
 public:
  // `metadata` must outlive this.
  CallHead(MessageEncoding encoding, const FieldBlock& metadata);

  CallHead(const CallHead&) = delete;
  CallHead& operator=(const CallHead&) = delete;

  absl::Span<const HttpField> fields() const { return fields_; }

 private:
  // Room for as many as an answer that names its provider's rate limits has.
  absl::InlinedVector<HttpField, 16> fields_;
  FieldViews views_;
  MetadataFields metadata_;
};

class CallTrailers {
 public:
  // `request_id` and `own` must outlive this. With `head_too` the fields begin
  // with those of a response's head, for an answer without a body.
  CallTrailers(std::string_view request_id, MetadataSpan own,
               const absl::Status& status, bool head_too = false,
               ClientRetry retry = ClientRetry::kAsStatusSays);

  CallTrailers(const CallTrailers&) = delete;
  CallTrailers& operator=(const CallTrailers&) = delete;

  absl::Span<const HttpField> fields() const { return fields_; }

 private:
  void AddStatus(const absl::Status& status, ClientRetry retry);
  void Add(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
  }

  absl::InlinedVector<HttpField, 12> fields_;
  // Own the texts that the fields point to.
  std::string code_;
  std::string message_;
  std::string details_;
  std::string pushback_ms_;
  MetadataFields metadata_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALL_TRAILERS_H_
