// Takes apart the address of an upstream service or proxy. The configuration is
// checked by the same rules as calls go by.
//
//   absl::StatusOr<BaseUrl> url = ParseBaseUrl("https://api.openai.com/v1");
//   // tls, "api.openai.com", 443, "/v1"
//
// Thread-safe.

#ifndef BASE_NET_BASE_URL_H_
#define BASE_NET_BASE_URL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

struct BaseUrl {
  bool tls = false;
  std::string host;  // In lower case; an IPv6 address without brackets.
  uint16_t port = 0;
  std::string path;  // Without a slash at its end; may be empty.

  // Whether the host is this machine.
  bool IsLoopback() const;
};

// Takes a URL apart. Refuses what is not http or https, and user names, queries
// and fragments. The message does not repeat the URL: it may hold a password.
absl::StatusOr<BaseUrl> ParseBaseUrl(std::string_view text);

}  // namespace gateway

#endif  // BASE_NET_BASE_URL_H_
