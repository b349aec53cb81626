// Chat does what `gatewayctl chat` says: asks a model through a gateway, and
// shows what it answers as it comes.
//
//   echo "What is a gateway?" | gatewayctl chat --model gpt-5
//   gatewayctl chat --model gpt-5 What is a gateway?
//   gatewayctl chat --model gpt-5          # On a terminal: turn after turn.
//
// Thread contract: the main thread, before it starts others; blocks until the
// answer, or on a terminal the input, has ended. There Ctrl-C ends the answer
// that is under way, and not the program.

#ifndef CLIENTS_CLI_CHAT_H_
#define CLIENTS_CLI_CHAT_H_

#include "absl/status/status.h"
#include "clients/cli/console.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"

namespace gateway {

// Returns why the one call failed; on a terminal that is said there, and the
// chat goes on. A stream that is no whole answer is such a failure, behind what
// came of it. INVALID_ARGUMENT for words that make no sense.
absl::Status Chat(const RpcPlace& place, const OperatorWords& words,
                  const Console& console);

}  // namespace gateway

#endif  // CLIENTS_CLI_CHAT_H_
