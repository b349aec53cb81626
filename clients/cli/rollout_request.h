// ChangeRollout asks a gateway's admin listener to change the share of callers
// that its rules are for, or how large it is.
//
//   absl::StatusOr<RolloutShare> share =
//       ChangeRollout({.admin = {.address = "127.0.0.1:50052"},
//                      .change = "25"});
//   std::cout << share->text;  // "on, 25 % of the callers"
//
// Thread-safe; blocks, for ten seconds at most.

#ifndef CLIENTS_CLI_ROLLOUT_REQUEST_H_
#define CLIENTS_CLI_ROLLOUT_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/rpc_connection.h"

namespace gateway {

struct RolloutQuestion {
  RpcPlace admin;
  std::string change;  // `off`, `on`, `reset`, a percentage, or `status`.
  bool as_json = false;
};

struct RolloutShare {
  bool enabled = true;
  double percentage = 100;
  std::string text;  // For people, or JSON.
};

// INVALID_ARGUMENT if the change is none of these.
absl::StatusOr<RolloutShare> ChangeRollout(const RolloutQuestion& question);

}  // namespace gateway

#endif  // CLIENTS_CLI_ROLLOUT_REQUEST_H_
