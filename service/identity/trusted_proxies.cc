#include "service/identity/trusted_proxies.h"

#include <algorithm>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kIpv4PrefixBits = 8 * kIpv4PrefixBytes;
constexpr size_t kAddressBits = 8 * sizeof(IpBytes);
// Nobody has more proxies behind one another.
constexpr int kHopsMax = 32;

// A byte of which the first bits are 1.
uint8_t MaskOf(size_t bits) {
  return static_cast<uint8_t>(0xff00 >> std::min<size_t>(bits, 8));
}

// Whether two addresses have the same first bits.
bool HaveSame(size_t bits, const IpBytes& one, const IpBytes& other) {
  const size_t bytes = bits / 8;
  if (!std::equal(one.begin(), one.begin() + bytes, other.begin())) {
    return false;
  }
  return bits % 8 == 0 || ((one[bytes] ^ other[bytes]) & MaskOf(bits % 8)) == 0;
}

struct ProxyNetwork {
  IpBytes address;
  size_t bits = kAddressBits;
};

absl::StatusOr<ProxyNetwork> ReadProxyNetwork(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<IpBytes> address = ParseIpAddress(text.substr(0, slash));
  if (!address.has_value() || text.find('%') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "must be an address, or a network such as 10.0.0.0/8");
  }
  ProxyNetwork network{*address};
  if (slash < text.size()) {
    const size_t before = IsIpv4(*address) ? kIpv4PrefixBits : 0;
    const std::string_view digits = text.substr(slash + 1);
    uint32_t bits = 0;
    const bool is_number =
        digits.size() <= 3 &&
        std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
        absl::SimpleAtoi(ToAbsl(digits), &bits);
    if (!is_number || bits == 0 || bits > kAddressBits - before) {
      return absl::InvalidArgumentError(
          absl::StrCat("must have 1 to ", kAddressBits - before,
                       " bits behind the /, since nobody else may say where "
                       "calls come from"));
    }
    network.bits = before + bits;
  }
  for (size_t i = network.bits / 8; i < sizeof(IpBytes); ++i) {
    const uint8_t own = i == network.bits / 8 ? MaskOf(network.bits % 8) : 0;
    if ((network.address[i] & ~own) == 0) continue;
    return absl::InvalidArgumentError(
        "is an address in a network; its bits behind the network's must be 0");
  }
  return network;
}

}  // namespace

TrustedProxies::TrustedProxies(
    const google::protobuf::RepeatedPtrField<std::string>& networks) {
  for (const std::string& text : networks) {
    if (const absl::StatusOr<ProxyNetwork> read = ReadProxyNetwork(text);
        read.ok()) {
      networks_.push_back({read->address, read->bits});
    }
  }
}

bool TrustedProxies::Has(std::string_view peer) const {
  const std::optional<IpBytes> address = ParseIpAddress(AddressOfPeer(peer));
  return address.has_value() &&
         std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& each) {
                       return HaveSame(each.bits, each.address, *address);
                     });
}

std::string_view TrustedProxies::ClientOf(
    std::string_view peer,
    absl::Span<const std::string_view> forwarded_for) const {
  if (empty()) return peer;
  std::string_view client = peer;
  int hops = 0;
  for (auto list = forwarded_for.rbegin(); list != forwarded_for.rend();
       ++list) {
    std::string_view left = *list;
    while (!left.empty()) {
      const size_t comma = left.rfind(',');
      const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
      const std::string_view said = AddressOfPeer(
          ToStd(absl::StripAsciiWhitespace(ToAbsl(left.substr(begin)))));
      left = left.substr(0, begin == 0 ? 0 : begin - 1);
      if (said.empty()) continue;
      if (++hops > kHopsMax || !Has(client) ||
          !ParseIpAddress(said).has_value()) {
        return client;
      }
      client = said;
    }
  }
  return client;
}

absl::Status CheckProxyNetwork(std::string_view text) {
  return ReadProxyNetwork(text).status();
}

}  // namespace gateway
