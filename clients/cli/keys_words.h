// KeysWords is what stands behind `gatewayctl keys`, and the requests that it
// comes to.
//
//   KeysWords words;
//   words.words = {"create"};
//   words.flags = {{"--owner", "search"}, {"--ttl", "720h"}};
//   GATEWAY_ASSIGN_OR_RETURN(const v1::CreateKeyRequest request,
//                            CreateRequestOf(words));
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_KEYS_WORDS_H_
#define CLIENTS_CLI_KEYS_WORDS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "llmgateway/v1/keys.pb.h"

namespace gateway {

struct KeysWords {
  // What to do - create, list, get, update, rotate or revoke - and to which
  // key.
  std::vector<std::string> words;
  // In the order in which they came; some may repeat.
  std::vector<std::pair<std::string, std::string>> flags;
  bool as_json = false;
};

// Whether it is a flag of `keys`, which has a value.
bool IsKeysFlag(std::string_view name);

// INVALID_ARGUMENT, below, says which word or flag is wrong.

absl::StatusOr<llmgateway::v1::CreateKeyRequest> CreateRequestOf(
    const KeysWords& words);
absl::StatusOr<llmgateway::v1::ListKeysRequest> ListRequestOf(
    const KeysWords& words);
absl::StatusOr<llmgateway::v1::GetKeyRequest> GetRequestOf(
    const KeysWords& words);
// What is given is changed; `none` empties a list, `never` an expiry.
absl::StatusOr<llmgateway::v1::UpdateKeyRequest> UpdateRequestOf(
    const KeysWords& words);
absl::StatusOr<llmgateway::v1::RotateKeyRequest> RotateRequestOf(
    const KeysWords& words);
absl::StatusOr<llmgateway::v1::RevokeKeyRequest> RevokeRequestOf(
    const KeysWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_KEYS_WORDS_H_
