#include "clients/cli/rpc_hint.h"

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What gRPC says by itself, where no gateway has said anything.
constexpr std::string_view kNotConnected = "failed to connect to all addresses";
constexpr std::string_view kNotResolved = "DNS resolution failed";
constexpr std::string_view kNoGrpc = "Received http2 header with status";
constexpr std::string_view kNoGrpcEither = "http1.x server";
constexpr std::string_view kLost[] = {
    "Socket closed",        "Connection reset by peer",
    "Endpoint read failed", "Stream removed",
    "Broken pipe",          "Connection aborted",
    "Connection dropped",   "keepalive watchdog timeout",
    "recvmsg:Connection reset by peer"};
constexpr std::string_view kTooLate = "Deadline Exceeded";
// What stands before the cause of the last address that was tried.
constexpr std::string_view kCauseMarks[] = {
    "Failed to connect to remote host: ", "last error: "};
// What a gateway says of a listener that has other services.
constexpr std::string_view kNoService = "no such service";
constexpr std::string_view kNoModel = "model is required";

bool Says(const grpc::Status& status, std::string_view words) {
  return absl::StrContains(status.error_message(), ToAbsl(words));
}

bool IsLost(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
  for (const std::string_view words : kLost) {
    if (absl::StartsWith(status.error_message(), ToAbsl(words))) return true;
  }
  return false;
}

// The cause alone, as in `Connection refused`.
std::string CauseOf(const grpc::Status& status) {
  const std::string& message = status.error_message();
  for (const std::string_view mark : kCauseMarks) {
    const size_t found = message.find(mark);
    if (found != std::string::npos) return message.substr(found + mark.size());
  }
  return message;
}

std::string HintOfAddress(const RpcPlace& place, const grpc::Status& status) {
  if (absl::StrContains(place.address, "://") && Says(status, kNotResolved)) {
    return absl::StrCat(place.flag, " takes HOST:PORT, without http://");
  }
  if (Says(status, kNotResolved)) {
    return absl::StrCat("no host of that name is known; ", place.flag,
                        " takes HOST:PORT");
  }
  if (Says(status, "Connection refused")) {
    return "does a gateway run there, and is that its port? gatewayctl status "
           "tells of one on this machine";
  }
  if (place.tls.ca.empty()) {
    return "if it speaks TLS there, name whom to trust by --ca_file FILE";
  }
  return absl::StrCat(
      "does it speak TLS there, with a certificate that --ca_file knows, for "
      "this name? ",
      place.tls.cert.empty()
          ? "If it asks for a certificate, show one by --cert_file FILE and "
            "--key_file FILE"
          : "And has an authority that it trusts issued that of --cert_file?");
}

// What may stand in place of a key.
std::string HintOfCertificate(const RpcPlace& place) {
  if (place.tls.ca.empty()) return "";
  return place.tls.cert.empty()
             ? "; where certificates do, show one by --cert_file FILE and "
               "--key_file FILE"
             : "; the certificate of --cert_file has another name than those "
               "that may";
}

}  // namespace

std::string RpcFailureText(const RpcPlace& place, const grpc::Status& status) {
  if (Says(status, kNoGrpc) || Says(status, kNoGrpcEither)) {
    return absl::StrCat("what answers at ", place.address,
                        " is no gRPC listener: ", status.error_message());
  }
  if (Says(status, kNotConnected) || Says(status, kNotResolved)) {
    return absl::StrCat("no gateway answers at ", place.address, ": ",
                        CauseOf(status));
  }
  if (IsLost(status)) {
    return absl::StrCat("the connection to ", place.address,
                        " broke off: ", status.error_message());
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
      status.error_message() == kTooLate) {
    return absl::StrCat("the gateway at ", place.address,
                        " has not answered within ",
                        absl::FormatDuration(place.timeout));
  }
  const bool says_why = !status.error_message().empty();
  return absl::StrCat(
      "the gateway at ", place.address, " says: ",
      says_why ? status.error_message()
               : absl::StatusCodeToString(
                     static_cast<absl::StatusCode>(status.error_code())),
      says_why ? "" : ", and not why");
}

std::string RpcHint(const RpcPlace& place, const grpc::Status& status,
                    bool has_answered) {
  if (Says(status, kNoGrpc) || Says(status, kNoGrpcEither)) {
    return absl::StrCat("is that its HTTP port? ", place.flag,
                        " takes another; gatewayctl status tells which it has");
  }
  if (Says(status, kNotConnected) || Says(status, kNotResolved) ||
      (IsLost(status) && !has_answered)) {
    return HintOfAddress(place, status);
  }
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
      Says(status, kNoService)) {
    return absl::StrCat("another of its listeners has that; ", place.flag,
                        " HOST:PORT names it, gatewayctl status tells which "
                        "there are");
  }
  if (status.error_code() == grpc::StatusCode::INVALID_ARGUMENT &&
      Says(status, kNoModel)) {
    return "name one by --model; gatewayctl models list shows those that there "
           "are";
  }
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    return place.key.empty()
               ? absl::StrCat("put the key into $", place.key_variable,
                              ", or have a context name the variable that has "
                              "it (gatewayctl contexts set)",
                              HintOfCertificate(place))
               : absl::StrCat("that is what $", place.key_variable, " says");
  }
  return "";
}

}  // namespace gateway
