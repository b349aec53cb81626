#include "service/api/alert_watch.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "proto/proto_time.h"
#include "service/api/alert_document.h"
#include "service/api/circuit_document.h"
#include "service/pipeline/configured_alerts.h"
#include "service/resilience/target_board.h"

namespace gateway {
namespace {

constexpr std::string_view kAlertModule = "alerts";

// A subject's provider, whose name has no slash, and its model.
std::pair<std::string, std::string> TargetOf(const std::string& subject) {
  const size_t slash = subject.find('/');
  if (slash == std::string::npos) return {subject, ""};
  return {subject.substr(0, slash), subject.substr(slash + 1)};
}

std::vector<FailureRow> FailuresOf(const RuntimeSnapshot& runtime) {
  std::vector<FailureRow> failures;
  for (const TargetState* target : runtime.resilience().targets.All()) {
    const int in_a_row = target->availability.failures_in_a_row();
    // One that many models share is none of them.
    if (in_a_row == 0 || target->model.empty() ||
        runtime.providers().Find(target->provider) == nullptr) {
      continue;
    }
    failures.push_back({target->provider, target->model, in_a_row});
  }
  return failures;
}

}  // namespace

Task<void> AlertWatch::Run(EventLoop& loop, HttpClient& http) {
  sender_ = std::make_unique<AlertSender>(
      loop, http, sources_.current.Get()->clock(), sources_.worker,
      AlertSender::Calls{
          .disable =
              [this](const AlertEvent& event) { return DisableModel(event); },
          .done = [this](const AlertEvent& event,
                         const absl::Status& outcome) { Told(event, outcome); },
          .failed =
              [this](const AlertEvent& event, const absl::Status& why) {
                sources_.board.Failed(event.id, why);
                // Another may take its place.
                Dispatch();
              },
          .begun =
              [this](const AlertEvent& event) {
                sources_.board.Begun(event.id);
              }});
  Follow();
  while (!stop_.cancelled()) {
    Follow();
    if (loop.Now() >= next_look_) {
      next_look_ = loop.Now() + interval_;
      co_await Look(loop);
    }
    LogCrowdedOut();
    Dispatch();
    if (!previous_.empty()) KeepPrevious({});
    const absl::Duration wait = std::min(kTick, next_look_ - loop.Now());
    (co_await Sleep(loop, wait, stop_)).IgnoreError();
  }
  co_await sender_->Stop();
  sender_ = nullptr;
  ended_.Open();
}

void AlertWatch::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void AlertWatch::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

void AlertWatch::Follow() {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.current.Get();
  const ConfigSnapshot& config = runtime->snapshot();
  if (config.fingerprint() == fingerprint_) return;
  const bool is_first =
      std::exchange(fingerprint_, config.fingerprint()).empty();
  const bool had_rules = !sources_.board.Names().empty();
  const std::shared_ptr<const AlertActions> before =
      std::exchange(actions_, std::make_shared<const AlertActions>(
                                  AlertActionsOf(config)));
  rules_ = AlertRulesOf(config);
  sources_.board.SetRules(rules_, runtime->clock().WallTime());
  KeepPrevious(before == nullptr ? AlertActions() : *before);
  const auto& alerts = config.config().alerts();
  const absl::Duration interval =
      alerts.has_interval() ? ToAbsl(alerts.interval()) : kIdleInterval;
  // What was to be long after the last look may be soon.
  if (interval != interval_) next_look_ = -absl::InfiniteDuration();
  interval_ = interval;
  if (!is_first && (had_rules || alerts.rules_size() > 0)) KeepSoon();
}

Task<void> AlertWatch::Look(EventLoop& loop) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.current.Get();
  const AlertBoard::Facts facts = {.now = runtime->clock().WallTime(),
                                   .steady = loop.Now(),
                                   .totals = sources_.counts.Read(),
                                   .failures = FailuresOf(*runtime)};
  // Before anybody is told.
  if (!sources_.board.Look(facts).empty()) co_await Keep();
  if (stop_.cancelled()) co_return;
  Dispatch();
  DisableAgain(*runtime);
}

void AlertWatch::LogCrowdedOut() {
  const int64_t all = sources_.board.counts().crowded_out;
  const int64_t events = all - std::exchange(logged_crowded_out_, all);
  if (events == 0) return;
  Log(LogLevel::kError, kAlertModule,
      "Events of alerts were given up, since too many wait",
      {{"events", events}, {"waiting", AlertBoard::kPendingMax}});
}

Task<void> AlertWatch::Keep() {
  if (!sources_.state.is_persistent()) co_return;
  auto write = [&state = sources_.state, &board = sources_.board] {
    return WorkStatus{state.Write(kAlertDocument, board.Write())};
  };
  const absl::StatusOr<WorkStatus> written =
      co_await sources_.worker.Run(std::move(write), stop_);
  if (written.ok() && written->status.ok()) co_return;
  // That the disk fails keeps nobody from being told.
  KeepSoon();
}

void AlertWatch::KeepSoon() {
  sources_.state.WriteSoon(kAlertDocument,
                           [&board = sources_.board] { return board.Write(); });
}

std::shared_ptr<const AlertAction> AlertWatch::FindAction(
    const std::string& name) const {
  const auto found = actions_->find(name);
  if (found == actions_->end()) return nullptr;
  return {actions_, &found->second};
}

void AlertWatch::KeepPrevious(const AlertActions& before) {
  const std::set<std::string> in_use = sources_.board.ActionsInUse();
  for (const auto& [name, action] : before) {
    if (!in_use.contains(name) || actions_->contains(name)) continue;
    previous_.insert_or_assign(name,
                               std::make_shared<const AlertAction>(action));
  }
  std::erase_if(previous_, [&](const auto& each) {
    return !in_use.contains(each.first) || actions_->contains(each.first);
  });
}

std::shared_ptr<const AlertAction> AlertWatch::ActionFor(AlertEvent* event) {
  std::shared_ptr<const AlertAction> action = FindAction(event->action);
  if (action != nullptr) return action;
  const auto rule = std::find_if(
      rules_.begin(), rules_.end(),
      [event](const AlertRule& each) { return each.name == event->alert; });
  if (rule != rules_.end()) {
    action = FindAction(rule->action);
    // One that disables models does so for what its rule says, and tells nobody
    // that something is resolved.
    const bool is_meant =
        action != nullptr &&
        (action->kind != AlertAction::Kind::kDisableModel ||
         (event->firing && event->condition == rule->text));
    if (is_meant) {
      event->action = rule->action;
      sources_.board.Redirect(event->id, rule->action);
      return action;
    }
  }
  const auto previous = previous_.find(event->action);
  return previous == previous_.end() ? nullptr : previous->second;
}

void AlertWatch::Dispatch() {
  // What is told at once calls back from within.
  if (std::exchange(dispatches_, true)) {
    dispatches_again_ = true;
    return;
  }
  std::map<std::string, int64_t> gone;  // How many events, by the action.
  do {
    dispatches_again_ = false;
    // Of each alert and subject, what is told before the next may be.
    std::set<std::pair<std::string, std::string>> first;
    for (AlertEvent& event : sources_.board.Pending()) {
      if (stop_.cancelled()) break;
      if (!first.emplace(event.alert, event.subject).second) continue;
      std::shared_ptr<const AlertAction> action = ActionFor(&event);
      if (action == nullptr) {
        sources_.board.Withdraw(event.id);
        ++gone[event.action];
        dispatches_again_ = true;
        continue;
      }
      sender_->Send(std::move(action), std::move(event));
    }
  } while (dispatches_again_ && !stop_.cancelled());
  dispatches_ = false;
  if (!gone.empty()) KeepSoon();
  for (const auto& [action, events] : gone) {
    Log(LogLevel::kError, kAlertModule,
        "Nobody is told of alerts, since their action is configured no more",
        {{"action", action}, {"events", events}});
  }
}

void AlertWatch::DisableAgain(const RuntimeSnapshot& runtime) {
  const absl::Time now = runtime.clock().WallTime();
  for (const AlertBoard::View& view : sources_.board.List(now)) {
    if (!view.firing || view.silence_end.has_value() ||
        !view.value.has_value() || !view.rule.condition.IsTrueOf(*view.value)) {
      continue;
    }
    std::shared_ptr<const AlertAction> action = FindAction(view.rule.action);
    if (action == nullptr || action->kind != AlertAction::Kind::kDisableModel) {
      continue;
    }
    const auto [provider, model] = TargetOf(view.subject);
    const TargetState* const target =
        runtime.resilience().targets.FindKnown(provider, model);
    if (target == nullptr || target->availability.disabled()) continue;
    sender_->Send(std::move(action), {.alert = view.rule.name,
                                      .condition = view.rule.text,
                                      .action = view.rule.action,
                                      .subject = view.subject,
                                      .firing = true,
                                      .time = now,
                                      .value = *view.value});
  }
}

void AlertWatch::Told(const AlertEvent& event, const absl::Status& outcome) {
  sources_.board.Told(event.id, outcome);
  if (!outcome.ok()) {
    Log(LogLevel::kError, kAlertModule, "An alert could not be told",
        {{"alert", event.alert},
         {"action", event.action},
         {"state", event.firing ? "firing" : "resolved"},
         {"error", outcome}});
  }
  KeepSoon();
  Dispatch();
}

absl::Status AlertWatch::DisableModel(const AlertEvent& event) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.current.Get();
  const auto [provider, model] = TargetOf(event.subject);
  TargetState* const target =
      runtime->resilience().targets.FindOwn(provider, model);
  if (target == nullptr) {
    return absl::ResourceExhaustedError("too many models have been named");
  }
  if (target->availability.disabled()) return absl::OkStatus();
  const absl::Status disabled = SwitchModel(
      sources_.state, *runtime, *target,
      {.enabled = false,
       .why = absl::StrCat("by alert ", event.alert, ": ", event.condition)});
  if (!disabled.ok()) return disabled;
  disabled_models_.fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kError, kAlertModule, "An alert has disabled a model",
      {{"alert", event.alert},
       {"provider", provider},
       {"model", model},
       {"failures_in_a_row", static_cast<int64_t>(event.value)}});
  return absl::OkStatus();
}

}  // namespace gateway
