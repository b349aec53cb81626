// TrustedProxies knows the proxies that are believed when they say in
// `x-forwarded-for` whom a call comes from.
//
//   const TrustedProxies proxies(listener.trusted_proxies());
//   facts.peer = proxies.ClientOf("10.0.0.7:40312", {"203.0.113.7, 10.0.0.9"});
//
// Each proxy writes at the end of the list whom it was called by. So it is read
// from its end, as long as who has written is one of these: what a client
// writes into it itself counts for nothing.
//
// Thread-safe: immutable.

#ifndef SERVICE_IDENTITY_TRUSTED_PROXIES_H_
#define SERVICE_IDENTITY_TRUSTED_PROXIES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/identity/peer_address.h"

namespace gateway {

inline constexpr std::string_view kForwardedForHeader = "x-forwarded-for";

class TrustedProxies {
 public:
  // Nobody is believed.
  TrustedProxies() = default;
  // REQUIRES: CheckProxyNetwork() is OK for each.
  explicit TrustedProxies(
      const google::protobuf::RepeatedPtrField<std::string>& networks);

  bool empty() const { return networks_.empty(); }

  // Returns where a call comes from: `peer`, `address:port`, unless that is a
  // proxy that is believed; then the address alone that it says, a view into
  // one of the values. `forwarded_for` are those of kForwardedForHeader, in
  // their order. Where a proxy says what is no address, it is the proxy.
  std::string_view ClientOf(
      std::string_view peer,
      absl::Span<const std::string_view> forwarded_for) const;

 private:
  // Those whose first `bits` are the same.
  struct Network {
    IpBytes address;
    size_t bits;
  };

  bool Has(std::string_view peer) const;

  std::vector<Network> networks_;
};

// Checks what an operator calls a network of proxies: an address, or
// `address/bits` of which the bits behind are 0. INVALID_ARGUMENT says what is
// wrong, without a subject.
absl::Status CheckProxyNetwork(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_TRUSTED_PROXIES_H_
