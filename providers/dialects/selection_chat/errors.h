// Writes failures in the form of the dialect `selection_chat`: a `detail`,
// which is a text or, where fields are at fault, a list of them.
//
//   {"detail": [{"type": "value_error", "loc": ["body", "temperature"],
//                "msg": "must lie in 0 to 2"}],
//    "reason": "INVALID_REQUEST", "trace_id": "..."}
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_ERRORS_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "providers/dialects/dialect.h"

namespace gateway::selection_chat {

// Requests whose fields are at fault are 422, and all other faults what their
// reason says.
WireError WriteError(const absl::Status& status, std::string_view request_id);

// Returns a field of the contract by its name in this dialect, such as
// `temperature` for `sampling.temperature`.
std::string FieldName(std::string_view contract_field);

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_ERRORS_H_
