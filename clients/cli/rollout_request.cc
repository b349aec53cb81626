#include "clients/cli/rollout_request.h"

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr int kRolloutTimeoutSeconds = 10;
constexpr size_t kCertificatesBytesLimit = 1024 * 1024;

absl::StatusOr<v1::UpdateRolloutRequest> RequestOf(const std::string& change) {
  v1::UpdateRolloutRequest request;
  double percentage = 0;
  if (change == "off" || change == "on") {
    request.set_enabled(change == "on");
  } else if (change == "reset") {
    request.set_reset(true);
  } else if (absl::SimpleAtod(absl::StripSuffix(change, "%"), &percentage)) {
    request.set_enabled(true);
    request.set_percentage(percentage);
  } else if (change != "status") {
    return absl::InvalidArgumentError(absl::StrCat(
        "rollout takes off, on, reset, status or a percentage, not '", change,
        "'"));
  }
  return request;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const RolloutQuestion& question) {
  if (question.ca_file.empty()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  absl::StatusOr<std::string> certificates =
      ReadFile(question.ca_file, kCertificatesBytesLimit);
  if (!certificates.ok()) {
    return absl::Status(
        certificates.status().code(),
        absl::StrCat(question.ca_file, ": ", certificates.status().message()));
  }
  options.pem_root_certs = *std::move(certificates);
  return grpc::SslCredentials(options);
}

std::string ShareText(const v1::UpdateRolloutResponse& response) {
  return absl::StrCat(
      response.enabled() ? "on, " : "off; if on, ", response.percentage(),
      " % of the callers",
      response.overridden() ? ", as an operator has said" : ", as configured");
}

}  // namespace

absl::StatusOr<RolloutShare> ChangeRollout(const RolloutQuestion& question) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::UpdateRolloutRequest request,
                           RequestOf(question.change));
  GATEWAY_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ChannelCredentials> credentials,
      CredentialsOf(question));
  const std::unique_ptr<v1::AdminService::Stub> admin =
      v1::AdminService::NewStub(
          grpc::CreateChannel(question.address, credentials));
  grpc::ClientContext context;
  context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_seconds(kRolloutTimeoutSeconds, GPR_TIMESPAN)));
  if (!question.key.empty()) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", question.key));
  }
  v1::UpdateRolloutResponse response;
  const grpc::Status status =
      admin->UpdateRollout(&context, request, &response);
  if (!status.ok()) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        absl::StrCat("the gateway at ", question.address,
                                     " says: ", status.error_message()));
  }
  return RolloutShare{.enabled = response.enabled(),
                      .percentage = response.percentage(),
                      .text = ShareText(response)};
}

}  // namespace gateway
