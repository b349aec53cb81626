#include "clients/cli/rpc_connection.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/net/host_port.h"
#include "base/net/tls_material.h"
#include "base/os/clock.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/failure_text.h"
#include "clients/cli/rpc_hint.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

constexpr size_t kCertificatesBytesLimit = 1024 * 1024;

absl::Status InPemFile(const std::string& path, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(path, ": ", why.message()));
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path, kCertificatesBytesLimit);
  return pem.ok() ? std::move(pem) : InPemFile(path, pem.status());
}

// Reads as whom to connect. REQUIRES: one of the two files is named.
absl::Status ReadIdentity(const TlsFiles& tls,
                          grpc::SslCredentialsOptions* options) {
  if (tls.ca.empty()) {
    return absl::InvalidArgumentError(
        "a certificate is shown over TLS alone; name whom to trust there by "
        "--ca_file FILE");
  }
  if (tls.cert.empty() || tls.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--cert_file and --key_file belong together; ",
        tls.cert.empty() ? "--cert_file" : "--key_file", " is not said"));
  }
  GATEWAY_ASSIGN_OR_RETURN(options->pem_cert_chain, ReadPem(tls.cert));
  GATEWAY_ASSIGN_OR_RETURN(options->pem_private_key, ReadPem(tls.key));
  // gRPC would not say which is wrong. What a server could use a client can.
  const ServerTlsCheck check = CheckServerTls(
      options->pem_cert_chain, Secret(options->pem_private_key),
      /*client_ca_pem=*/"", SystemClock().WallTime());
  if (!check.cert_chain.ok()) return InPemFile(tls.cert, check.cert_chain);
  if (!check.private_key.ok()) return InPemFile(tls.key, check.private_key);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const TlsFiles& tls) {
  grpc::SslCredentialsOptions options;
  if (!tls.cert.empty() || !tls.key.empty()) {
    GATEWAY_RETURN_IF_ERROR(ReadIdentity(tls, &options));
  }
  if (tls.ca.empty()) return grpc::InsecureChannelCredentials();
  GATEWAY_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(tls.ca));
  return grpc::SslCredentials(options);
}

// gRPC ends the program at a key that no header's value may have, such as one
// with the carriage return of a file's line.
absl::Status CheckIsSendable(const RpcPlace& place) {
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (std::all_of(place.key.begin(), place.key.end(), is_printable)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the key in $", place.key_variable,
      " has a character that is no printable ASCII, such as a line's end"));
}

// Whether a target as gRPC takes it, `dns:///localhost:1` too, leads nowhere
// else.
bool IsOnThisMachine(std::string_view target) {
  absl::string_view places = ToAbsl(target);
  for (const absl::string_view scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&places, scheme)) break;
  }
  while (absl::ConsumePrefix(&places, "/")) {
  }
  for (const absl::string_view place : absl::StrSplit(places, ',')) {
    if (!IsLoopbackHost(HostOfAuthority(ToStd(place)))) return false;
  }
  return true;
}

}  // namespace

bool RunningCall::Cancel() {
  const MutexLock lock(mu_);
  if (context_ == nullptr) return false;
  context_->TryCancel();
  return true;
}

void RunningCall::CancelForGood() {
  const MutexLock lock(mu_);
  is_ended_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

void RunningCall::Set(grpc::ClientContext* context) {
  const MutexLock lock(mu_);
  context_ = context;
  if (context_ != nullptr && is_ended_) context_->TryCancel();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const RpcPlace& place) {
  GATEWAY_RETURN_IF_ERROR(CheckIsSendable(place));
  GATEWAY_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ChannelCredentials> credentials,
      CredentialsOf(place.tls));
  // An entry of a ledger may have texts of any length.
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // A proxy would be shown the key, and lead to another machine's.
  if (IsOnThisMachine(place.address)) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  return grpc::CreateCustomChannel(place.address, credentials, arguments);
}

void PrepareCall(const RpcPlace& place, grpc::ClientContext& context) {
  context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(place.timeout),
                           GPR_TIMESPAN)));
  PrepareStream(place, context);
}

void PrepareStream(const RpcPlace& place, grpc::ClientContext& context) {
  if (!place.key.empty()) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", place.key));
  }
}

absl::Status RpcFailure(const RpcPlace& place, const grpc::Status& status,
                        bool has_answered) {
  std::string text = RpcFailureText(place, status);
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::BadRequest mistakes;
    if (!detail.UnpackTo(&mistakes)) continue;
    for (const auto& mistake : mistakes.field_violations()) {
      const bool is_said =
          mistakes.field_violations_size() == 1 &&
          (mistake.description() == status.error_message() ||
           absl::StrCat(mistake.field(), ": ", mistake.description()) ==
               status.error_message());
      if (is_said) continue;
      absl::StrAppend(&text, "\n  ", mistake.field(), ": ",
                      mistake.description());
    }
  }
  const std::string hint = RpcHint(place, status, has_answered);
  if (!hint.empty()) absl::StrAppend(&text, "\n", hint);
  absl::Status failure(static_cast<absl::StatusCode>(status.error_code()),
                       text);
  SetRpcDetails(status.error_details(), &failure);
  return failure;
}

}  // namespace gateway
