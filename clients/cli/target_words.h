// How a target is named to gatewayctl: its provider, a slash and its model, as
// in `openai/gpt-5-mini`.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Target target, TargetOf("openai/gpt-5"));
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_TARGET_WORDS_H_
#define CLIENTS_CLI_TARGET_WORDS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "llmgateway/type/v1/target.pb.h"

namespace gateway {

// INVALID_ARGUMENT unless both are there. A provider's name has no slash, a
// model's may.
absl::StatusOr<llmgateway::type::v1::Target> TargetOf(std::string_view text);

// As in `openai/gpt-5-mini`, or `openai` without a model.
std::string TargetText(const std::string& provider, const std::string& model);

}  // namespace gateway

#endif  // CLIENTS_CLI_TARGET_WORDS_H_
