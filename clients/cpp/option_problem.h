// OptionProblem is what is wrong with an option of a client or of a call, as
// absl::Status: INVALID_ARGUMENT that begins with the option's name. It never
// shows a secret.
//
//   absl::StatusOr<std::unique_ptr<LLMGateway>> gateway =
//       LLMGateway::Connect(options);
//   if (const auto option = WrongOptionOf(gateway.status())) {
//     Ask(*option);  // "root_certificates_file"
//   }
//
// Thread contract: plain functions.

#ifndef CLIENTS_CPP_OPTION_PROBLEM_H_
#define CLIENTS_CPP_OPTION_PROBLEM_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gateway {

// What calls carry beside the request; several values go under one name. Of
// names that end with -bin they are any bytes, of all others printable ASCII.
using CallMetadata = std::multimap<std::string, std::string>;

absl::Status OptionProblem(absl::string_view option, absl::string_view problem);

// The option that is wrong, such as `api_key` or `metadata["x-team"]`; nothing
// if the status says something else.
std::optional<std::string> WrongOptionOf(const absl::Status& status);

// Fails for what is no target by its looks.
absl::Status CheckTarget(absl::string_view target);

// Whether the target is several addresses, which have no name together.
bool IsAddressList(absl::string_view target);

// Whether the target is this machine alone: `localhost`, 127.0.0.0/8, `::1`. No
// proxy stands before that; one would be shown the key, and lead elsewhere.
bool IsOnThisMachine(absl::string_view target);

// Fails for what has others than printable ASCII letters: the library would end
// the process, and show it.
absl::Status CheckText(absl::string_view option, absl::string_view text);

// With names in small letters; fails for what gRPC cannot send.
absl::StatusOr<CallMetadata> SendableMetadata(const CallMetadata& metadata);

// The contents of a PEM file with such a `thing`, as `CERTIFICATE`.
absl::StatusOr<std::string> ReadPem(absl::string_view option,
                                    const std::string& path,
                                    absl::string_view thing);

}  // namespace gateway

#endif  // CLIENTS_CPP_OPTION_PROBLEM_H_
