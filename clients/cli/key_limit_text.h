// A limit of a key as `gatewayctl keys` takes and shows it:
// UNIT=N[/TIME[/BURST]], as in `requests=60/1m/10`, `concurrent_calls=4` and,
// in dollars, `cost=2.50/24h`. An empty TIME is the default one.
//
//   GATEWAY_ASSIGN_OR_RETURN(configv1::KeyLimit limit,
//                            ParseKeyLimit("requests=60/1m/10"));
//   KeyLimitText(limit)  // "requests=60/60s/10"
//
// What is shown can be given again, and means the same.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_KEY_LIMIT_TEXT_H_
#define CLIENTS_CLI_KEY_LIMIT_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {

// INVALID_ARGUMENT, naming --limit and what of it is wrong. What a limit may
// be is for the gateway to say.
absl::StatusOr<llmgateway::config::v1::KeyLimit> ParseKeyLimit(
    const std::string& text);

std::string KeyLimitText(const llmgateway::config::v1::KeyLimit& limit);

// Reads the time that a flag says, as in 30m or 720h; INVALID_ARGUMENT, naming
// the flag, if it is none.
absl::Status SetDuration(const std::string& flag, const std::string& text,
                         google::protobuf::Duration* to);

}  // namespace gateway

#endif  // CLIENTS_CLI_KEY_LIMIT_TEXT_H_
