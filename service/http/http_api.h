// HttpApi is what is particular to one vendor's HTTP API beside its dialect:
// names of fields, and what keeps a silent stream alive.
//
//   const HttpApi api = {.vendor = "Anthropic",
//                            .dialect = &dialect,
//                            .request_id_field = "request-id"};
//
// Thread contract: immutable.

#ifndef SERVICE_HTTP_HTTP_API_H_
#define SERVICE_HTTP_HTTP_API_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dialect.h"
#include "service/api/limit_report.h"
#include "service/identity/scopes.h"

namespace gateway {

struct HttpApi {
  // The vendor's name. Several APIs may belong to one vendor.
  std::string_view vendor;
  // By what the scopes of callers name it.
  ScopedApi scoped_api = ScopedApi::kOpenAi;
  // The format. Never null; outlives the API.
  const Dialect* dialect = nullptr;
  // The vendor's clients skip comments in streams.
  bool skips_comments = true;
  // The vendor's field for the request's id, beside `x-request-id`, which every
  // answer has; empty if it has none.
  std::string_view request_id_field;
  // The fields by which the vendor's callers name the request's id; the first
  // that is there counts. If empty, `x-request-id`. A constant.
  absl::Span<const std::string_view> request_ids_from;
  // How the vendor tells what is left of rate limits.
  LimitWords limit_words = LimitWords::kPlain;
  // The vendor's field for the milliseconds that the answer took; empty if it
  // has none.
  std::string_view processing_ms_field;
  // An event for parsed streams that have been silent for ping_interval; empty
  // if the vendor has none. Raw streams bring the provider's own.
  std::string_view ping;
  absl::Duration ping_interval = absl::Seconds(15);
  // Returns the body of an error whose HTTP status no fault has, such as 405,
  // for vendors that repeat the status there; null for the others.
  std::string (*error_body)(const absl::Status& status,
                            int http_status) = nullptr;
  // Adds to an answer's extensions what answers repeat of their request, whose
  // body is given; null if the vendor's repeat nothing.
  void (*echo)(std::string_view body,
               google::protobuf::RepeatedPtrField<llmgateway::v1::Extension>*
                   extensions) = nullptr;
};

// Returns the body of an error that is answered with `http_status`, whatever
// status its reason has.
inline std::string ErrorBodyFor(const HttpApi& api, const absl::Status& status,
                                int http_status, std::string_view request_id) {
  return api.error_body != nullptr
             ? api.error_body(status, http_status)
             : api.dialect->WriteError(status, request_id).body;
}

}  // namespace gateway

#endif  // SERVICE_HTTP_HTTP_API_H_
