// PageTokens says whether a list goes on: by the token of the next page, which
// whoever lists says, and which must not come again.
//
//   PageTokens tokens;
//   do {
//     ...
//     GATEWAY_ASSIGN_OR_RETURN(more, tokens.GoOn(page.next_page_token()));
//   } while (more);
//
// Keeps one token, however many pages there are: that of page 1, 2, 4, 8 and so
// on, one of which every circle comes back to.
//
// Thread-compatible.

#ifndef CLIENTS_CLI_PAGE_TOKENS_H_
#define CLIENTS_CLI_PAGE_TOKENS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

class PageTokens {
 public:
  // Whether there is a page behind this one; INTERNAL if it was there before.
  absl::StatusOr<bool> GoOn(const std::string& next_page_token);

 private:
  std::string kept_;
  int64_t pages_ = 0;
  int64_t keep_at_ = 1;
};

}  // namespace gateway

#endif  // CLIENTS_CLI_PAGE_TOKENS_H_
