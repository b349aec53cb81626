// Top does what `gatewayctl top` says: shows which calls a gateway has under
// way and which have just ended, on a terminal as a screen that is drawn anew,
// else a line for each that ends.
//
//   gatewayctl top --provider openai
//
// Thread contract: the main thread, before it starts others; blocks until the
// gateway goes, as many calls have ended as were asked for, or somebody ends
// the screen by q. A signal that ends it does so once the terminal is as it
// was.

#ifndef CLIENTS_CLI_TOP_H_
#define CLIENTS_CLI_TOP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/console.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/metrics.pb.h"

namespace gateway {

extern const OperatorCommand kTopCommand;

// INVALID_ARGUMENT for words that are not meant; other errors are the
// gateway's, also that it tells no more.
absl::Status Top(const RpcPlace& place, const OperatorWords& words,
                 const Console& console);

// The text with each line cut to so many characters, so that a terminal of as
// many columns has it on one.
std::string CutToColumns(std::string_view text, size_t columns);

// What is asked for.
absl::StatusOr<llmgateway::v1::WatchRequestsRequest> WatchRequestsRequestOf(
    const OperatorWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_TOP_H_
