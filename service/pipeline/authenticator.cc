#include "service/pipeline/authenticator.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/os/random.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/server.pb.h"

namespace gateway {
namespace {

// The key in `Bearer <key>`, or empty.
std::string_view BearerKey(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(ToAbsl(authorization), ToAbsl(kScheme))) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(authorization)));
}

}  // namespace

Authenticator::Authenticator(const ConfigSnapshot& config)
    : required_(config.config().auth().mode() ==
                llmgateway::config::v1::AuthConfig::MODE_TOKEN),
      seed_(SystemRandom().Bits()) {
  for (const ConfigSnapshot::CallerKey& key : config.caller_keys()) {
    keys_[KeyHash(key.key.Reveal())].push_back(&key);
  }
}

absl::StatusOr<std::string_view> Authenticator::Authenticate(
    std::string_view authorization, std::string_view api_key) const {
  if (!required_) return std::string_view();
  std::string_view shown = BearerKey(authorization);
  if (shown.empty()) shown = api_key;
  const auto found = keys_.find(KeyHash(shown));
  if (found != keys_.end()) {
    for (const ConfigSnapshot::CallerKey* key : found->second) {
      if (key->key.Equals(shown)) return std::string_view(key->name);
    }
  }
  return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                   shown.empty()
                       ? "no API key: send `authorization: Bearer <key>`"
                       : "the API key is not known");
}

// The library's own seed is the same in every process of one build.
size_t Authenticator::KeyHash(std::string_view key) const {
  return absl::Hash<std::pair<uint64_t, std::string_view>>()({seed_, key});
}

}  // namespace gateway
