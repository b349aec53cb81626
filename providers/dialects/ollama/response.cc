#include "providers/dialects/ollama/response.h"

#include <utility>

#include "base/status_macros.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/ollama/chat_line.h"

namespace gateway::ollama {

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response) {
  response->Clear();
  ChatLine line;
  GATEWAY_RETURN_IF_ERROR(AsBadResponse(ReadChatLine(body, &line)));
  if (line.is_error) return ReadErrorReport(body);
  if (!line.has_message || !line.done) {
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     line.has_message
                         ? "the provider's answer: done: must be true"
                         : "the provider's answer: message: required");
  }
  response->set_model(std::move(line.model));
  google::protobuf::Timestamp moment;
  if (ReadMoment(line.created_at, &moment)) {
    *response->mutable_create_time() = moment;
  }
  *response->mutable_usage() = line.ToUsage();
  response->mutable_extensions()->Swap(&line.extensions);

  v1::Choice& choice = *response->add_choices();
  v1::Message& message = *choice.mutable_message();
  message.set_role(v1::ROLE_ASSISTANT);
  message.mutable_extensions()->Swap(&line.message_extensions);
  if (!line.thinking.empty()) {
    message.add_parts()->mutable_reasoning()->set_text(
        std::move(line.thinking));
  }
  if (!line.text.empty()) message.add_parts()->set_text(std::move(line.text));
  for (v1::Part& call : line.calls) message.add_parts()->Swap(&call);
  if (!line.logprobs.content().empty()) {
    choice.mutable_logprobs()->Swap(&line.logprobs);
  }
  choice.set_finish_reason(FinishReasonOfTurn(
      line.done_reason, !line.calls.empty(), message.parts_size() > 0));
  choice.set_provider_finish_reason(std::move(line.done_reason));
  return AsBadResponse(line.usage_fault);
}

}  // namespace gateway::ollama
