// What stands behind `gatewayctl keys` - create, list, get, update, rotate or
// revoke, and to which key - and the requests that it comes to.
//
//   OperatorWords words;
//   words.words = {"create"};
//   words.flags = {{"--owner", "search"}, {"--ttl", "720h"}};
//   GATEWAY_ASSIGN_OR_RETURN(const v1::CreateKeyRequest request,
//                            CreateRequestOf(words));
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_KEYS_WORDS_H_
#define CLIENTS_CLI_KEYS_WORDS_H_


#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "llmgateway/v1/keys.pb.h"

namespace gateway {

// What `keys` does.
extern const OperatorCommand kKeysCommand;

// INVALID_ARGUMENT, below, says which word or flag is wrong.

absl::StatusOr<llmgateway::v1::CreateKeyRequest> CreateRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::ListKeysRequest> ListRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::GetKeyRequest> GetRequestOf(
    const OperatorWords& words);
// What is given is changed; `none` empties a list, `never` an expiry.
absl::StatusOr<llmgateway::v1::UpdateKeyRequest> UpdateRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::RotateKeyRequest> RotateRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::RevokeKeyRequest> RevokeRequestOf(
    const OperatorWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_KEYS_WORDS_H_
