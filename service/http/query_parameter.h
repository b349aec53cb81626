// Finds a parameter in the query of a request's target.
//
//   FindParameter("limit=2&after_id=a%2Fb", "after_id")   // a/b
//
// Thread contract: plain function.

#ifndef SERVICE_HTTP_QUERY_PARAMETER_H_
#define SERVICE_HTTP_QUERY_PARAMETER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Returns the value of the first parameter of that name, without its
// percent-encoding; empty if it is empty or not there. INVALID_REQUEST as for
// PercentDecode.
absl::StatusOr<std::string> FindParameter(std::string_view query,
                                          std::string_view name);

}  // namespace gateway

#endif  // SERVICE_HTTP_QUERY_PARAMETER_H_
