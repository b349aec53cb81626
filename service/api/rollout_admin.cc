#include "service/api/rollout_admin.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "service/api/caller_check.h"
#include "service/routing/rollout_switch.h"

namespace gateway {
namespace {

// What is kept of a rollout: what was configured when it was said, and what was
// said.
constexpr std::string_view kRolloutDocument = "rollout.json";

std::string KeptRollout(const RolloutSwitch& rollout) {
  const RolloutSwitch::Said said = rollout.said();
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StringField("configured", rollout.configured());
  if (said.enabled.has_value()) json.BoolField("enabled", *said.enabled);
  if (said.percentage.has_value()) {
    json.DoubleField("percentage", *said.percentage);
  }
  json.EndObject();
  return text;
}

absl::Status ReadKept(std::string_view text, std::string* configured,
                      RolloutSwitch::Said* said) {
  return ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "configured") {
            GATEWAY_ASSIGN_OR_RETURN(*configured, value.String());
          } else if (key == "enabled") {
            GATEWAY_ASSIGN_OR_RETURN(said->enabled, value.Bool());
          } else if (key == "percentage") {
            GATEWAY_ASSIGN_OR_RETURN(said->percentage, value.Double());
          }
          return absl::OkStatus();
        });
  });
}

}  // namespace

void RestoreRollout(const StateStore& state, const RuntimeSnapshot& runtime) {
  const absl::StatusOr<std::optional<std::string>> text =
      state.Read(kRolloutDocument);
  absl::Status read = text.status();
  std::string configured;
  RolloutSwitch::Said said;
  if (read.ok() && text->has_value()) {
    read = ReadKept(**text, &configured, &said);
  }
  if (!read.ok()) {
    Log(LogLevel::kError, "state",
        "The rollout is as configured, since what operators have said cannot "
        "be read",
        {{"error", read}});
    return;
  }
  RolloutSwitch& rollout = runtime.rollout();
  if (said.any() && configured == rollout.configured()) rollout.Override(said);
}

void RolloutAdmin::AddTo(MethodTable& table) {
  table.AddUnary<v1::UpdateRolloutRequest, v1::UpdateRolloutResponse>(
      "llmgateway.v1.AdminService", "UpdateRollout",
      [this](CallContext& call, const v1::UpdateRolloutRequest& request,
             v1::UpdateRolloutResponse* response) {
        return Update(call, request, response);
      });
}

Task<absl::Status> RolloutAdmin::Update(CallContext& call,
                                        const v1::UpdateRolloutRequest& request,
                                        v1::UpdateRolloutResponse* response) {
  std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  RolloutSwitch& rollout = runtime->rollout();
  RolloutSwitch::Said said;
  if (request.has_enabled()) said.enabled = request.enabled();
  if (request.has_percentage()) said.percentage = request.percentage();
  if (request.reset()) {
    if (said.any()) {
      co_return InvalidField("reset",
                             "takes back what was said, and so stands "
                             "alone");
    }
    rollout.Reset();
  } else if (said.any() && !rollout.Override(said)) {
    co_return InvalidField("percentage",
                           "must be 0 to 100, with two decimals at most");
  }
  const RolloutSwitch::State state = rollout.state();
  response->set_enabled(state.enabled);
  response->set_percentage(state.percentage);
  response->set_overridden(state.overridden);
  // One that says nothing asks how it is.
  if (!said.any() && !request.reset()) co_return absl::OkStatus();
  Log(LogLevel::kInfo, "state", "An operator has changed the rollout",
      {{"enabled", state.enabled},
       {"percentage", absl::StrCat(state.percentage)},
       {"overridden", state.overridden}});
  co_return co_await Keep(call, std::move(runtime));
}

Task<absl::Status> RolloutAdmin::Keep(
    CallContext& call, std::shared_ptr<const RuntimeSnapshot> runtime) {
  StateStore& state = sources_.state;
  if (!state.is_persistent()) co_return absl::OkStatus();
  // Read on the worker, where one follows the other, so that what is written
  // last is what was said last. Named before it is awaited: GCC 12 would
  // destroy a temporary twice.
  auto write = [&state, runtime] {
    const RolloutSwitch& rollout = runtime->rollout();
    return rollout.said().any()
               ? state.Write(kRolloutDocument, KeptRollout(rollout))
               : state.Remove(kRolloutDocument);
  };
  const absl::StatusOr<absl::Status> kept =
      co_await sources_.worker.Run(std::move(write), call.cancel());
  if (!kept.ok()) {
    // The caller has gone, or too many wait. It is in force all the same.
    state.WriteSoon(kRolloutDocument, KeptRollout(runtime->rollout()));
    co_return absl::OkStatus();
  }
  if (kept->ok()) co_return absl::OkStatus();
  co_return MakeFault(
      v1::ERROR_REASON_INTERNAL,
      absl::StrCat("it is in force, but will be forgotten by a restart: ",
                   kept->message()));
}

}  // namespace gateway
