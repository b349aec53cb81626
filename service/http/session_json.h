// How sessions are asked for and shown by HTTP, in JSON:
//
//   {"ttl_seconds": 3600, "context": {"project": "apollo"}}
//
//   {"id": "...", "messages": [{"role": "user", "content": "hi"}, ...],
//    "context": {"project": "apollo"}, "created_at":
//    "2026-01-02T03:04:05.678Z", "expires_at": "2026-01-02T04:04:05.678Z"}
//
// with messages in the words of Chat Completions.
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_SESSION_JSON_H_
#define SERVICE_HTTP_SESSION_JSON_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Reads what is to be opened; an empty body says nothing. INVALID_REQUEST names
// the field.
absl::StatusOr<v1::CreateSessionRequest> ReadSessionRequest(
    std::string_view body);

// Appends the session. What its messages have and Chat Completions cannot say
// is left out, and told in `warnings`.
absl::Status WriteSession(const v1::Session& session, std::string* body,
                          std::vector<v1::Warning>* warnings);

}  // namespace gateway

#endif  // SERVICE_HTTP_SESSION_JSON_H_
