#include "service/api/alerts_admin.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/alert_document.h"
#include "service/api/caller_check.h"
#include "service/api/state_fault.h"
#include "service/config/nearest_name.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kAlertsService = "llmgateway.v1.AdminService";
constexpr absl::Duration kSilenceMax = absl::Hours(168);

void FillAlert(const AlertBoard::View& from, v1::Alert* to) {
  to->set_name(from.rule.name);
  to->set_condition(from.rule.text);
  to->set_action(from.rule.action);
  to->set_state(from.firing ? v1::Alert::STATE_FIRING : v1::Alert::STATE_OK);
  *to->mutable_state_time() = ToProto(from.since);
  if (from.value.has_value()) to->set_value(*from.value);
  to->set_subject(from.subject);
  if (from.silence_end.has_value()) {
    *to->mutable_silence_end_time() = ToProto(*from.silence_end);
  }
  to->set_action_error(from.action_error);
}

absl::Status CheckAlertName(const AlertBoard& board, const std::string& name) {
  if (name.empty()) return InvalidField("name", "is required");
  const std::vector<std::string> names = board.Names();
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return absl::OkStatus();
  }
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   names.empty()
                       ? std::string("no alert is configured")
                       : absl::StrCat("no alert of this name is configured",
                                      Suggestion(name, names)));
}

}  // namespace

void AlertsAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kAlertsService, "ListAlerts", *this, &AlertsAdmin::List);
  table.AddUnary(kAlertsService, "SilenceAlert", *this, &AlertsAdmin::Silence);
}

Task<absl::Status> AlertsAdmin::List(CallContext&, const v1::ListAlertsRequest&,
                                     v1::ListAlertsResponse* response) {
  const absl::Time now = sources_.runtime.Get()->clock().WallTime();
  for (const AlertBoard::View& view : sources_.board.List(now)) {
    FillAlert(view, response->add_alerts());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AlertsAdmin::Silence(CallContext& call,
                                        const v1::SilenceAlertRequest& request,
                                        v1::SilenceAlertResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(CheckAlertName(sources_.board, request.name()));
  const absl::Duration time = ToAbsl(request.duration());
  if (time < absl::ZeroDuration() || time > kSilenceMax) {
    co_return InvalidField("duration",
                           "must be 0s, which ends a silence, to 168h");
  }
  const absl::Time now = runtime->clock().WallTime();
  auto keep = [&board = sources_.board, &state = sources_.state,
               name = request.name(), now, until = now + time] {
    return state.WriteThen(
        kAlertDocument, [&] { return board.WriteSilenced(name, now, until); },
        [&] { board.Silence(name, now, until); });
  };
  auto log = [name = request.name(), time, who = OperatorName(*runtime, call)] {
    Log(LogLevel::kInfo, "alerts",
        time > absl::ZeroDuration() ? "An operator has silenced an alert"
                                    : "An operator has ended a silence",
        {{"alert", name}, {"for", time}, {"operator", who}});
  };
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await KeepChange(sources_.state, sources_.worker, call,
                          std::move(keep), std::move(log)));
  for (const AlertBoard::View& view : sources_.board.List(now)) {
    if (view.rule.name == request.name()) {
      FillAlert(view, response->add_alerts());
    }
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
