// AlertBoard knows how each alert stands, and says what is to be told: that it
// fires, once, and that it is resolved, once, when its condition has not been
// true for its window.
//
//   AlertBoard board(start_time);
//   board.SetRules(rules, now);
//   for (const AlertEvent& event : board.Look(facts)) {
//     ... tell event.action ...
//     board.Told(event.id, absl::OkStatus());
//   }
//   board.Silence("high_error_rate", now, now + absl::Hours(1));
//   const std::string text = board.Write();  // For Read, after a restart.
//
// An alert of model_consecutive_failures stands for itself with each model of a
// provider. One that is silenced tells nobody: if it still fires when the
// silence ends, it is told then, and of one that was never told nobody is told
// that it is resolved. What waits to be told of it when it is silenced is
// withdrawn, as if it had happened after. A rule whose condition is another
// begins anew: what fires of it, or of one that is gone, is resolved. That is
// for the action that was told that it fires; whoever tells it sees to it where
// there is no such action any more.
//
// What is to be told is kept until it was, so that a process that is killed in
// between leaves it to the next; it has the same id then. At most kPendingMax
// events wait. Of more the oldest is given up of the alert that has the most of
// them for one action, so that an alert of many subjects crowds out no other;
// but none that is being told just now, so that what is given up was not taken.
//
// What was given up and fires still is told again, under the same id, by the
// action that its rule has then: by the next Look, or, if it was given up for
// others, by the next that has room for it.
//
// Thread-safe.

#ifndef SERVICE_ALERTS_ALERT_BOARD_H_
#define SERVICE_ALERTS_ALERT_BOARD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/alerts/alert_counts.h"
#include "service/alerts/alert_history.h"
#include "service/alerts/alert_rule.h"

namespace gateway {

class AlertBoard {
 public:
  static constexpr size_t kPendingMax = 256;

  // `start` is since when all is well, of what was never otherwise.
  explicit AlertBoard(absl::Time start)
      : start_(start), history_(absl::ZeroDuration()) {}

  AlertBoard(const AlertBoard&) = delete;
  AlertBoard& operator=(const AlertBoard&) = delete;

  // What is watched from now on. Names are unique.
  void SetRules(std::vector<AlertRule> rules, absl::Time now)
      LOCKS_EXCLUDED(mu_);

  // What is known at one moment.
  struct Facts {
    absl::Time now;
    absl::Duration steady;
    AlertTotals totals;  // Since the process began.
    // Of every model of a provider that has failed last.
    std::vector<FailureRow> failures;
  };
  // Returns what is to be told, in the order of the rules.
  std::vector<AlertEvent> Look(const Facts& facts) LOCKS_EXCLUDED(mu_);

  // What waits to be told, the oldest first: after a start, what a process
  // before has not.
  std::vector<AlertEvent> Pending() const LOCKS_EXCLUDED(mu_);
  // An attempt to tell it begins, which Failed or Told ends.
  void Begun(std::string_view id) LOCKS_EXCLUDED(mu_);
  // It could not be told, and will be told again.
  void Failed(std::string_view id, const absl::Status& why) LOCKS_EXCLUDED(mu_);
  // An event was told, or given up for `outcome`. One that fires still is told
  // again by the next Look.
  void Told(std::string_view id, const absl::Status& outcome)
      LOCKS_EXCLUDED(mu_);
  // It is to be told by another action, as will be that it is resolved. Does
  // nothing while it is being told.
  void Redirect(std::string_view id, const std::string& action)
      LOCKS_EXCLUDED(mu_);
  // There is nothing any more by which it could be told: it is forgotten.
  void Withdraw(std::string_view id) LOCKS_EXCLUDED(mu_);
  // The actions that are to be told something, or have been told of what still
  // fires, by their names.
  std::set<std::string> ActionsInUse() const LOCKS_EXCLUDED(mu_);

  // Keeps an alert from being told until then, and withdraws what waits to be
  // told of it; an end that is not after `now` ends a silence. Returns false if
  // there is none of this name.
  bool Silence(std::string_view name, absl::Time now, absl::Time until)
      LOCKS_EXCLUDED(mu_);

  // The names of what is watched.
  std::vector<std::string> Names() const LOCKS_EXCLUDED(mu_);

  // How an alert stands.
  struct View {
    AlertRule rule;
    std::string subject;
    bool firing = false;
    absl::Time since;
    std::optional<double> value;            // When it was last looked at.
    std::optional<absl::Time> silence_end;  // If it is silenced at `now`.
    std::string action_error;               // Empty if there was none.
  };
  // Sorted by name and subject.
  std::vector<View> List(absl::Time now) const LOCKS_EXCLUDED(mu_);

  // How many have been told, and given up, since the process began, and how
  // often it could not be told at once.
  struct Counts {
    int64_t told = 0;
    int64_t given_up = 0;
    int64_t crowded_out = 0;  // Of those: since too many waited.
    int64_t action_gone = 0;  // Not of those: Withdraw was called.
    int64_t failed_attempts = 0;
  };
  Counts counts() const LOCKS_EXCLUDED(mu_);

  // What is to outlast the process, and the same again. Read fails, and changes
  // nothing, for what Write does not write. WriteSilenced returns what Write
  // will once Silence was called so.
  std::string Write() const LOCKS_EXCLUDED(mu_);
  std::string WriteSilenced(std::string_view name, absl::Time now,
                            absl::Time until) const LOCKS_EXCLUDED(mu_);
  absl::Status Read(std::string_view text) LOCKS_EXCLUDED(mu_);

 private:
  // An alert's name and its subject.
  using Key = std::pair<std::string, std::string>;

  struct State {
    std::string condition;
    bool firing = false;
    // Its action was told that it fires, or is to be, and was not given up...
    bool told = false;
    std::string action;  // ... which was this one.
    // It was given up for others: it waits until there is room for it.
    bool crowded_out = false;
    absl::Time since;
    std::optional<double> value;
    // Since when the condition has not been true; steady, unset while it is.
    std::optional<absl::Duration> calm_since;
  };

  // What the condition of a rule compares, by subject; nothing where too little
  // is known.
  using Values = std::map<std::string, std::optional<double>>;
  using Silences = std::map<std::string, absl::Time, std::less<>>;
  // What is kept of alerts, and what a silence changes.
  struct Standing {
    std::map<Key, State> states;
    Silences silences;
    std::deque<AlertEvent> pending;
  };
  Values ValuesOf(const AlertRule& rule, const Facts& facts) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LookAt(const AlertRule& rule, const Facts& facts,
              std::vector<AlertEvent>* events) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Step(const AlertRule& rule, const Facts& facts, State& state)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsSilenced(const std::string& name, absl::Time now) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::deque<AlertEvent>::iterator FindPending(std::string_view id)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void SilenceIn(std::string_view name, absl::Time now, absl::Time until,
                        Standing* standing);
  // The state that began with the event; null if it is over.
  static State* FindFiring(const AlertEvent& event, Standing* standing);
  void Queue(const AlertEvent& event) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The pending event that is given up where too many wait.
  std::deque<AlertEvent>::iterator FindCrowdedOut()
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveUp(std::deque<AlertEvent>::iterator event, std::string_view why)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Forgets it, and that it is resolved.
  void Remove(std::deque<AlertEvent>::iterator event)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Forgets what no rule is for; what fires of it is resolved.
  void DropOthers(absl::Time now) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string WriteStanding(const Standing& standing) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::Time start_;

  mutable Mutex mu_;
  std::vector<AlertRule> rules_ GUARDED_BY(mu_);
  Standing standing_ GUARDED_BY(mu_);
  std::map<std::string, std::string, std::less<>> errors_ GUARDED_BY(mu_);
  std::set<std::string, std::less<>> being_told_ GUARDED_BY(mu_);  // By id.
  AlertHistory history_ GUARDED_BY(mu_);
  CostHour cost_ GUARDED_BY(mu_);
  int64_t cost_counted_ GUARDED_BY(mu_) = 0;  // Of the totals, so far.
  Counts counts_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_BOARD_H_
