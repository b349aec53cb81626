#include "tests/simulation/scenario_money.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"
#include "tests/simulation/call_drawing.h"
#include "tests/simulation/scenario.h"

namespace gateway {
namespace {

// What concerns credentials and breakers has scenarios of its own.
constexpr Conduct kCostly[] = {Conduct::kRefusesConnections,
                               Conduct::kFails,
                               Conduct::kOverloaded,
                               Conduct::kSilent,
                               Conduct::kBreaksBeforeContent,
                               Conduct::kBreaksAfterContent,
                               Conduct::kBreaksAfterContent,
                               Conduct::kHadHungUp,
                               Conduct::kTooLong,
                               Conduct::kRefusesContent,
                               Conduct::kTalksNonsense};

constexpr int64_t kNanos = 1'000'000'000;

// It is tried again each second.
constexpr absl::Duration kFailingMax = absl::Minutes(15);

std::string Dollars(int64_t nanos) {
  return absl::StrFormat("\"%d.%09d\"", nanos / kNanos, nanos % kNanos);
}

SpendingMode DrawMode(Drawing& draw) {
  return draw.OneOf({SpendingMode::kEnforce, SpendingMode::kEnforce,
                     SpendingMode::kEnforce, SpendingMode::kWarn,
                     SpendingMode::kOff});
}

// About what so many calls take.
int64_t DrawAmount(Drawing& draw, BudgetUnit unit, int calls) {
  const int64_t tokens = int64_t{calls} * draw.Between(50, 800);
  return unit == BudgetUnit::kCost ? tokens * draw.Between(100, 3000) : tokens;
}

ScenarioBudget DrawBudget(Drawing& draw, int number) {
  using Window = ScenarioBudget::Window;
  ScenarioBudget budget{
      .name = absl::StrCat("b", number),
      .unit = draw.OneOf({BudgetUnit::kInputTokens, BudgetUnit::kOutputTokens,
                          BudgetUnit::kTotalTokens, BudgetUnit::kCost,
                          BudgetUnit::kCost}),
      .mode = DrawMode(draw),
      .window = draw.OneOf(
          {Window::kEver, Window::kHour, Window::kDay, Window::kRolling}),
      .per_user = draw.InPercent(30),
      .per_session = draw.InPercent(20),
      .per_model = draw.InPercent(20)};
  if (budget.window == Window::kRolling) {
    // Most of them are no multiple of their steps.
    budget.rolling_seconds = draw.OneOf({60, 121, 601, 3601, 7081});
  }
  if (draw.InPercent(85)) {
    budget.limit = DrawAmount(draw, budget.unit, draw.OneOf({2, 5, 20, 80}));
  }
  if (draw.InPercent(20)) {
    budget.request_limit = DrawAmount(draw, budget.unit, 1);
  }
  if (draw.InPercent(20) || (!budget.limit && !budget.request_limit)) {
    budget.turn_limit = draw.Between(1, 40);
  }
  budget.requires_price =
      budget.unit == BudgetUnit::kCost && draw.InPercent(20);
  return budget;
}

LedgerPhase DrawLedgerPhase(Drawing& draw, absl::Duration from) {
  LedgerPhase phase{
      .from = from,
      .latency = draw.MillisBetween(0, draw.OneOf({0, 3, 30, 30, 2000}))};
  if (draw.InPercent(35)) {
    phase.conduct =
        draw.OneOf({LedgerConduct::kRefuses, LedgerConduct::kWritesAndFails,
                    LedgerConduct::kWritesAndGoes, LedgerConduct::kAway});
  }
  return phase;
}

ProviderScript DrawCostlyProvider(Drawing& draw, int number,
                                  absl::Duration length) {
  ProviderScript script{.name = absl::StrCat("p", number)};
  absl::Duration from;
  do {
    Phase phase{.from = from, .latency = draw.MillisBetween(1, 2000)};
    if (draw.InPercent(60)) {
      phase.conduct = draw.OneOf(kCostly);
      phase.percent = draw.OneOf({100, 50, 50, 20});
    }
    script.phases.push_back(phase);
    from += length / draw.Between(1, 5);
  } while (from < length);
  return script;
}

void DrawRoutes(Drawing& draw, Scenario& scenario) {
  const int providers = static_cast<int>(scenario.providers.size());
  for (int i = 0; i < draw.Between(1, 2); ++i) {
    ScenarioRoute route{
        .model = absl::StrCat("r", i),
        .balancing = std::string(draw.OneOf(
            {std::string_view("weighted"), std::string_view("round_robin"),
             std::string_view("least_requests")}))};
    // What a call is estimated to cost is the same at each of its targets.
    for (int each = 0; each < providers; ++each) {
      const bool is_target = each == i % providers || draw.InPercent(50);
      ScenarioTarget target{.provider = absl::StrCat("p", each),
                            .model = absl::StrCat("m", is_target ? i : 2)};
      (is_target ? route.targets : route.fallbacks).push_back(target);
    }
    scenario.routes.push_back(std::move(route));
  }
}

void DrawResilience(Drawing& draw, Scenario& scenario) {
  scenario.breaker.enforced = false;
  scenario.budget_percent = 100;
  scenario.budget_minimum = 1000;
  scenario.attempts_limit = draw.Between(1, 4);
  scenario.backoff_base = draw.MillisBetween(1, 1000);
  scenario.backoff_limit = scenario.backoff_base + draw.MillisBetween(0, 4000);
  scenario.call_timeout = draw.MillisBetween(2000, 120'000);
  if (draw.InPercent(40)) scenario.hedge_delay = draw.MillisBetween(1, 2000);
}

std::string_view UnitWord(BudgetUnit unit) {
  static constexpr std::string_view kWords[] = {"input_tokens", "output_tokens",
                                                "total_tokens", "cost"};
  return kWords[static_cast<size_t>(unit)];
}

std::string_view ModeWord(SpendingMode mode) {
  static constexpr std::string_view kWords[] = {"enforce", "warn", "\"off\""};
  return kWords[static_cast<size_t>(mode)];
}

std::string BudgetYaml(const ScenarioBudget& budget) {
  using Window = ScenarioBudget::Window;
  std::string yaml = absl::StrCat("    - {name: ", budget.name,
                                  ", unit: ", ToAbsl(UnitWord(budget.unit)),
                                  ", mode: ", ToAbsl(ModeWord(budget.mode)));
  const auto add = [&](absl::string_view name,
                       const std::optional<int64_t>& amount) {
    if (!amount.has_value()) return;
    if (budget.unit == BudgetUnit::kCost) {
      absl::StrAppend(&yaml, ", ", name, "_usd: ", Dollars(*amount));
    } else {
      absl::StrAppend(&yaml, ", ", name, ": ", *amount);
    }
  };
  add("limit", budget.limit);
  add("request_limit", budget.request_limit);
  if (budget.turn_limit.has_value()) {
    absl::StrAppend(&yaml, ", turn_limit: ", *budget.turn_limit);
  }
  if (budget.requires_price) absl::StrAppend(&yaml, ", require_price: true");
  if (budget.window == Window::kHour) absl::StrAppend(&yaml, ", period: hour");
  if (budget.window == Window::kDay) absl::StrAppend(&yaml, ", period: day");
  if (budget.window == Window::kRolling) {
    absl::StrAppend(&yaml, ", rolling_window: ", budget.rolling_seconds, "s");
  }
  std::string per;
  const auto tell = [&per](bool tells_apart, absl::string_view name) {
    if (tells_apart) absl::StrAppend(&per, per.empty() ? "" : ", ", name);
  };
  tell(budget.per_user, "user");
  tell(budget.per_session, "session");
  tell(budget.per_model, "model");
  return absl::StrCat(yaml, ", per: [", per, "]}\n");
}

std::string SessionsYaml(const ScenarioSessions& sessions) {
  std::string yaml =
      absl::StrCat("  sessions: {session_tokens: ", sessions.session_tokens,
                   ", work_order_tokens: ", sessions.work_order_tokens,
                   ", mode: ", ToAbsl(ModeWord(sessions.mode)));
  if (sessions.work_order_turns.has_value()) {
    absl::StrAppend(&yaml, ", work_order_turns: ", *sessions.work_order_turns);
  }
  return absl::StrCat(yaml, "}\n");
}

}  // namespace

std::string_view LedgerConductName(LedgerConduct conduct) {
  static constexpr std::string_view kNames[] = {"well", "refuses",
                                                "writes and fails",
                                                "writes and goes", "away"};
  return kNames[static_cast<size_t>(conduct)];
}

const ScenarioPrice* ScenarioMoney::PriceOf(std::string_view model) const {
  for (const ScenarioPrice& price : prices) {
    if (price.model == model) return &price;
  }
  return nullptr;
}

std::string ScenarioMoney::Yaml() const {
  std::string yaml =
      absl::StrCat("ledger: {path: /simulated/ledger.db, on_failure: ",
                   degrades ? "degrade" : "reject", "}\n");
  if (!prices.empty()) absl::StrAppend(&yaml, "prices:\n  models:\n");
  for (const ScenarioPrice& price : prices) {
    absl::StrAppend(&yaml, "    - {model: ", price.model,
                    ", kind: openai_compatible, input: ", Dollars(price.input),
                    ", output: ", Dollars(price.output), "}\n");
  }
  absl::StrAppend(&yaml, "budgets:\n  expected_output_tokens: ",
                  expected_output_tokens, "\n");
  if (sessions.has_value()) absl::StrAppend(&yaml, SessionsYaml(*sessions));
  if (!budgets.empty()) absl::StrAppend(&yaml, "  rules:\n");
  for (const ScenarioBudget& budget : budgets) {
    absl::StrAppend(&yaml, BudgetYaml(budget));
  }
  return yaml;
}

void DrawMoney(Drawing& draw, Scenario& scenario) {
  scenario.kind = Scenario::Kind::kMoney;
  // Over the turn of an hour, of some, or of days.
  const absl::Duration length = draw.OneOf(
      {absl::Seconds(60), absl::Minutes(10), absl::Hours(3), absl::Hours(26)});
  for (int i = 0; i < draw.Between(1, 3); ++i) {
    scenario.providers.push_back(DrawCostlyProvider(draw, i, length));
  }
  DrawRoutes(draw, scenario);
  DrawResilience(draw, scenario);
  DrawCalls(draw, scenario, draw.Between(20, 120), length);
  DrawCallers(draw, scenario);
  ScenarioMoney& money = scenario.money.emplace();
  for (ScenarioCall& call : scenario.calls) {
    call.prompt_bytes = draw.Between(1, 3000);
    if (draw.InPercent(20)) call.output_tokens_limit = draw.Between(1, 300);
    if (call.session != 0) call.work_order = draw.Between(0, 2);
  }
  money.degrades = draw.InPercent(25);
  absl::Duration from;
  do {
    money.ledger.push_back(DrawLedgerPhase(draw, from));
    absl::Duration lasts = length / draw.Between(3, 30);
    if (money.ledger.back().conduct != LedgerConduct::kWell) {
      lasts = std::min(lasts, kFailingMax);
    }
    from += lasts;
  } while (from < length * 3 / 4);
  money.ledger.push_back(
      {.from = length * 3 / 4, .latency = draw.MillisBetween(0, 20)});
  for (int i = 0; i < 3; ++i) {
    if (draw.InPercent(20)) continue;
    money.prices.push_back({.model = absl::StrCat("m", i),
                            .input = draw.Between(1, 2'000'000'000),
                            .output = draw.Between(1, 2'000'000'000)});
  }
  money.expected_output_tokens = draw.OneOf({0, 1, 50, 200, 1024});
  for (int i = 0; i < draw.Between(0, 4); ++i) {
    money.budgets.push_back(DrawBudget(draw, i));
  }
  if (draw.InPercent(40)) {
    ScenarioSessions& sessions = money.sessions.emplace();
    sessions.mode = DrawMode(draw);
    sessions.session_tokens =
        DrawAmount(draw, BudgetUnit::kTotalTokens, draw.OneOf({3, 20, 80}));
    sessions.work_order_tokens =
        DrawAmount(draw, BudgetUnit::kTotalTokens, draw.OneOf({3, 20, 80}));
    if (draw.InPercent(30)) sessions.work_order_turns = draw.Between(1, 20);
  }
  if (draw.InPercent(70)) money.piece_bytes = draw.Below(900);
}

}  // namespace gateway
