// Whole requests and answers, read by their dialect within the memory that
// their size allows (providers/dialects/bounded_reading.h).
//
// Thread-safe: free functions.

#ifndef PROVIDERS_BOUNDED_MESSAGES_H_
#define PROVIDERS_BOUNDED_MESSAGES_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway {

// What a request is read for.
enum class RequestUse { kGenerate, kCountTokens };

// Reads a request as Dialect::ReadRequest or ReadCountRequest;
// REQUEST_TOO_LARGE if what is built of it outgrows what its size allows. Only
// memory of an arena is bounded, so `request` should be on one.
absl::Status ReadBoundedRequest(const Dialect& dialect, std::string_view body,
                                RequestUse use, v1::GenerateRequest* request);

// Reads an answer as Dialect::ReadResponse; PROVIDER_BAD_RESPONSE if it
// outgrows what its size allows. Bounded likewise.
absl::Status ReadBoundedResponse(const Dialect& dialect, std::string_view body,
                                 v1::GenerateResponse* response);

}  // namespace gateway

#endif  // PROVIDERS_BOUNDED_MESSAGES_H_
