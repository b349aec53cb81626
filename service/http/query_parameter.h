// Reads the parameters in the query of a request's target.
//
//   FindParameter("limit=2&after_id=a%2Fb", "after_id")   // a/b
//
// Thread contract: plain functions.

#ifndef SERVICE_HTTP_QUERY_PARAMETER_H_
#define SERVICE_HTTP_QUERY_PARAMETER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace gateway {

// Returns whether `is` holds for the value of any parameter of that name. The
// value is as it was sent, with its percent-encoding; nothing if there is no
// equals sign behind the name.
bool AnyParameter(
    std::string_view query, std::string_view name,
    absl::FunctionRef<bool(std::optional<std::string_view> value)> is);

// Returns the value of the first parameter of that name that has one, without
// its percent-encoding; empty if it is empty or not there. INVALID_REQUEST as
// for PercentDecode.
absl::StatusOr<std::string> FindParameter(std::string_view query,
                                          std::string_view name);

}  // namespace gateway

#endif  // SERVICE_HTTP_QUERY_PARAMETER_H_
