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
#include "service/api/state_fault.h"
#include "service/routing/rollout_switch.h"

namespace gateway {
namespace {

// What is kept of a rollout: what was configured when it was said, and what was
// said.
constexpr std::string_view kRolloutDocument = "rollout.json";

}  // namespace

std::string WriteRollout(const std::string& configured,
                         const RolloutSwitch::Said& said) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StringField("configured", configured);
  if (said.enabled.has_value()) json.BoolField("enabled", *said.enabled);
  if (said.percentage.has_value()) {
    json.DoubleField("percentage", *said.percentage);
  }
  json.EndObject();
  return text;
}

absl::Status ReadRollout(std::string_view text, std::string* configured,
                         RolloutSwitch::Said* said) {
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "configured") {
            GATEWAY_ASSIGN_OR_RETURN(*configured, value.String());
          } else if (key == "enabled") {
            GATEWAY_ASSIGN_OR_RETURN(said->enabled, value.Bool());
          } else if (key == "percentage") {
            GATEWAY_ASSIGN_OR_RETURN(said->percentage, value.Double());
          } else {
            return value.Error("is no field of a rollout");
          }
          return absl::OkStatus();
        });
  }));
  if (configured->empty()) {
    return absl::InvalidArgumentError("lacks `configured`");
  }
  if (!said->any()) {
    return absl::InvalidArgumentError("has neither `enabled` nor `percentage`");
  }
  if (!RolloutSwitch::CanBe(*said)) {
    return absl::InvalidArgumentError(
        "percentage: must be 0 to 100, with two decimals at most");
  }
  return absl::OkStatus();
}

void RestoreRollout(StateStore& state, const RuntimeSnapshot& runtime) {
  state.Restore(kRolloutDocument,
                "The rollout is as configured, since what operators have said "
                "cannot be read",
                [&runtime](std::string_view text) {
                  std::string configured;
                  RolloutSwitch::Said said;
                  GATEWAY_RETURN_IF_ERROR(
                      ReadRollout(text, &configured, &said));
                  RolloutSwitch& rollout = runtime.rollout();
                  if (configured == rollout.configured()) {
                    rollout.Override(said);
                  }
                  return absl::OkStatus();
                });
}

absl::Status KeepRollout(StateStore& state, const RolloutSwitch& rollout) {
  const RolloutSwitch::Said said = rollout.said();
  if (!said.any()) return state.Remove(kRolloutDocument);
  return state.Write(kRolloutDocument,
                     WriteRollout(rollout.configured(), said));
}

void RolloutAdmin::AddTo(MethodTable& table) {
  table.AddUnary("llmgateway.v1.AdminService", "UpdateRollout", *this,
                 &RolloutAdmin::Update);
}

Task<absl::Status> RolloutAdmin::Update(CallContext& call,
                                        const v1::UpdateRolloutRequest& request,
                                        v1::UpdateRolloutResponse* response) {
  std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  RolloutSwitch::Said said;
  if (request.has_enabled()) said.enabled = request.enabled();
  if (request.has_percentage()) said.percentage = request.percentage();
  if (request.reset() && said.any()) {
    co_return InvalidField("reset",
                           "takes back what was said, and so stands alone");
  }
  if (!RolloutSwitch::CanBe(said)) {
    co_return InvalidField("percentage",
                           "must be 0 to 100, with two decimals at most");
  }
  // One that says nothing asks how it is.
  const bool asks =
      request.validate_only() || (!said.any() && !request.reset());
  if (!asks) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await Say(call, said));
    // Of the configuration that it was said of, or of one that came then.
    runtime = sources_.runtime.Get();
  }
  const bool previews =
      request.validate_only() && (said.any() || request.reset());
  const RolloutSwitch::State state =
      previews ? runtime->rollout().Preview(said) : runtime->rollout().state();
  response->set_enabled(state.enabled);
  response->set_percentage(state.percentage);
  response->set_overridden(state.overridden);
  co_return absl::OkStatus();
}

Task<absl::Status> RolloutAdmin::Say(CallContext& call,
                                     RolloutSwitch::Said said) {
  // On the worker one piece follows the other, so that nobody says something
  // between. Another configuration may have come into use before.
  auto keep = [&state = sources_.state, &current = sources_.runtime,
               said]() -> absl::Status {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    RolloutSwitch& rollout = runtime->rollout();
    if (!said.any()) {
      GATEWAY_RETURN_IF_ERROR(state.Remove(kRolloutDocument));
      state.PutIntoForce([&] { rollout.Reset(); });
      return absl::OkStatus();
    }
    RolloutSwitch::Said all = rollout.said();
    all.Add(said);
    GATEWAY_RETURN_IF_ERROR(
        state.Write(kRolloutDocument, WriteRollout(rollout.configured(), all)));
    state.PutIntoForce([&] { rollout.Override(said); });
    return absl::OkStatus();
  };
  auto log = [&current = sources_.runtime,
              who = OperatorName(*sources_.runtime.Get(), call)] {
    const RolloutSwitch::State state = current.Get()->rollout().state();
    Log(LogLevel::kInfo, "state", "An operator has changed the rollout",
        {{"enabled", state.enabled},
         {"percentage", absl::StrCat(state.percentage)},
         {"overridden", state.overridden},
         {"operator", who}});
  };
  return KeepChange(sources_.state, sources_.worker, call, std::move(keep),
                    std::move(log));
}

}  // namespace gateway
