// What `gatewayctl chat` says to a model: the conversation so far, as a request
// of GatewayService.
//
//   GATEWAY_ASSIGN_OR_RETURN(ChatTurns turns, ChatTurns::Of(words));
//   stub.StreamGenerate(turns.Ask("What is a gateway?"));
//   turns.Answered("A gate.");
//   stub.StreamGenerate(turns.Ask("Whose?"));  // Knows what was said before.
//
// Thread-compatible.

#ifndef CLIENTS_CLI_CHAT_REQUEST_H_
#define CLIENTS_CLI_CHAT_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

extern const OperatorCommand kChatCommand;

// What the flags ask for, without a question. INVALID_ARGUMENT for flags that
// make no sense, or what the system says of a file that cannot be read.
absl::StatusOr<llmgateway::v1::GenerateRequest> GenerateRequestOf(
    const OperatorWords& words);

class ChatTurns {
 public:
  // Fails as GenerateRequestOf does.
  static absl::StatusOr<ChatTurns> Of(const OperatorWords& words);

  // Whether the request asks something by itself: its last message waits for
  // an answer.
  bool asks() const;
  // The request, as it is.
  const llmgateway::v1::GenerateRequest& request() const { return request_; }

  // The request that says this, behind what was said before.
  const llmgateway::v1::GenerateRequest& Ask(const std::string& prompt);

  // Keeps the answer. An empty one, as when tools are called, which nobody runs
  // here, takes the turn back. With a session the gateway keeps the
  // conversation, and here nothing is kept for the next turn.
  void Answered(const std::string& text);
  // Takes back what was asked last.
  void Unanswered();
  // Begins anew.
  void Forget();

 private:
  explicit ChatTurns(llmgateway::v1::GenerateRequest request);

  // With what is of no turn first, such as the system's message.
  llmgateway::v1::GenerateRequest request_;
  const int first_messages_;  // So many are of no turn.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_CHAT_REQUEST_H_
