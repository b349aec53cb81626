#include "clients/cli/alerts_request.h"

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/key_limit_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using AlertsStub = v1::AdminService::Stub;
using Alerts = google::protobuf::RepeatedPtrField<v1::Alert>;

constexpr std::string_view kForFlag = "--for";
constexpr std::string_view kSilenceFlags[] = {kForFlag};
constexpr OperatorVerb kAlertsVerbs[] = {{"list", {}},
                                         {"silence", kSilenceFlags}};

Row RowOf(const v1::Alert& alert) {
  return {
      alert.name(),
      OrDash(alert.subject()),
      ValueText(v1::Alert::State_Name(alert.state()), "STATE_"),
      TimeText(alert.state_time()),
      alert.condition(),
      alert.has_value() ? absl::StrCat(alert.value()) : "-",
      alert.action(),
      alert.has_silence_end_time() ? TimeText(alert.silence_end_time()) : "-",
      OrDash(alert.action_error())};
}

template <typename Response>
std::string ShownAlerts(const OperatorWords& words, const Response& response) {
  return words.as_json ? AsJson(response) : AlertsTable(response.alerts());
}

}  // namespace

const OperatorCommand kAlertsCommand = {"alerts", kAlertsVerbs};

absl::StatusOr<std::string> AskAlerts(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kAlertsCommand, words));
  if (words.words[0] == "silence") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::SilenceAlertRequest request,
                             SilenceAlertRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::SilenceAlertResponse response,
                             admin.Call(&AlertsStub::SilenceAlert, request));
    return ShownAlerts(words, response);
  }
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("alerts list takes no '", words.words[1], "'"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::ListAlertsResponse response,
      admin.Call(&AlertsStub::ListAlerts, v1::ListAlertsRequest()));
  return ShownAlerts(words, response);
}

absl::StatusOr<v1::SilenceAlertRequest> SilenceAlertRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 2) {
    return absl::InvalidArgumentError(
        "alerts silence needs the name of one alert; gatewayctl alerts list "
        "shows them");
  }
  v1::SilenceAlertRequest request;
  request.set_name(words.words[1]);
  const std::string time = LastOf(words, kForFlag);
  if (time.empty()) {
    return FlagMistake(kForFlag,
                       "is needed: for how long, as in 1h; 0s ends a silence");
  }
  GATEWAY_RETURN_IF_ERROR(
      SetDuration(std::string(kForFlag), time, request.mutable_duration()));
  return request;
}

std::string AlertsTable(const Alerts& alerts) {
  if (alerts.empty()) return "no alert is configured\n";
  std::vector<Row> rows = {{"ALERT", "ABOUT", "STATE", "SINCE", "CONDITION",
                            "IT IS", "ACTION", "SILENT UNTIL", "ERROR"}};
  for (const bool firing : {true, false}) {
    for (const v1::Alert& alert : alerts) {
      if ((alert.state() == v1::Alert::STATE_FIRING) == firing) {
        rows.push_back(RowOf(alert));
      }
    }
  }
  return Table(rows);
}

}  // namespace gateway
