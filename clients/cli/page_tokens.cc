#include "clients/cli/page_tokens.h"

#include "absl/status/status.h"

namespace gateway {

absl::StatusOr<bool> PageTokens::GoOn(const std::string& next_page_token) {
  if (next_page_token.empty()) return false;
  if (next_page_token == kept_) {
    return absl::InternalError(
        "the gateway's list has no end: the token of a page came again");
  }
  if (++pages_ == keep_at_) {
    kept_ = next_page_token;
    keep_at_ *= 2;
  }
  return true;
}

}  // namespace gateway
