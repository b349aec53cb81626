// JSON objects whose meaning depends on nobody's way of reading them: no member
// stands in one twice (RFC 7515 leaves open which of two counts, and who checks
// a token must not read another one than who uses it).
//
//   GATEWAY_RETURN_IF_ERROR(CheckMembersOnce(claims));
//   GATEWAY_ASSIGN_OR_RETURN(
//       const bool found,
//       ReadMember(claims, "kubernetes.io/namespace", [&](JsonValue& value) {
//         ...
//       }));
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_JSON_MEMBERS_H_
#define SERVICE_IDENTITY_JSON_MEMBERS_H_

#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"

namespace gateway {

// Checks that `json` is one well-formed object in valid UTF-8, and that neither
// it nor any object within has a member twice. INVALID_ARGUMENT otherwise.
absl::Status CheckMembersOnce(std::string_view json);

// Shows a member of the object to `read`, and returns whether there is one;
// errors are those of `read`. `path` is the member's name. If there is none
// of that name, `/` stands between the names of members of objects. REQUIRES:
// CheckMembersOnce(json).ok().
absl::StatusOr<bool> ReadMember(
    std::string_view json, std::string_view path,
    absl::FunctionRef<absl::Status(JsonValue& value)> read);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_JSON_MEMBERS_H_
