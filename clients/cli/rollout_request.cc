#include "clients/cli/rollout_request.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

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
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(question.admin));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::UpdateRolloutResponse response,
      admin.Call(&v1::AdminService::Stub::UpdateRollout, request));
  return RolloutShare{
      .enabled = response.enabled(),
      .percentage = response.percentage(),
      .text = question.as_json ? AsJson(response) : ShareText(response)};
}

}  // namespace gateway
