#include "service/config/budgets_validator.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "google/protobuf/map.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/config/config_names.h"
#include "service/config/limits_validator.h"
#include "service/config/nearest_name.h"
#include "service/money/decimal.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using ::llmgateway::config::v1::Budget;
using ::llmgateway::config::v1::BudgetOverride;
using ::llmgateway::config::v1::BudgetsConfig;
using ::llmgateway::config::v1::GatewayConfig;

constexpr size_t kRulesMax = 1000;
constexpr size_t kBudgetDimensionsMax = 6;
constexpr size_t kOverridesMax = 10'000;
constexpr size_t kRolesMax = 100;
constexpr size_t kRoleLabelLengthMax = 64;
constexpr int64_t kDollarsMax = 1'000'000'000;
constexpr int kRoleDecimals = 3;
constexpr int64_t kThousandthsMax = 1'000'000;
constexpr char kKeysPath[] = "auth.callers";

// As errors, metrics and operators know them; those of `sessions`.
bool IsNameOfSessions(std::string_view name) {
  return name == "session" || name == "work_order" || name == "agent";
}

// As the configuration writes it, such as `work_order`.
std::string DimensionName(int dimension) {
  const std::string name = configv1::LimitDimension_Name(
      static_cast<configv1::LimitDimension>(dimension));
  return absl::AsciiStrToLower(absl::StripPrefix(name, "LIMIT_DIMENSION_"));
}

bool IsTimeZone(const std::string& name) {
  absl::TimeZone zone;
  return name.find("..") == std::string::npos && name.front() != '/' &&
         absl::LoadTimeZone(name, &zone);
}

// Checks what stands below one path.
class BudgetCheck {
 public:
  BudgetCheck(std::string path, const FieldPlaces& places,
              ConfigProblems* problems)
      : path_(std::move(path)), places_(places), problems_(problems) {}

  void CheckRule(const GatewayConfig& config, const Budget& rule);
  void CheckRoles(const BudgetsConfig& budgets);
  void Add(std::string_view field, std::string_view problem) const {
    const std::string path = JoinPath(path_, field);
    problems_->Add(places_.Find(path), path, problem);
  }

 private:
  bool CheckCount(std::string_view field, size_t count, size_t most) const {
    return gateway::CheckCount(JoinPath(path_, field), count, most, places_,
                               problems_);
  }
  void CheckUnit(const Budget& rule) const;
  void CheckDollars(std::string_view field, const std::string& text,
                    bool is_cost) const;
  void CheckTokens(std::string_view field, bool has, bool is_cost) const;
  void CheckWindow(const Budget& rule) const;
  void CheckPer(const Budget& rule) const;
  void CheckOverride(const Budget& rule, const std::string& field,
                     const BudgetOverride& each) const;

  const std::string path_;
  const FieldPlaces& places_;
  ConfigProblems* const problems_;
};

void BudgetCheck::CheckDollars(std::string_view field, const std::string& text,
                               bool is_cost) const {
  if (text.empty()) return;
  if (!is_cost) {
    return Add(field, "is for cost only; give tokens in its place");
  }
  const auto dollars = Money::Parse(text);
  if (!dollars.ok()) return Add(field, ToStd(dollars.status().message()));
  if (*dollars == Money() ||
      dollars->nanos() > kDollarsMax * Money::kNanosPerDollar) {
    Add(field, absl::StrCat("must be more than 0 and at most ", kDollarsMax));
  }
}

void BudgetCheck::CheckTokens(std::string_view field, bool has,
                              bool is_cost) const {
  if (has && is_cost) {
    Add(field, absl::StrCat("is not for cost; give '", ToAbsl(field), "_usd'"));
  }
}

void BudgetCheck::CheckUnit(const Budget& rule) const {
  switch (rule.unit()) {
    case configv1::LIMIT_UNIT_INPUT_TOKENS:
    case configv1::LIMIT_UNIT_OUTPUT_TOKENS:
    case configv1::LIMIT_UNIT_TOTAL_TOKENS:
    case configv1::LIMIT_UNIT_COST:
      break;
    case configv1::LIMIT_UNIT_UNSPECIFIED:
      return Add("unit", "is required");
    default:
      return Add("unit",
                 "must be input_tokens, output_tokens, total_tokens or cost; "
                 "calls are counted by 'turn_limit', and by rate_limits");
  }
  const bool is_cost = rule.unit() == configv1::LIMIT_UNIT_COST;
  CheckTokens("limit", rule.has_limit(), is_cost);
  CheckTokens("request_limit", rule.has_request_limit(), is_cost);
  CheckDollars("limit_usd", rule.limit_usd(), is_cost);
  CheckDollars("request_limit_usd", rule.request_limit_usd(), is_cost);
  if (rule.require_price() && !is_cost) {
    Add("require_price", "is for cost only; leave it out");
  }
  const bool limits = rule.has_limit() || !rule.limit_usd().empty() ||
                      rule.has_request_limit() ||
                      !rule.request_limit_usd().empty() ||
                      rule.has_turn_limit();
  if (!limits && !rule.allocated_only()) {
    Add(is_cost ? "limit_usd" : "limit",
        absl::StrCat("is required where there is neither of 'turn_limit' and "
                     "'request_limit",
                     is_cost ? "_usd'" : "'"));
  }
  const bool has_own =
      rule.has_limit() || !rule.limit_usd().empty() || rule.has_turn_limit();
  if (rule.allocated_only() && has_own) {
    Add("allocated_only",
        "leaves scopes without an allocation alone, so that the budget's own "
        "limits count for nothing; leave one of them out");
  }
}

void BudgetCheck::CheckWindow(const Budget& rule) const {
  const bool has_period = rule.period() != Budget::PERIOD_UNSPECIFIED;
  if (has_period && rule.has_rolling_window()) {
    Add("rolling_window", "cannot stand beside 'period'; keep one");
  }
  if (rule.time_zone().empty()) return;
  if (!has_period) {
    Add("time_zone", "means nothing without 'period'; leave it out");
  } else if (!IsTimeZone(rule.time_zone())) {
    Add("time_zone",
        "is no time zone that this machine knows; give one of IANA's list, "
        "such as Europe/Berlin, or leave it out for UTC");
  }
}

void BudgetCheck::CheckPer(const Budget& rule) const {
  if (!CheckCount("per", static_cast<size_t>(rule.per_size()),
                  kBudgetDimensionsMax)) {
    return;
  }
  std::set<int> seen;
  for (int i = 0; i < rule.per_size(); ++i) {
    const std::string path = ElementPath("per", static_cast<size_t>(i));
    if (rule.per(i) == configv1::LIMIT_DIMENSION_UNSPECIFIED) {
      Add(path, "must be a dimension");
    } else if (rule.per(i) == configv1::LIMIT_DIMENSION_CREDENTIAL) {
      Add(path, "is not known before a call is let in; choose provider");
    } else if (!seen.insert(rule.per(i)).second) {
      Add(path, "is there already; keep one");
    }
  }
}

void BudgetCheck::CheckOverride(const Budget& rule, const std::string& field,
                                const BudgetOverride& each) const {
  const bool is_cost = rule.unit() == configv1::LIMIT_UNIT_COST;
  std::vector<std::string> names;
  for (const int dimension : rule.per()) {
    names.push_back(DimensionName(dimension));
  }
  bool fits = each.subject().size() == names.size();
  for (const std::string& name : names) {
    fits = fits && each.subject().contains(name);
  }
  if (!fits) {
    Add(JoinPath(field, "subject"),
        absl::StrCat("must have a value for each of ",
                     names.empty() ? "nothing, since 'per' is empty"
                                   : absl::StrJoin(names, ", "),
                     ", and for no other"));
  }
  CheckTokens(JoinPath(field, "limit"), each.has_limit(), is_cost);
  CheckDollars(JoinPath(field, "limit_usd"), each.limit_usd(), is_cost);
  if (!each.has_limit() && each.limit_usd().empty() && !each.has_turn_limit()) {
    Add(JoinPath(field, is_cost ? "limit_usd" : "limit"),
        "is required, or 'turn_limit'");
  }
}

void BudgetCheck::CheckRule(const GatewayConfig& config, const Budget& rule) {
  CheckUnit(rule);
  CheckWindow(rule);
  CheckPer(rule);
  CheckLimitMatch(config, path_, rule.match(), places_, problems_);
  if (rule.keys_only() && rule.match().ByteSizeLong() > 0) {
    Add("keys_only",
        "is for keys that name the budget, whatever 'match' says; "
        "leave one of the two out");
  }
  if (!CheckCount("overrides", static_cast<size_t>(rule.overrides_size()),
                  kOverridesMax)) {
    return;
  }
  for (int i = 0; i < rule.overrides_size(); ++i) {
    CheckOverride(rule, ElementPath("overrides", static_cast<size_t>(i)),
                  rule.overrides(i));
  }
}

void BudgetCheck::CheckRoles(const BudgetsConfig& budgets) {
  if (budgets.role_label().size() > kRoleLabelLengthMax ||
      !IsPrintableText(budgets.role_label())) {
    Add("role_label", "must be 1 to 64 printable ASCII characters");
  }
  if (!CheckCount("role_multipliers",
                  static_cast<size_t>(budgets.role_multipliers().size()),
                  kRolesMax)) {
    return;
  }
  for (const auto& [role, text] : budgets.role_multipliers()) {
    const auto thousandths = ParseDecimal(text, kRoleDecimals, kThousandthsMax);
    if (thousandths.ok() && *thousandths > 0) continue;
    Add(EntryPath("role_multipliers", role),
        "must be a decimal number of 0.001 to 1000, such as \"0.1\", with at "
        "most 3 decimals");
  }
}

// Budgets that callers are charged to by what they show.
class KeyBudgets {
 public:
  KeyBudgets(const BudgetsConfig& budgets, const FieldPlaces& places,
             ConfigProblems* problems)
      : places_(places), problems_(problems) {
    for (const Budget& rule : budgets.rules()) names_.push_back(rule.name());
  }

  void Check(const std::string& path, const std::string& budget) const {
    if (budget.empty()) return;
    for (const std::string& name : names_) {
      if (name == budget) return;
    }
    const std::string field = JoinPath(path, "budget");
    problems_->Add(
        places_.Find(field), field,
        absl::StrCat("is none of budgets.rules", Suggestion(budget, names_)));
  }

 private:
  std::vector<std::string> names_;
  const FieldPlaces& places_;
  ConfigProblems* const problems_;
};

void CheckKeys(const GatewayConfig& config, const KeyBudgets& budgets) {
  const auto& callers = config.auth().callers();
  for (int i = 0; i < callers.api_keys_size(); ++i) {
    budgets.Check(
        ElementPath(JoinPath(kKeysPath, "api_keys"), static_cast<size_t>(i)),
        callers.api_keys(i).budget());
  }
  for (int i = 0; i < callers.jwt_issuers_size(); ++i) {
    budgets.Check(JoinPath(ElementPath(JoinPath(kKeysPath, "jwt_issuers"),
                                       static_cast<size_t>(i)),
                           "grants"),
                  callers.jwt_issuers(i).grants().budget());
  }
  budgets.Check(JoinPath(kKeysPath, "client_certificates.grants"),
                callers.client_certificates().grants().budget());
}

// What each replica would have the whole of.
void CheckSharing(const GatewayConfig& config, const FieldPlaces& places,
                  ConfigProblems* problems) {
  if (config.budgets().shared()) {
    if (config.has_redis()) return;
    problems->Add(places.Find("budgets.shared"), "budgets.shared",
                  "is true, and no 'redis' says where that is; give "
                  "redis.addresses");
    return;
  }
  const int replicas = config.runtime().replicas();
  if (replicas <= 1) return;
  problems->Warn(
      places.Find("budgets"), "budgets",
      absl::StrCat("are not shared, and runtime.replicas says that there are ",
                   replicas,
                   ": each of them has the whole of every budget; set "
                   "budgets.shared"));
}

}  // namespace

void CheckBudgets(const GatewayConfig& config, const FieldPlaces& places,
                  ConfigProblems* problems) {
  CheckKeys(config, KeyBudgets(config.budgets(), places, problems));
  if (!config.has_budgets()) return;
  const BudgetsConfig& budgets = config.budgets();
  BudgetCheck("budgets", places, problems).CheckRoles(budgets);
  CheckSharing(config, places, problems);
  const std::string list = "budgets.rules";
  if (!CheckCount(list, static_cast<size_t>(budgets.rules_size()), kRulesMax,
                  places, problems)) {
    return;
  }
  std::set<std::string_view> names;
  for (int i = 0; i < budgets.rules_size(); ++i) {
    const Budget& rule = budgets.rules(i);
    BudgetCheck check(ElementPath(list, static_cast<size_t>(i)), places,
                      problems);
    if (!IsConfigName(rule.name(), "-_.", /*upper_case=*/true)) {
      check.Add("name", "must be 1 to 64 of letters, digits and '-_.'");
    } else if (IsNameOfSessions(rule.name())) {
      check.Add("name",
                "is what a budget of 'sessions' is called; choose another");
    } else if (!names.insert(rule.name()).second) {
      check.Add("name", "is another budget's name too; choose another");
    }
    check.CheckRule(config, rule);
  }
}

}  // namespace gateway
