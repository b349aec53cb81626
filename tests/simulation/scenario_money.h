// What a scenario has of money: what models cost, what may be spent, and what
// becomes of the ledger that has to know of it.
//
// Thread contract: plain data and functions.

#ifndef TESTS_SIMULATION_SCENARIO_MONEY_H_
#define TESTS_SIMULATION_SCENARIO_MONEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/drawing.h"

namespace gateway {

struct Scenario;

// What a provider tells of how much a request has consumed.
enum class UsageTelling {
  kAtEnd,
  kAsItGoes,    // Of a stream: the input at its begin, and each piece.
  kInputFirst,  // Of a stream: the input at its begin, the output at its end.
  kNever,
};

// In nano-dollars for a million tokens.
struct ScenarioPrice {
  std::string model;
  int64_t input = 0;
  int64_t output = 0;
};

enum class BudgetUnit { kInputTokens, kOutputTokens, kTotalTokens, kCost };
enum class SpendingMode { kEnforce, kWarn, kOff };

struct ScenarioBudget {
  enum class Window { kEver, kHour, kDay, kRolling };

  std::string name;
  BudgetUnit unit = BudgetUnit::kTotalTokens;
  SpendingMode mode = SpendingMode::kEnforce;
  Window window = Window::kEver;
  int64_t rolling_seconds = 0;
  // Whom it tells apart.
  bool per_user = false;
  bool per_session = false;
  bool per_model = false;  // Of the targets that are asked.
  // In its unit; of cost nano-dollars.
  std::optional<int64_t> limit;
  std::optional<int64_t> request_limit;
  std::optional<int64_t> turn_limit;
  bool requires_price = false;
};

// Those that `sessions` makes.
struct ScenarioSessions {
  SpendingMode mode = SpendingMode::kEnforce;
  int64_t session_tokens = 0;
  int64_t work_order_tokens = 0;
  std::optional<int64_t> work_order_turns;
};

// What becomes of a commit.
enum class LedgerConduct {
  kWell,
  kRefuses,         // Nothing is written.
  kWritesAndFails,  // All is written, and the gateway hears of an error.
  kWritesAndGoes,   // The same, and nothing can be read.
  kAway,            // Nothing is written, nor can be read.
};

// From a moment on.
struct LedgerPhase {
  absl::Duration from;  // Since the begin.
  LedgerConduct conduct = LedgerConduct::kWell;
  absl::Duration latency;  // Of a commit.
};

std::string_view LedgerConductName(LedgerConduct conduct);

struct ScenarioMoney {
  bool degrades = false;               // Calls go on without the ledger.
  std::vector<LedgerPhase> ledger;     // In order; the first from 0 on.
  std::vector<ScenarioPrice> prices;   // Of other models nobody knows one.
  int expected_output_tokens = 0;
  std::vector<ScenarioBudget> budgets;
  std::optional<ScenarioSessions> sessions;
  size_t piece_bytes = 0;  // Of what a provider says, each piece.

  // Null if it is not known.
  const ScenarioPrice* PriceOf(std::string_view model) const;

  // Sections of a configuration file.
  std::string Yaml() const;
};

// Draws what a scenario of this kind is. REQUIRES: nothing is drawn yet.
void DrawMoney(Drawing& draw, Scenario& scenario);

}  // namespace gateway

#endif  // TESTS_SIMULATION_SCENARIO_MONEY_H_
