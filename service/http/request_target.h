// Reads what a request's target is made of: segments of its path, and the
// parameters of its query.
//
//   DecodeSegment("org%2Fmodel")                         // org/model
//   FindParameter("limit=2&after_id=a%2Fb", "after_id")  // a/b
//
// Thread contract: plain functions.

#ifndef SERVICE_HTTP_REQUEST_TARGET_H_
#define SERVICE_HTTP_REQUEST_TARGET_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

// Undoes the percent-encoding. INVALID_REQUEST, of `path`, if a percent sign is
// not followed by two hexadecimal digits, or if what comes of it is not UTF-8.
absl::StatusOr<std::string> DecodeSegment(std::string_view text);

// Returns whether `is` holds for the value of any parameter of that name. The
// value is as it was sent, with its percent-encoding; nothing if there is no
// equals sign behind the name.
bool AnyParameter(
    std::string_view query, std::string_view name,
    absl::FunctionRef<bool(std::optional<std::string_view> value)> is);

// Refuses, by its name, a parameter that is none of `known`, or is given twice.
// INVALID_REQUEST, of `query`, as for DecodeSegment.
absl::Status CheckParameters(std::string_view query,
                             absl::Span<const std::string_view> known);

// Returns the value of the first parameter of that name that has one, without
// its percent-encoding; empty if it is empty or not there. INVALID_REQUEST,
// of `query`, as for DecodeSegment.
absl::StatusOr<std::string> FindParameter(std::string_view query,
                                          std::string_view name);

}  // namespace gateway

#endif  // SERVICE_HTTP_REQUEST_TARGET_H_
