// MoneyRules is told of what costs money in a simulation, and keeps what must
// never happen to it:
//
//   * Of each request to a provider the ledger has a DISPATCH before it is
//     asked and an EXCHANGE before the caller has the end, each once; of a call
//     that nobody was asked for, why it was refused. While it cannot be written
//     nobody is asked, or, where the configuration says so, calls go on; once
//     it can be again, what was kept is there, once.
//   * What budgets have spent is what the ledger has of it, and of calls whose
//     entries are on their way; what they have reserved is what calls under way
//     have: after each step, to the token and the nano-dollar. Nothing is
//     reserved for a call that has its end.
//   * No call is let in by a budget that refuses and has no room for it, and
//     none refused by one that has; nor is another target asked that has such a
//     budget. None is gone beyond by more than what calls
//     under way took beyond their estimates.
//   * What a request has taken is what its provider told, or what the
//     documentation says of those that tell nothing; and that is the same in
//     the answer, the ledger, the budgets and the sums.
//   * Who opens the ledger anew has the same budgets.
//
// What budgets should say BudgetModel knows, and what is written LedgerModel.
// What happens is in money_rules.cc, what is compared in money_balance.cc.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_MONEY_RULES_H_
#define TESTS_SIMULATION_MONEY_RULES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/ledger_writer.h"
#include "service/pipeline/call.h"
#include "service/summary/call_summary.h"
#include "tests/simulation/budget_model.h"
#include "tests/simulation/ledger_model.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/simulated_store.h"

namespace gateway {

class MoneyRules {
 public:
  using Broken = std::function<void(std::string what)>;

  // Borrows the scenario, which has money.
  MoneyRules(const Scenario& scenario, Broken broken)
      : scenario_(scenario),
        broken_(std::move(broken)),
        budgets_(scenario),
        calls_(scenario.calls.size()) {}

  // What the pipeline goes by. Borrows all. REQUIRES: before anything happens.
  struct Watched {
    Clock* clock = nullptr;
    BudgetTable* table = nullptr;
    LedgerWriter* writer = nullptr;
    const BudgetLedgerState* state = nullptr;
  };
  void Watch(const Watched& watched) { watched_ = watched; }

  // Of callers. `running` lives until the call ends.
  void CallBegins(size_t call, const Call& running);
  void Delivers(size_t call, std::string_view text);
  void Answers(size_t call);
  void TellsEnd(size_t call, const absl::Status& outcome);
  void CallEnds(size_t number, const absl::Status& outcome);

  // Of providers.
  void IsAsked(size_t ask, size_t call, std::string_view provider,
               std::string_view model);
  // The request never reaches it.
  void IsNotSent(size_t ask) { asks_[ask].sent = false; }
  // So much it has told by now that it took.
  void Tells(size_t ask, int64_t input, int64_t output);
  // It says a piece of a stream.
  void Says(size_t ask, size_t bytes);
  void Finishes(size_t ask, size_t bytes);
  // By itself, unless it was `given_up` in this very moment.
  void Fails(size_t ask, bool timed_out, bool given_up);
  void IsGivenUp(size_t ask);

  // Of the ledger. A turn is from when entries are taken until their callers
  // are told.
  void TurnBegins() { in_turn_ = true; }
  void TurnEnds() { in_turn_ = false; }
  void IsWritten(std::string_view texts);

  // To be called when all is over, and the writer is closed.
  void SimulationEnds(const std::shared_ptr<SimulatedDisk>& disk,
                      CallSummary& summary);

 private:
  enum class Ending { kUnderWay, kFinished, kFailed, kTimedOut, kGivenUp };

  struct Ask {
    size_t call = 0;
    std::string model;
    bool sent = true;
    int64_t told_input = 0;
    int64_t told_output = 0;
    size_t said = 0;  // Bytes.
    Ending ending = Ending::kUnderWay;
  };
  // One that was dispatched, as it should be in the ledger.
  struct Trip {
    size_t call = 0;
    std::string exchange_id;
    SpentAmounts amounts;
    bool estimated = false;
  };
  struct CallState {
    const Call* running = nullptr;
    std::string refused_by;  // The budget that has no room for it.
    int warnings = 0;        // To be said once it is served.
    size_t attempts = 0;  // Whose reservations are known.
    std::vector<size_t> asks;
    std::map<std::string, int> asked;        // By target.
    int64_t last_end = 0;                    // Of its requests; seconds.
    size_t delivered = 0;                    // Bytes.
    std::string delivers;                    // The model whose stream it is.
    std::map<std::string, int> dispatched;   // Committed; by target.
    bool settled = false;
    bool has_end = false;
    bool is_over = false;
    std::optional<SpentAmounts> charged;     // All together.
    BudgetModel::Charges charges;            // Not written yet.
    int rejections = 0;  // That are written.
    int trips = 0;       // That were dispatched, once it is over.
    bool is_rejected = false;
  };
  // What it was billed, as the documentation says.
  struct Bill {
    SpentAmounts amounts;
    bool estimated = false;
  };

  int64_t Now() const;
  int64_t PromptTokens(size_t call) const;
  // What is reserved for it at a target with this model.
  BudgetModel::Request EstimateAt(size_t call, std::string_view model) const;
  bool IsUnderWay(const CallState& call) const;
  void Ends(size_t ask, Ending ending);
  // Whether the ledger cannot be written, or has not been since then.
  bool IsFailing() const;

  // Finds out which calls have settled, and compares, if time has passed.
  void Look();
  void FindSettled();
  // Finds out which targets were asked after the first, or beside it.
  void FindAsked();
  void Settle(size_t number, CallState& call);
  void CompareBudgets();
  void CompareBook(const BudgetBook& book, std::string_view whose);
  // The end of a call is about to be told.
  void CheckEnd(size_t number, bool well);
  void CheckTrips(size_t number, CallState& call);
  void CheckLine(const LedgerLine& line);
  void CheckDebit(const LedgerLine& line);
  void CheckLedger();
  void CheckReplay(const std::shared_ptr<SimulatedDisk>& disk);
  void CheckSums(CallSummary& summary);
  // Nothing if it is not billed.
  std::optional<Bill> BillOf(const Ask& ask, bool answered) const;

  const Scenario& scenario_;
  const Broken broken_;
  BudgetModel budgets_;
  LedgerModel ledger_;
  Watched watched_;
  absl::Duration compared_at_ = -absl::InfiniteDuration();
  bool in_turn_ = false;
  std::vector<CallState> calls_;
  std::set<size_t> running_;
  std::set<size_t> uncommitted_;  // Calls whose debit is not written yet.
  std::map<size_t, Ask> asks_;
  std::map<std::string, Trip, std::less<>> trips_;  // By their dispatch.
  std::set<std::string, std::less<>> exchanges_;    // That may be there.
  SpentAmounts billed_;                             // All together.
  int warnings_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_MONEY_RULES_H_
