// Whatever a client writes into `x-forwarded-for`, it is who the proxy says it
// is; and whatever an operator calls a network, it is one or is refused.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/identity/peer_address.h"
#include "service/identity/peer_network.h"
#include "service/identity/trusted_proxies.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

constexpr std::string_view kProxy = "10.0.0.7:40312";
constexpr std::string_view kClient = "203.0.113.7";

void Require(bool condition) {
  if (!condition) std::abort();
}

const TrustedProxies& Proxies() {
  static const TrustedProxies& proxies = *[] {
    google::protobuf::RepeatedPtrField<std::string> networks;
    *networks.Add() = "10.0.0.0/8";
    *networks.Add() = "2001:db8::/33";
    return new TrustedProxies(networks);
  }();
  return proxies;
}

// All that the proxy passes on is what its client has written.
void TryList(std::string_view text) {
  const ExactCopy copy(text);
  const std::string_view said = Proxies().ClientOf(kProxy, {copy.view()});
  Require(said == kProxy || ParseIpAddress(said).has_value());
  // From anybody else, nothing of it counts.
  Require(Proxies().ClientOf("192.0.2.1:1", {copy.view()}) == "192.0.2.1:1");
  // The proxy says behind it, or in a field of its own, who has called it.
  const std::string added = absl::StrCat(ToAbsl(text), ", ", ToAbsl(kClient));
  Require(Proxies().ClientOf(kProxy, {added}) == kClient);
  Require(Proxies().ClientOf(kProxy, {copy.view(), kClient}) == kClient);
  Require(PeerNetworkOf(copy.view()) != 0);
}

void TryNetwork(std::string_view text) {
  const ExactCopy copy(text);
  if (!CheckProxyNetwork(copy.view()).ok()) return;
  google::protobuf::RepeatedPtrField<std::string> networks;
  networks.Add()->assign(text);
  const TrustedProxies proxies(networks);
  Require(!proxies.empty());
  // The first address of a network is in it.
  const std::string_view first = text.substr(0, text.find('/'));
  Require(proxies.ClientOf(first, {kClient}) == kClient);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gateway::TryList(text);
  gateway::TryNetwork(text);
  return 0;
}
