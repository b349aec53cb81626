#include "service/alerts/alert_board.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "google/protobuf/util/json_util.h"
#include "service/alerts/alert_state.pb.h"

namespace gateway {
namespace {

namespace alerts = ::llmgateway::alerts;

using Measure = AlertCondition::Measure;

constexpr size_t kIdBytes = 16;

// One event has one id, whoever tells it.
std::string IdOf(const AlertEvent& event) {
  const Sha256Digest digest = Sha256(
      absl::StrCat(event.alert, "\n", event.condition, "\n", event.subject,
                   "\n", event.firing ? "firing" : "resolved", "\n",
                   absl::ToUnixMicros(event.time)));
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), kIdBytes));
}

void Save(const AlertEvent& event, alerts::PendingEvent* kept) {
  kept->set_id(event.id);
  kept->set_alert(event.alert);
  kept->set_condition(event.condition);
  kept->set_action(event.action);
  kept->set_subject(event.subject);
  kept->set_firing(event.firing);
  kept->set_time_unix_micros(absl::ToUnixMicros(event.time));
  kept->set_value(event.value);
  kept->set_due_unix_micros(absl::ToUnixMicros(event.due));
}

AlertEvent Restored(const alerts::PendingEvent& kept) {
  return {.id = kept.id(),
          .alert = kept.alert(),
          .condition = kept.condition(),
          .action = kept.action(),
          .subject = kept.subject(),
          .firing = kept.firing(),
          .time = absl::FromUnixMicros(kept.time_unix_micros()),
          .value = kept.value(),
          .due = absl::FromUnixMicros(kept.due_unix_micros())};
}

}  // namespace

void AlertBoard::SetRules(std::vector<AlertRule> rules, absl::Time now) {
  MutexLock lock(mu_);
  rules_ = std::move(rules);
  absl::Duration longest = absl::ZeroDuration();
  for (const AlertRule& rule : rules_) {
    longest = std::max(longest, rule.window);
  }
  history_.SetLongest(longest);
  DropOthers(now);
}

void AlertBoard::DropOthers(absl::Time now) {
  const auto rule_of = [this](const std::string& name) {
    return std::find_if(
        rules_.begin(), rules_.end(),
        [&name](const AlertRule& rule) { return rule.name == name; });
  };
  std::vector<AlertEvent> events;
  std::erase_if(standing_.states, [&](const auto& entry) {
    const auto& [name, subject] = entry.first;
    const State& state = entry.second;
    const auto rule = rule_of(name);
    if (rule != rules_.end() && rule->text == state.condition) return false;
    if (state.told && !IsSilenced(name, now)) {
      events.push_back({.alert = name,
                        .condition = state.condition,
                        .action = state.action,
                        .subject = subject,
                        .time = now,
                        .value = state.value.value_or(0)});
    }
    return true;
  });
  for (AlertEvent& event : events) {
    event.id = IdOf(event);
    Queue(event);
  }
  const auto is_gone = [&](const auto& entry) {
    return rule_of(entry.first) == rules_.end();
  };
  std::erase_if(standing_.silences, is_gone);
  std::erase_if(errors_, is_gone);
}

std::vector<AlertEvent> AlertBoard::Look(const Facts& facts) {
  MutexLock lock(mu_);
  history_.Add(facts.steady, facts.totals);
  const int64_t cost = facts.totals.cost_usd_nanos;
  // Totals that are full tell no more what came: the hour is taken for full as
  // well, so that who is told of it hears of no end.
  cost_.Add(facts.now,
            cost == kCostNanosMax ? kCostNanosMax : cost - cost_counted_);
  cost_counted_ = cost;
  std::vector<AlertEvent> events;
  for (const AlertRule& rule : rules_) LookAt(rule, facts, &events);
  for (const AlertEvent& event : events) Queue(event);
  return events;
}

AlertBoard::Values AlertBoard::ValuesOf(const AlertRule& rule,
                                        const Facts& facts) const {
  Values values;
  const AlertTotals window = history_.Over(rule.window);
  switch (rule.condition.measure) {
    case Measure::kErrorRate: {
      std::optional<double>& value = values[""];
      if (window.calls >= std::max<int64_t>(rule.calls_min, 1)) {
        value = 100.0 * static_cast<double>(window.failures) /
                static_cast<double>(window.calls);
      }
      return values;
    }
    case Measure::kAverageLatency: {
      std::optional<double>& value = values[""];
      if (window.answered() >= std::max<int64_t>(rule.calls_min, 1)) {
        value = static_cast<double>(window.took_us) / 1e6 /
                static_cast<double>(window.answered());
      }
      return values;
    }
    case Measure::kHourlyCost:
      values[""] = cost_.Dollars(facts.now);
      return values;
    case Measure::kConsecutiveFailures:
      for (const FailureRow& row : facts.failures) {
        values[absl::StrCat(row.provider, "/", row.model)] = row.failures;
      }
      return values;
  }
  return values;
}

void AlertBoard::LookAt(const AlertRule& rule, const Facts& facts,
                        std::vector<AlertEvent>* events) {
  Values values = ValuesOf(rule, facts);
  // Those of which nothing is known any more are looked at, too.
  for (auto each = standing_.states.lower_bound({rule.name, ""});
       each != standing_.states.end() && each->first.first == rule.name;
       ++each) {
    values.try_emplace(each->first.second);
  }
  for (const auto& [subject, value] : values) {
    const Key key = {rule.name, subject};
    const bool is_true = value.has_value() && rule.condition.IsTrueOf(*value);
    auto found = standing_.states.find(key);
    if (found == standing_.states.end()) {
      // Of models that are well there may be many.
      if (!subject.empty() && !is_true) continue;
      found = standing_.states
                  .emplace(key, State{.condition = rule.text, .since = start_})
                  .first;
    }
    State& state = found->second;
    state.value = value;
    const bool fired = state.firing;
    Step(rule, facts, state);
    AlertEvent event = {.alert = rule.name,
                        .condition = rule.text,
                        .action = rule.action,
                        .subject = subject,
                        .firing = state.firing,
                        .time = state.since,
                        .value = value.value_or(0),
                        .due = facts.now};
    event.id = IdOf(event);
    if (fired && !state.firing) {
      if (state.told && !IsSilenced(rule.name, facts.now)) {
        event.action = state.action;
        events->push_back(event);
      }
      state.told = false;
      state.crowded_out = false;
      if (!subject.empty()) standing_.states.erase(found);
    } else if (state.firing && !state.told &&
               !IsSilenced(rule.name, facts.now) &&
               (!state.crowded_out ||
                standing_.pending.size() + events->size() < kPendingMax)) {
      state.told = true;
      state.crowded_out = false;
      state.action = rule.action;
      events->push_back(std::move(event));
    }
  }
}

void AlertBoard::Step(const AlertRule& rule, const Facts& facts, State& state) {
  if (state.value.has_value() && rule.condition.IsTrueOf(*state.value)) {
    state.calm_since.reset();
    if (!state.firing) {
      state.firing = true;
      state.since = facts.now;
    }
    return;
  }
  if (!state.firing) return;
  if (!state.calm_since.has_value()) state.calm_since = facts.steady;
  if (facts.steady - *state.calm_since < rule.window) return;
  state.firing = false;
  state.since = facts.now;
  state.calm_since.reset();
}

bool AlertBoard::IsSilenced(const std::string& name, absl::Time now) const {
  const auto silence = standing_.silences.find(name);
  return silence != standing_.silences.end() && now < silence->second;
}

void AlertBoard::Queue(const AlertEvent& event) {
  standing_.pending.push_back(event);
  if (standing_.pending.size() <= kPendingMax) return;
  const auto one = FindCrowdedOut();
  ++counts_.crowded_out;
  State* const state = FindFiring(*one, &standing_);
  if (state != nullptr) state->crowded_out = true;
  GiveUp(one, "given up, since too many events wait");
}

std::deque<AlertEvent>::iterator AlertBoard::FindCrowdedOut() {
  // How many wait of an alert, for an action.
  std::map<std::pair<std::string_view, std::string_view>, size_t> waiting;
  size_t most = 0;
  for (const AlertEvent& event : standing_.pending) {
    if (being_told_.contains(event.id)) continue;
    most = std::max(most, ++waiting[{event.alert, event.action}]);
  }
  const auto one =
      std::find_if(standing_.pending.begin(), standing_.pending.end(),
                   [&](const AlertEvent& event) {
                     return !being_told_.contains(event.id) &&
                            waiting[{event.alert, event.action}] == most;
                   });
  return one != standing_.pending.end() ? one
                                        : std::prev(standing_.pending.end());
}

void AlertBoard::GiveUp(std::deque<AlertEvent>::iterator event,
                        std::string_view why) {
  ++counts_.given_up;
  errors_[event->alert] = std::string(why);
  Remove(event);
}

void AlertBoard::Remove(std::deque<AlertEvent>::iterator event) {
  State* const state = FindFiring(*event, &standing_);
  if (state != nullptr) state->told = false;
  const auto next =
      std::find_if(std::next(event), standing_.pending.end(),
                   [event](const AlertEvent& other) {
                     return other.alert == event->alert &&
                            other.subject == event->subject;
                   });
  // Nobody has heard of what would be resolved.
  const bool is_moot = event->firing && next != standing_.pending.end() &&
                       !next->firing;
  const auto place = event - standing_.pending.begin();
  if (is_moot) standing_.pending.erase(next);
  standing_.pending.erase(standing_.pending.begin() + place);
}

AlertBoard::State* AlertBoard::FindFiring(const AlertEvent& event,
                                          Standing* standing) {
  if (!event.firing) return nullptr;
  const auto state = standing->states.find({event.alert, event.subject});
  const bool is_the_same =
      state != standing->states.end() && state->second.since == event.time;
  return is_the_same ? &state->second : nullptr;
}

void AlertBoard::Begun(std::string_view id) {
  MutexLock lock(mu_);
  if (FindPending(id) != standing_.pending.end()) being_told_.emplace(id);
}

std::vector<AlertEvent> AlertBoard::Pending() const {
  MutexLock lock(mu_);
  return {standing_.pending.begin(), standing_.pending.end()};
}

std::deque<AlertEvent>::iterator AlertBoard::FindPending(std::string_view id) {
  return std::find_if(standing_.pending.begin(), standing_.pending.end(),
                      [id](const AlertEvent& each) { return each.id == id; });
}

void AlertBoard::Failed(std::string_view id, const absl::Status& why) {
  MutexLock lock(mu_);
  ++counts_.failed_attempts;
  being_told_.erase(std::string(id));
  const auto event = FindPending(id);
  if (event == standing_.pending.end()) return;
  errors_[event->alert] = std::string(why.message());
}

void AlertBoard::Told(std::string_view id, const absl::Status& outcome) {
  MutexLock lock(mu_);
  being_told_.erase(std::string(id));
  const auto event = FindPending(id);
  if (event == standing_.pending.end()) return;
  if (outcome.ok()) {
    ++counts_.told;
    errors_.erase(event->alert);
    standing_.pending.erase(event);
  } else {
    GiveUp(event, ToStd(outcome.message()));
  }
}

void AlertBoard::Redirect(std::string_view id, const std::string& action) {
  MutexLock lock(mu_);
  const auto event = FindPending(id);
  if (event == standing_.pending.end() || being_told_.contains(id)) return;
  event->action = action;
  State* const state = FindFiring(*event, &standing_);
  if (state != nullptr) state->action = action;
}

void AlertBoard::Withdraw(std::string_view id) {
  MutexLock lock(mu_);
  const auto event = FindPending(id);
  if (event == standing_.pending.end()) return;
  ++counts_.action_gone;
  Remove(event);
}

std::set<std::string> AlertBoard::ActionsInUse() const {
  MutexLock lock(mu_);
  std::set<std::string> actions;
  for (const auto& [key, state] : standing_.states) {
    if (state.told) actions.insert(state.action);
  }
  for (const AlertEvent& event : standing_.pending) {
    actions.insert(event.action);
  }
  return actions;
}

void AlertBoard::SilenceIn(std::string_view name, absl::Time now,
                           absl::Time until, Standing* standing) {
  standing->silences[std::string(name)] = until;
  if (until <= now) return;
  for (const AlertEvent& event : standing->pending) {
    if (event.alert != name) continue;
    // If it still fires when the silence ends, it is told then.
    State* const state = FindFiring(event, standing);
    if (state != nullptr) state->told = false;
  }
  std::erase_if(standing->pending, [name](const AlertEvent& event) {
    return event.alert == name;
  });
}

bool AlertBoard::Silence(std::string_view name, absl::Time now,
                         absl::Time until) {
  MutexLock lock(mu_);
  const bool known =
      std::any_of(rules_.begin(), rules_.end(),
                  [name](const AlertRule& rule) { return rule.name == name; });
  if (known) SilenceIn(name, now, until, &standing_);
  return known;
}

std::vector<std::string> AlertBoard::Names() const {
  MutexLock lock(mu_);
  std::vector<std::string> names;
  for (const AlertRule& rule : rules_) names.push_back(rule.name);
  return names;
}

std::vector<AlertBoard::View> AlertBoard::List(absl::Time now) const {
  MutexLock lock(mu_);
  std::vector<View> views;
  for (const AlertRule& rule : rules_) {
    View view = {.rule = rule, .since = start_};
    if (IsSilenced(rule.name, now)) {
      view.silence_end = standing_.silences.find(rule.name)->second;
    }
    const auto error = errors_.find(rule.name);
    if (error != errors_.end()) view.action_error = error->second;
    const size_t before = views.size();
    for (auto each = standing_.states.lower_bound({rule.name, ""});
         each != standing_.states.end() && each->first.first == rule.name;
         ++each) {
      View& one = views.emplace_back(view);
      one.subject = each->first.second;
      one.firing = each->second.firing;
      one.since = each->second.since;
      one.value = each->second.value;
    }
    if (views.size() == before) views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(), [](const View& a, const View& b) {
    return std::tie(a.rule.name, a.subject) < std::tie(b.rule.name, b.subject);
  });
  return views;
}

AlertBoard::Counts AlertBoard::counts() const {
  MutexLock lock(mu_);
  return counts_;
}

std::string AlertBoard::Write() const {
  MutexLock lock(mu_);
  return WriteStanding(standing_);
}

std::string AlertBoard::WriteSilenced(std::string_view name, absl::Time now,
                                      absl::Time until) const {
  MutexLock lock(mu_);
  Standing standing = standing_;
  SilenceIn(name, now, until, &standing);
  return WriteStanding(standing);
}

std::string AlertBoard::WriteStanding(const Standing& standing) const {
  alerts::AlertStates kept;
  for (const auto& [key, state] : standing.states) {
    if (!state.firing) continue;
    alerts::AlertState& one = *kept.add_states();
    one.set_alert(key.first);
    one.set_subject(key.second);
    one.set_condition(state.condition);
    one.set_since_unix_micros(absl::ToUnixMicros(state.since));
    one.set_told(state.told);
    one.set_action(state.action);
    one.set_value(state.value.value_or(0));
  }
  for (const auto& [name, end] : standing.silences) {
    alerts::SilencedAlert& one = *kept.add_silences();
    one.set_alert(name);
    one.set_end_unix_micros(absl::ToUnixMicros(end));
  }
  for (const AlertEvent& event : standing.pending) {
    Save(event, kept.add_pending());
  }
  for (const auto& [minute, nanos] : cost_.minutes()) {
    alerts::CostMinute& one = *kept.add_cost();
    one.set_minute(minute);
    one.set_cost_usd_nanos(nanos);
  }
  std::string json;
  // Fails for no message without an Any.
  static_cast<void>(google::protobuf::util::MessageToJsonString(kept, &json));
  return json;
}

absl::Status AlertBoard::Read(std::string_view text) {
  alerts::AlertStates kept;
  if (!google::protobuf::util::JsonStringToMessage(std::string(text), &kept)
           .ok() ||
      kept.pending_size() > static_cast<int>(kPendingMax)) {
    return absl::DataLossError("is not what was written");
  }
  MutexLock lock(mu_);
  for (const alerts::AlertState& one : kept.states()) {
    standing_.states[{one.alert(), one.subject()}] = {
        .condition = one.condition(),
        .firing = true,
        .told = one.told(),
        .action = one.action(),
        .since = absl::FromUnixMicros(one.since_unix_micros()),
        .value = one.value()};
  }
  for (const alerts::SilencedAlert& one : kept.silences()) {
    standing_.silences[one.alert()] =
        absl::FromUnixMicros(one.end_unix_micros());
  }
  for (const alerts::PendingEvent& one : kept.pending()) {
    standing_.pending.push_back(Restored(one));
  }
  CostHour::Minutes minutes;
  for (const alerts::CostMinute& one : kept.cost()) {
    int64_t& sum = minutes[one.minute()];
    sum = AddCosts(sum, one.cost_usd_nanos());
  }
  cost_ = CostHour(std::move(minutes));
  DropOthers(start_);
  return absl::OkStatus();
}

}  // namespace gateway
