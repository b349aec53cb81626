#include "clients/cpp/option_problem.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <ios>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace gateway {
namespace {

constexpr const char* kOptionPayload = "llmgateway.dev/option";
constexpr uint32_t kPortMax = 65535;
constexpr uint32_t kOctetMax = 255;

bool IsPrintable(char letter) { return letter >= ' ' && letter <= '~'; }

bool IsNumber(absl::string_view text, uint32_t least, uint32_t most) {
  uint32_t number = 0;
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &number) && number >= least && number <= most;
}

bool IsIpv4(absl::string_view host) {
  const std::vector<absl::string_view> octets = absl::StrSplit(host, '.');
  return octets.size() == 4 &&
         std::all_of(octets.begin(), octets.end(), [](absl::string_view one) {
           return IsNumber(one, 0, kOctetMax);
         });
}

// Roughly: the library reads it, and this tells it from a name.
bool IsIpv6(absl::string_view host) {
  if (!absl::ConsumePrefix(&host, "[") || !absl::ConsumeSuffix(&host, "]")) {
    return false;
  }
  // A zone belongs to this machine, as in fe80::1%eth0.
  host = host.substr(0, host.find('%'));
  return absl::StrContains(host, ':') &&
         std::all_of(host.begin(), host.end(), [](char letter) {
           return absl::ascii_isxdigit(letter) || letter == ':' ||
                  letter == '.';
         });
}

bool IsNameLetter(char letter) {
  return absl::ascii_islower(letter) || absl::ascii_isdigit(letter) ||
         letter == '-' || letter == '_' || letter == '.';
}

}  // namespace

absl::Status OptionProblem(absl::string_view option,
                           absl::string_view problem) {
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(option, " ", problem));
  status.SetPayload(kOptionPayload, absl::Cord(option));
  return status;
}

std::optional<std::string> WrongOptionOf(const absl::Status& status) {
  const auto option = status.GetPayload(kOptionPayload);
  if (!option.has_value()) return std::nullopt;
  return std::string(*option);
}

absl::Status CheckTarget(absl::string_view target) {
  if (target.empty()) {
    return OptionProblem("target", "is empty; it is like host:port");
  }
  if (!std::all_of(target.begin(), target.end(), absl::ascii_isgraph)) {
    return OptionProblem("target",
                         "has a letter that no address has, such as a space or "
                         "a line's end");
  }
  if (absl::StartsWith(target, "http://") ||
      absl::StartsWith(target, "https://")) {
    return OptionProblem("target",
                         "is a URL; it is like host:port, and plaintext says "
                         "whether there is TLS");
  }
  const bool is_ipv6 = absl::ConsumePrefix(&target, "ipv6:");
  if (!is_ipv6 && !absl::ConsumePrefix(&target, "ipv4:")) {
    return absl::OkStatus();
  }
  for (const absl::string_view address : absl::StrSplit(target, ',')) {
    const size_t colon = std::min(address.rfind(':'), address.size());
    const absl::string_view host = address.substr(0, colon);
    absl::string_view port = address.substr(colon);
    absl::ConsumePrefix(&port, ":");
    if (!IsNumber(port, 1, kPortMax) ||
        !(is_ipv6 ? IsIpv6(host) : IsIpv4(host))) {
      return OptionProblem("target",
                           absl::StrCat("is a list, and '", address,
                                        "' of it is no address and port"));
    }
  }
  return absl::OkStatus();
}

bool IsAddressList(absl::string_view target) {
  return (absl::StartsWith(target, "ipv4:") ||
          absl::StartsWith(target, "ipv6:")) &&
         absl::StrContains(target, ',');
}

bool IsOnThisMachine(absl::string_view target) {
  for (const absl::string_view scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&target, scheme)) break;
  }
  while (absl::ConsumePrefix(&target, "/")) {
  }
  for (absl::string_view host : absl::StrSplit(target, ',')) {
    if (!absl::EndsWith(host, "]")) host = host.substr(0, host.rfind(':'));
    if (host != "localhost" && host != "[::1]" &&
        !(absl::StartsWith(host, "127.") && IsIpv4(host))) {
      return false;
    }
  }
  return true;
}

absl::Status CheckText(absl::string_view option, absl::string_view text) {
  if (std::all_of(text.begin(), text.end(), IsPrintable)) {
    return absl::OkStatus();
  }
  return OptionProblem(option,
                       "has what is no printable ASCII letter, such as a "
                       "line's end");
}

absl::StatusOr<CallMetadata> SendableMetadata(const CallMetadata& metadata) {
  CallMetadata sendable;
  for (const auto& [given, value] : metadata) {
    const std::string option =
        absl::StrCat("metadata[\"", absl::CHexEscape(given), "\"]");
    std::string name = absl::AsciiStrToLower(given);
    if (name.empty() || !std::all_of(name.begin(), name.end(), IsNameLetter)) {
      return OptionProblem(
          option, "cannot be sent; names have letters, digits and -_.");
    }
    if (absl::StartsWith(name, "grpc-")) {
      return OptionProblem(
          option, "is gRPC's own; names begin with other than grpc-");
    }
    if (!absl::EndsWith(name, "-bin")) {
      if (absl::Status wrong = CheckText(option, value); !wrong.ok()) {
        return wrong;
      }
    }
    sendable.emplace(std::move(name), value);
  }
  return sendable;
}

absl::StatusOr<std::string> ReadPem(absl::string_view option,
                                    const std::string& path,
                                    absl::string_view thing) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  // Unlike an iterator it does not throw at a folder.
  contents << file.rdbuf();
  std::string pem = contents.str();
  if (pem.empty()) {
    return OptionProblem(option, absl::StrCat("cannot be read: ", path));
  }
  if (!absl::StrContains(pem, absl::StrCat(thing, "-----"))) {
    return OptionProblem(option,
                         absl::StrCat("has no ", thing, " in PEM: ", path));
  }
  return pem;
}

}  // namespace gateway
