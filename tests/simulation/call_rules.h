// CallRules is told of everything that happens in a simulation, in the order in
// which it does, and keeps what must never happen:
//
//   * Each call ends once, with an answer or with an error, and in its time;
//     what it is answered is one provider's answer, whole.
//   * Once a piece of an answer has been delivered nobody is asked any more,
//   nor
//     when its caller has left or its time is over. Nobody is asked more often
//     than the configuration lets him.
//   * No target is asked while it rests, and none rests for longer or less long
//     than it should: its breaker is always as BreakerModel says.
//   * No credential is sent while it cools or is out, unless all of the
//     provider's are out and nobody else is left; and none for longer or less
//     long than CredentialModel says.
//   * Never are more targets of a route ejected than may be, nor the last one.
//   * Never are more retries and fallbacks under way than the budget allows;
//   and
//     of a provider that is dead there are few.
//   * A second target is asked beside the first after hedging's delay and not
//     otherwise, and given up as soon as the other has answered.
//   * No call fails that another target could have answered.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_CALL_RULES_H_
#define TESTS_SIMULATION_CALL_RULES_H_

#include <cstddef>
#include <cstdint>
#include <map>
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
#include "tests/simulation/event_trace.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class CallRules {
 public:
  // Borrows all. `begin` is the steady time of the simulation's begin.
  CallRules(const Scenario& scenario, absl::Duration begin, EventTrace* trace);

  // What the pipeline goes by, to be compared with what it should. REQUIRES:
  // before anything happens.
  void Watch(ResilienceState& state) { state_ = &state; }

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
  // Its answer has begun, or goes on.
  void Speaks(size_t ask, absl::Duration now);
  void Finishes(size_t ask, absl::Duration now);
  // It failed by itself. `not_processed`: the provider never saw it.
  void Fails(size_t ask, const absl::Status& failure, bool not_processed,
             absl::Duration now);
  // The gateway gave it up; `why` is OK if it just let go of it.
  void IsGivenUp(size_t ask, const absl::Status& why, absl::Duration now);

  // To be called when all is over.
  void SimulationEnds(absl::Duration now);

  // What must not have happened; empty if all is well.
  const std::vector<std::string>& broken() const { return broken_; }

  int64_t asks() const { return static_cast<int64_t>(asks_.size()); }

 private:
  using TargetName = std::pair<std::string, std::string>;

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
    // Targets of its route that could be asked when it began, and each time
    // when another was looked for.
    std::vector<TargetName> askable;
    bool reconnected = false;
    bool next_is_reconnect = false;
    int64_t refused_by_budget = 0;  // When its last request failed.
  };
  struct Ask {
    size_t call;
    TargetName target;
    int credential;
    absl::Duration began;
    bool last_resort = false;  // It was out when it was sent.
    absl::Duration ended;
    BreakerModel::Permit permit;
    bool told = false;  // The breaker knows how it went.
    bool spoke = false;
    bool is_over = false;
    absl::Status failure;
    // Of the budget: whether it needs a place, and the numbers of the events
    // between which it has it.
    bool extra = false;
    bool keeps_place = false;  // That of the request before it.
    int64_t taken_at = 0;
    int64_t given_back_at = INT64_MAX;
    int64_t active_when_taken = 0;  // Calls.
    int64_t active_at_end = 0;
  };

  void Broken(std::string what);
  void Add(absl::Duration now, std::string_view what, int64_t call,
           int64_t ask = -1, std::string_view detail = {});
  BreakerModel& ModelOf(const TargetName& target);
  CredentialModel& CredentialsOf(const TargetName& target) {
    return credentials_.find(target.first)->second;
  }
  bool IsAskable(const TargetName& target, absl::Duration now);
  // Compares what the pipeline goes by with the models, once time has passed:
  // within a moment one may be behind the other. All breakers but that of
  // `except`, which is just being asked.
  void Compare(absl::Duration now, const TargetName* except = nullptr);
  void CompareBreakers(absl::Duration now, const TargetName* except);
  void CompareCredentials(absl::Duration now);
  void CheckEjections(absl::Duration now);
  void TellModel(Ask& ask, BreakerModel::Outcome outcome, absl::Duration now);
  void Ends(Ask& ask);
  bool IsHedged() const {
    return scenario_.hedge_delay != absl::InfiniteDuration();
  }
  void SettleBegun(size_t call, absl::Duration now);
  // Who rests now is passed over for the rest of the call.
  void LeaveOutResting(CallState& call, absl::Duration now);

  void CheckMayAsk(const CallState& call, size_t number, const TargetName& name,
                   absl::Duration now);
  void CheckCredential(size_t number, const TargetName& name, int credential,
                       absl::Duration now);
  // REQUIRES: somebody was asked.
  const Ask& LastEnded(const CallState& call) const;
  bool IsUnderWay(const CallState& call) const;
  void CheckHedge(const CallState& call, size_t number, absl::Duration now);
  void CheckLosers(const CallState& call, size_t number);
  // Whether a request takes the place of the one before, and needs none in the
  // budget.
  bool StandsInFor(const CallState& call, const Ask& ask, absl::Duration now);
  void AskEnds(size_t ask, const absl::Status& failure, absl::Duration now);
  void CheckAttempts(const CallState& state, size_t number, const Call& call);
  void CheckAnswer(const CallState& state, size_t number);
  void CheckHadToFail(const CallState& state, size_t number,
                      absl::Duration now);
  void CheckRefusal(const CallState& state, size_t number, absl::Duration now);
  void CheckBudget();
  void CheckDeadProvider();
  void CheckShares();
  void CheckHealed();

  const Scenario& scenario_;
  ResilienceState* state_ = nullptr;
  const absl::Duration begin_;
  EventTrace* const trace_;
  absl::Duration compared_at_ = -absl::InfiniteDuration();
  int64_t event_ = 0;
  int64_t active_calls_ = 0;
  std::vector<CallState> calls_;
  std::vector<Ask> asks_;
  std::vector<size_t> begun_;  // Of which the models have not been told.
  std::map<TargetName, BreakerModel> models_;
  std::map<std::string, CredentialModel> credentials_;  // By provider.
  std::vector<std::string> broken_;
};

// What an answer to a request says: `pieces` pieces of it.
std::string PieceOf(size_t ask, int piece, int pieces);

}  // namespace gateway

#endif  // TESTS_SIMULATION_CALL_RULES_H_
