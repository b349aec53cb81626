// Failures in Gemini's words, which are those of google.rpc.Status: an HTTP
// status, a canonical word, details.
//
//   {"error": {"code": 429, "message": "...", "status": "RESOURCE_EXHAUSTED",
//              "details": [{"@type": ".../google.rpc.RetryInfo", ...}]}}
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_ERRORS_H_
#define PROVIDERS_DIALECTS_GEMINI_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "providers/dialects/dialect.h"

namespace gateway::gemini {

// Writes the answer to a call that failed.
WireError WriteError(const absl::Status& status);

// Write its body alone, in one line; the second for an answer with another HTTP
// status than the reason has, as 405.
std::string ErrorBodyOf(const absl::Status& status);
std::string ErrorBodyOf(const absl::Status& status, int http_status);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_ERRORS_H_
