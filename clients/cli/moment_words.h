// Moments as flags say them: a time as in 2027-01-31T00:00:00Z, or how long ago
// as in 24h.
//
//   GATEWAY_ASSIGN_OR_RETURN(const absl::Time since,
//                            MomentOf("--since", "24h", now));
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_MOMENT_WORDS_H_
#define CLIENTS_CLI_MOMENT_WORDS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace gateway {

// INVALID_ARGUMENT, with the flag, if the text is neither.
absl::StatusOr<absl::Time> MomentOf(std::string_view flag,
                                    const std::string& text, absl::Time now);

// Exact to the nanosecond.
google::protobuf::Timestamp ToTimestamp(absl::Time time);

}  // namespace gateway

#endif  // CLIENTS_CLI_MOMENT_WORDS_H_
