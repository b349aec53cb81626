// CallRules is told of everything that happens in a simulation, in the order in
// which it does, and keeps what must never happen:
//
//   * Each call ends once, with an answer or with an error, and in its time;
//     what it is answered is one provider's answer, whole.
//   * Once a piece of an answer has been delivered nobody is asked any more,
//     nor when its caller has left or its time is over. Nobody is asked more
//     often than the configuration lets him.
//   * No target is asked while it rests, and none rests for longer or less long
//     than it should: its breaker is always as BreakerModel says.
//   * No credential is sent while it cools or is out, unless all of the
//     provider's are out and nobody else is left; and none for longer or less
//     long than CredentialModel says.
//   * Never are more targets of a route ejected than may be, nor the last one.
//   * Never are more retries, fallbacks and hedges under way than the budget
//     allows; and of a provider that is dead there are few.
//   * A second target is asked beside the first after hedging's delay and not
//     otherwise, and given up as soon as the other has answered.
//   * A call goes where it is said to: to the targets of its rule by priority,
//     to models that can do what it needs and of these to the cheapest, or,
//     outside of a rollout's share, to the baseline or nowhere; whatever
//     changes while it runs.
//   * Whose probes fail, and who is ejected, is asked last; both are as
//     ProbeModel and EjectionModel say. The others share the calls by their
//     weights.
//   * No provider is asked more at once, more often by a call or for longer
//     than its own settings let.
//   * No call is let in, and no provider asked, beyond a limit, and none
//     refused for a limit that is not full.
//   * What an operator says holds from then on: who is disabled, or whose
//     circuit is forced open, is asked by nobody; a circuit that only counts
//     lets everybody through; what is reset is as if nothing had happened; and
//     a node has the model that it was given, as long as it was.
//   * No call fails that another target could have answered.
//
// Where there is money, MoneyRules is told of it, too (money_rules.h). A ledger
// takes time between the choice of a target and its being asked: what is said
// here of that moment holds only without one.
//
// What is checked when is in several files: what happens in call_rules.cc, who
// may be asked in ask_rules.cc, where calls go in route_rules.cc, how they end
// in end_rules.cc, what an operator says in operator_rules.cc, what the
// pipeline goes by in state_rules.cc, and what can be said of a whole
// simulation in final_rules.cc.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_CALL_RULES_H_
#define TESTS_SIMULATION_CALL_RULES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
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
#include "service/pipeline/call.h"
#include "service/resilience/resilience_state.h"
#include "tests/simulation/breaker_model.h"
#include "tests/simulation/credential_model.h"
#include "tests/simulation/ejection_model.h"
#include "tests/simulation/event_trace.h"
#include "tests/simulation/limit_model.h"
#include "tests/simulation/money_rules.h"
#include "tests/simulation/probe_model.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/selection_model.h"

namespace gateway {

class CallRules {
 public:
  // Borrows all. `begin` is the steady time of the simulation's begin.
  CallRules(const Scenario& scenario, absl::Duration begin, EventTrace* trace);

  // What the pipeline goes by, to be compared with what it should. REQUIRES:
  // before anything happens.
  void Watch(ResilienceState& state) { state_ = &state; }
  // Null where the scenario has no money.
  MoneyRules* money() { return money_.has_value() ? &*money_ : nullptr; }

  // Of callers. `now` is steady, here and below.
  void CallBegins(size_t call, absl::Duration now);
  void CallerLeaves(size_t call, absl::Duration now);
  void Delivers(size_t call, std::string_view text, absl::Duration now);
  void Answers(size_t call, std::string_view text, absl::Duration now);
  void TellsEnd(size_t call, const absl::Status& outcome, absl::Duration now);
  void CallEnds(size_t number, const Call& call, const absl::Status& outcome,
                absl::Duration now);

  // Of providers: a request has come, and its number is returned.
  // `credential` is its number, negative if there is none.
  size_t IsAsked(size_t call, std::string_view provider, std::string_view model,
                 int credential, absl::Duration now);
  // It has so long for the first byte of its answer; zero if that is not
  // limited for its model.
  void IsGivenTime(size_t ask, absl::Duration first_byte);
  // The head of its answer says that nothing is left of a limit.
  void TellsLimit(size_t ask, absl::Duration resets_in, absl::Duration now);
  // Its answer has begun, or goes on.
  void Speaks(size_t ask, absl::Duration now);
  void Finishes(size_t ask, absl::Duration now);
  // How many bytes each piece of an answer has at least.
  size_t piece_bytes() const {
    return scenario_.money.has_value() ? scenario_.money->piece_bytes : 0;
  }
  // It failed by itself. `not_processed`: the provider never saw it.
  void Fails(size_t ask, const absl::Status& failure, bool not_processed,
             absl::Duration now);
  // The gateway gave it up; `why` is OK if it just let go of it.
  void IsGivenUp(size_t ask, const absl::Status& why, absl::Duration now);

  // Of probes: the provider is asked whether it is there, and its answer has
  // come; or the gateway no longer waits for it.
  void ProbeBegins(std::string_view provider, absl::Duration now);
  void ProbeEnds(std::string_view provider, ProbeModel::Outcome outcome,
                 absl::Duration now);
  void ProbeIsCut(std::string_view provider, absl::Duration now);
  // No more probes are made from now on.
  void ProbingEnds() { probing_ended_ = true; }

  // Of the operator: the rules are for so many, in hundredths of a percent.
  void RolloutChanges(int share, absl::Duration now);
  // He is about to say this, and then what was answered.
  void OperatorActs(const OperatorDeed& deed, absl::Duration now);
  void OperatorIsAnswered(const OperatorDeed& deed, const absl::Status& answer);

  // To be called when all is over.
  void SimulationEnds(absl::Duration now);

  // What must not have happened; empty if all is well.
  const std::vector<std::string>& broken() const { return broken_; }

  int64_t asks() const { return static_cast<int64_t>(asks_.size()); }

 private:
  using TargetName = std::pair<std::string, std::string>;

  // By what a call is sent where it goes.
  enum class Way { kRule, kSelection, kOverride, kBaseline, kRefused };

  // What an operator has given to a node.
  struct Gift {
    const ScenarioPolicy* policy;
    absl::Duration until;
  };

  // Targets that are compared with each other.
  struct EjectionGroup {
    std::vector<TargetName> targets;
    EjectionModel model;
  };

  struct CallState {
    absl::Duration began;
    absl::Duration deadline;
    absl::Duration ended;
    bool is_over = false;
    bool left = false;
    absl::Duration left_at;
    int answers = 0;
    int ends = 0;
    absl::Status told;
    absl::Status outcome;
    std::string delivered;
    std::vector<size_t> asks;
    int stand_ins = 0;  // Of these.
    Way way = Way::kRule;
    // Who may be asked of those that are chosen by what the call needs, and in
    // which order, where it is known.
    SelectionModel::Policies chosen;
    // Targets that could be asked when it began, and each time when another was
    // looked for.
    std::vector<TargetName> askable;
    // Those of them that did not fail themselves, all the time.
    std::vector<TargetName> well;
    bool reconnected = false;
    bool next_is_reconnect = false;
    // Whose connection was stale, and whose credentials rest.
    std::optional<TargetName> put_off_reconnect;
    // The credential of its last request failed, and another was usable.
    bool could_stand_in = false;
    int64_t refused_by_budget = 0;  // When its last request failed.
  };
  struct Ask {
    size_t call;
    TargetName target;
    int credential;
    absl::Duration began;
    bool last_resort = false;  // It was out when it was sent.
    // By the head of its answer, nothing is left until then.
    absl::Duration spent_until = -absl::InfiniteDuration();
    absl::Duration ended;
    BreakerModel::Permit permit;
    // The target as one of those that it is compared with; null if it is not.
    EjectionGroup* group = nullptr;
    size_t member = 0;
    bool told = false;  // The breaker knows how it went.
    bool spoke = false;
    std::optional<absl::Duration> content_after;  // Once it spoke.
    bool is_over = false;
    absl::Status failure;
    // Of the budget: whether it needs a place, and the numbers of the events
    // between which it has it for certain.
    bool extra = false;
    bool stands_in = false;  // It needs none: it takes the place of the last.
    bool is_hedge = false;
    bool keeps_place = false;  // That of the request before it.
    int64_t taken_at = 0;
    int64_t given_back_at = INT64_MAX;
    int64_t active_when_taken = 0;  // Calls.
    int64_t active_at_end = 0;
  };
  // How many requests are under way with a provider, or with one of its models.
  struct ProviderUse {
    int under_way = 0;
    absl::Duration last_end = -absl::InfiniteDuration();
    int ended_then = 0;
  };
  // How often a target was asked first, and should have been.
  struct Share {
    int asked = 0;
    double expected = 0;
    double variance = 0;
  };

  void Broken(std::string what);
  void Add(absl::Duration now, std::string_view what, int64_t call,
           int64_t ask = -1, std::string_view detail = {});
  static TargetName NameOf(const ScenarioTarget& target) {
    return {target.provider, target.model};
  }
  static std::string TextOf(const TargetName& target);
  // A timer may be late by so much.
  static constexpr absl::Duration kTick = absl::Milliseconds(1);
  // With less time than that left nobody is asked.
  static constexpr absl::Duration kLeastAttempt = absl::Milliseconds(10);

  EjectionGroup* GroupOf(const ScenarioRoute& route);
  BreakerModel& ModelOf(const TargetName& target);
  CredentialModel& CredentialsOf(const TargetName& target) {
    return credentials_.find(target.first)->second;
  }
  bool IsAskable(const TargetName& target, absl::Duration now);
  // Whether it is enabled, and its breaker lets a call through.
  bool IsUsable(const TargetName& target, absl::Duration now);
  // Whether what keeps it from being asked only the operator can take back.
  bool RestsByOperator(const TargetName& target, absl::Duration now);
  void ResetTargets(const OperatorDeed& deed, absl::Duration now);
  // Whether it has failed so often in a row that whoever goes on to it needs a
  // place in the budget.
  bool FailsItself(const TargetName& target) const;
  bool WasAsked(const CallState& call, const TargetName& name) const;
  // Whether as many requests are under way with it as may be, or were until
  // this moment.
  bool IsFull(const TargetName& target, absl::Duration now) const;
  // `whose` is a provider, or a target by its text.
  bool HasNoPlace(const std::string& whose, int limit,
                  absl::Duration now) const;
  // Compares what the pipeline goes by with the models, once time has passed:
  // within a moment one may be behind the other. All breakers but that of
  // `except`, which is just being asked.
  void Compare(absl::Duration now, const TargetName* except = nullptr);
  void CompareBreakers(absl::Duration now, const TargetName* except);
  void CompareCredentials(absl::Duration now);
  void CompareProbes(absl::Duration now);
  void CompareEjections(absl::Duration now);
  void CheckEjections(absl::Duration now);
  void TellModel(Ask& ask, BreakerModel::Outcome outcome, absl::Duration now);
  void Ends(Ask& ask);
  void IsOver(Ask& ask, absl::Duration now);
  bool IsHedged() const {
    return scenario_.hedge_delay != absl::InfiniteDuration();
  }
  void SettleBegun(size_t call, absl::Duration now);
  // Finds the request's place in the budget, and says what stands in the way of
  // its being made after those that were.
  void FillPlace(CallState& call, size_t number, Ask& ask, absl::Duration now);
  void FillMember(const CallState& call, Ask& ask);
  // Who rests now is passed over for the rest of the call.
  void LeaveOutResting(CallState& call, absl::Duration now);

  void CheckMayAsk(const CallState& call, size_t number, const TargetName& name,
                   absl::Duration now);
  void CheckCredential(size_t number, const TargetName& name, int credential,
                       absl::Duration now);
  void CheckRepeat(const CallState& call, size_t number, const Ask& ask);
  void CheckLoad(const std::string& whose, int limit);
  // `broken` is what LimitModel says.
  void CheckLimits(std::string broken);
  // Of a stream without content.
  void CheckFirstContent(const Ask& ask, absl::Duration now);
  void CheckGivenUp(const Ask& ask, const absl::Status& why,
                    absl::Duration now);

  // Where calls go.
  Way WayOf(size_t number, absl::Duration now);
  // What the call's node has been given, if it serves the call; null if not.
  const ScenarioPolicy* GiftOf(const ScenarioNeed& need, absl::Duration now);
  const ScenarioRoute& RouteOf(size_t number) const {
    return scenario_.routes[scenario_.calls[number].route];
  }
  // Who is asked by this way, as far as that is known.
  std::vector<TargetName> TargetsOf(const CallState& call, size_t number) const;
  void Choose(CallState& call, size_t number, absl::Duration now);
  void CheckWay(const CallState& call, size_t number, const TargetName& name,
                absl::Duration now);
  void CheckSelected(const CallState& call, size_t number,
                     const TargetName& name, absl::Duration now);
  // Of a rule's targets, those with the least are asked first.
  struct Rank {
    int kind = 0;  // 1 if it is avoided, 2 for a fallback.
    int priority = 0;

    auto operator<=>(const Rank&) const = default;
  };
  // Nothing if that is changing at this moment.
  std::optional<Rank> RankOf(size_t route, const ScenarioTarget& target,
                             bool is_fallback, absl::Duration now) const;
  void CheckRank(size_t number, const TargetName& name, absl::Duration now);
  void CountFirst(size_t number, const TargetName& name, absl::Duration now);
  void CheckReason(const CallState& state, size_t number, const Call& call);

  // REQUIRES: somebody was asked.
  const Ask& LastEnded(const CallState& call) const;
  bool IsUnderWay(const CallState& call) const;
  void CheckHedge(const CallState& call, size_t number, absl::Duration now);
  void CheckLosers(const CallState& call, size_t number);
  // Whether a request takes the place of the one before, and needs none in the
  // budget.
  bool StandsInFor(const CallState& call, const Ask& ask, absl::Duration now);
  bool IsLateReconnect(const CallState& call, const Ask& ask,
                       absl::Duration now);
  // Whether nothing but its credentials stands in its way, and they only until
  // nobody else is left.
  bool MayBeLastResort(const TargetName& target, absl::Duration now);
  bool CouldStandIn(const CallState& call, const Ask& before,
                    absl::Duration now);
  void AskEnds(size_t ask, const absl::Status& failure, absl::Duration now);
  void CheckTimes(const CallState& state, size_t number, absl::Duration now);
  void CheckAttempts(const CallState& state, size_t number, const Call& call);
  void CheckAnswer(const CallState& state, size_t number);
  void CheckHadToFail(const CallState& state, size_t number,
                      absl::Duration now);
  void CheckRefusal(const CallState& state, size_t number, absl::Duration now);
  // Of all whom the call is sent to.
  bool RestByOperator(const CallState& state, size_t number,
                      absl::Duration now);
  // How long it should be told to wait; nothing if its fault is none that fits.
  std::optional<absl::Duration> WaitOf(const CallState& state, size_t number,
                                       absl::Duration now);
  void CheckBudget();
  void CheckDeadProvider();
  void CheckShares();
  void CheckWeights();
  void CheckHealed();

  const Scenario& scenario_;
  std::optional<MoneyRules> money_;
  ResilienceState* state_ = nullptr;
  const absl::Duration begin_;
  EventTrace* const trace_;
  const SelectionModel selection_;
  LimitModel limits_;
  int rollout_share_;
  bool probing_ended_ = false;
  absl::Duration compared_at_ = -absl::InfiniteDuration();
  int64_t event_ = 0;
  int64_t active_calls_ = 0;
  std::vector<CallState> calls_;
  std::vector<Ask> asks_;
  std::vector<size_t> begun_;  // Of which the models have not been told.
  std::map<TargetName, BreakerModel> models_;
  std::map<TargetName, int> failures_in_a_row_;
  // By provider.
  std::map<std::string, CredentialModel> credentials_;
  std::map<std::string, ProbeModel, std::less<>> probes_;  // Of some.
  std::map<std::string, ProviderUse> uses_;                // And by target.
  std::set<TargetName> disabled_;
  std::map<size_t, Gift> gifts_;  // By node.
  // By the names of their targets, and by route; null if they are not compared.
  std::map<std::string, EjectionGroup> ejections_;
  std::vector<EjectionGroup*> group_of_route_;
  // By route and target.
  std::map<std::pair<size_t, size_t>, Share> shares_;
  // So many are told while it runs, and as many when all is over.
  static constexpr size_t kBrokenMax = 20;
  size_t broken_limit_ = kBrokenMax;
  std::vector<std::string> broken_;
};

// Whether a failure counts against the target, by docs/resilience.md.
bool CountsAgainstTarget(const absl::Status& failure);

// Whether a call was refused since a limit is full.
bool IsOfLimit(const absl::Status& outcome);

// What an answer to a request says: `pieces` pieces of it, each of so many
// bytes at least.
std::string PieceOf(size_t ask, int piece, int pieces, size_t bytes);

}  // namespace gateway

#endif  // TESTS_SIMULATION_CALL_RULES_H_
