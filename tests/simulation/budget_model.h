// BudgetModel is what the documentation says of budgets, written down a second
// time: what each scope has spent in its window and what calls under way have
// reserved of it. It knows who may be let in, and what must be left of a limit.
//
//   BudgetModel budgets(scenario);
//   const BudgetModel::Verdict verdict = budgets.Begins(call, request, second);
//   budgets.Grows(call, output_tokens);
//   budgets.Settles(call, real, by_model, second);  // Or GivesBack.
//   budgets.At(second);                             // Of each scope.
//
// Thread contract: one thread. Moments do not go back; they are seconds since
// 1970.

#ifndef TESTS_SIMULATION_BUDGET_MODEL_H_
#define TESTS_SIMULATION_BUDGET_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/scenario.h"

namespace gateway {

// What calls take, whatever a budget counts of it.
struct SpentAmounts {
  int64_t input = 0;
  int64_t output = 0;
  int64_t cost = 0;   // Nano-dollars.
  int64_t turns = 0;  // Calls.

  bool operator==(const SpentAmounts&) const = default;
  SpentAmounts& operator+=(const SpentAmounts& other);
  SpentAmounts& operator-=(const SpentAmounts& other);
  int64_t In(BudgetUnit unit) const;
  std::string Text() const;
};

class BudgetModel {
 public:
  // Borrows the scenario, which has money.
  explicit BudgetModel(const Scenario& scenario);

  // What so many tokens cost at the model, rounded half up; nothing if nobody
  // knows.
  std::optional<int64_t> CostOf(std::string_view model, int64_t input,
                                int64_t output) const;

  // A call is estimated to take so many tokens at this model.
  struct Request {
    std::string model;
    int64_t input = 0;
    int64_t output = 0;
  };
  struct Verdict {
    // The budget that keeps it out; empty if it is let in.
    std::string refused_by;
    // How many let it pass with a warning, if it is let in.
    int warnings = 0;
  };
  // Reserves it if it is let in.
  Verdict Begins(size_t call, const Request& request, int64_t now);
  // It asks another target, or one again. Reserves that; or returns the budget
  // that should have kept it from that.
  std::string Asks(size_t call, const Request& request, int64_t now);
  // Whether a budget of this name may keep a call from a target that is not the
  // first.
  bool MayPassOver(std::string_view budget) const;
  // So many tokens have come of its stream, all by that model.
  void Grows(size_t call, std::string_view model, int64_t output);
  // It has taken all of this, of which so much at each target, by their models.
  // Returns what each scope was charged.
  using Charges = std::vector<std::pair<std::string, SpentAmounts>>;
  Charges Settles(size_t call, const SpentAmounts& real,
                  const std::vector<std::pair<std::string, SpentAmounts>>& at,
                  int64_t now);
  void GivesBack(size_t call);

  // Whether it has reserved something.
  bool Holds(size_t call) const { return !calls_[call].scopes.empty(); }

  struct Standing {
    SpentAmounts spent;
    SpentAmounts reserved;

    bool operator==(const Standing&) const = default;
  };
  // Of scopes that have spent or reserved something.
  std::map<std::string, Standing> At(int64_t now);

  // What was spent beyond a limit, and more than the calls that were under way
  // when the last one was let in took beyond what they had reserved; empty if
  // nothing was.
  std::string Overshoot(int64_t now);

  // How a scope is called, by what its calls have in common.
  static std::string ScopeName(
      std::string_view budget,
      std::vector<std::pair<std::string, std::string>> subject);

 private:
  struct Rule {
    ScenarioBudget budget;
    bool is_of_session = false;
    bool is_of_work_order = false;
  };
  struct Scope {
    const Rule* rule = nullptr;
    // By the begin of the window, or step of a rolling one, that it is in.
    std::map<int64_t, SpentAmounts> spent;
    SpentAmounts reserved;
    // Of the calls that were under way when the last one was let in: what they
    // had reserved then, and what they have taken beyond it.
    std::map<size_t, int64_t> reserved_then;
    int64_t beyond = 0;
  };
  struct CallState {
    int64_t grown_to = 0;  // Tokens of output.
    // What is reserved of each scope.
    std::vector<std::pair<std::string, SpentAmounts>> scopes;
  };

  // What the call has reserved of the scope; null if that is nothing.
  const SpentAmounts* ReservedBy(size_t call, const std::string& name) const;
  void Reserve(size_t call, const Rule& rule, const std::string& name,
               const SpentAmounts& amounts);
  // By its name; nothing if the call is not charged to it.
  std::optional<std::string> NameOf(const Rule& rule, size_t call,
                                    std::string_view model) const;
  Scope& ScopeOf(const Rule& rule, const std::string& name);
  static int64_t StartOf(const ScenarioBudget& budget, int64_t now);
  // What still counts.
  static SpentAmounts SpentAt(Scope& scope, int64_t now);
  static bool Fits(const Rule& rule, Scope& scope, const SpentAmounts& wanted,
                   bool price_known, int64_t now);
  static bool IsOfTarget(const Rule& rule) { return rule.budget.per_model; }
  void Charge(const Rule& rule, const std::string& name, size_t call,
              const SpentAmounts& amounts, int64_t now);

  const Scenario& scenario_;
  std::vector<Rule> rules_;
  std::map<std::string, Scope> scopes_;
  std::vector<CallState> calls_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_BUDGET_MODEL_H_
