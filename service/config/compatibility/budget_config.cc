#include "service/config/compatibility/budget_config.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "service/config/config_problem.h"
#include "service/money/money.h"

namespace gateway {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::llmgateway::compatibility::BudgetConfig;
using ::llmgateway::compatibility::BudgetDefaults;
using ::llmgateway::compatibility::BudgetPrice;
using ::llmgateway::compatibility::BudgetProviderLimits;
using ::llmgateway::compatibility::BudgetRateLimits;
using ::llmgateway::config::v1::Budget;
using ::llmgateway::config::v1::BudgetsConfig;
using ::llmgateway::config::v1::ModelPriceConfig;
using ::llmgateway::config::v1::RateLimit;
using ::llmgateway::config::v1::SessionBudgets;

namespace configv1 = ::llmgateway::config::v1;

// What the other system does where the file is silent.
constexpr double kDefaultWarnThreshold = 0.8;
constexpr int64_t kDefaultWindowSeconds = 60;

// Ours.
constexpr int64_t kTokensMax = 1'000'000'000'000;
constexpr int64_t kTurnsMax = 1'000'000'000;
constexpr int64_t kTimeoutSecondsMax = int64_t{87'600} * 3600;
constexpr int64_t kWindowSecondsMax = int64_t{744} * 3600;
constexpr double kUsdPer1kMax = 1000;
constexpr double kPer1kInMillion = 1000;

class BudgetConfigTranslator {
 public:
  BudgetConfigTranslator(const BudgetConfig& file, std::string_view section,
                         Translation* translation)
      : file_(file), section_(section), translation_(*translation) {}

  void Run(bool bypassed) {
    AddDefaults(file_.defaults());
    AddMode(bypassed);
    AddRateLimits(file_.rate_limits());
    AddProviderLimits();
    AddPrices();
  }

 private:
  std::string At(std::string_view field) const {
    return JoinPath(section_, field);
  }

  // A number that the file must have; 0 if it is none.
  int64_t Required(const char* field, bool has, int64_t value, int64_t most) {
    const std::string written = JoinPath(At("defaults"), field);
    if (!has) {
      translation_.Add(written, "is required");
      return 0;
    }
    return translation_.CheckRange(written, value, 1, most) ? value : 0;
  }

  void AddDefaults(const BudgetDefaults& defaults) {
    SessionBudgets& sessions =
        *translation_.config().mutable_budgets()->mutable_sessions();
    const std::string path = "budgets.sessions";
    translation_.From(At("defaults"), path);
    const int64_t session =
        Required("session_token_limit", defaults.has_session_token_limit(),
                 defaults.session_token_limit(), kTokensMax);
    if (session > 0) sessions.set_session_tokens(session);
    const int64_t order =
        Required("wo_token_limit", defaults.has_wo_token_limit(),
                 defaults.wo_token_limit(), kTokensMax);
    if (order > 0) sessions.set_work_order_tokens(order);
    const int64_t agent =
        Required("agent_token_limit", defaults.has_agent_token_limit(),
                 defaults.agent_token_limit(), kTokensMax);
    if (agent > 0) sessions.set_agent_tokens(agent);
    const int64_t turns =
        Required("wo_turn_limit", defaults.has_wo_turn_limit(),
                 defaults.wo_turn_limit(), kTurnsMax);
    if (turns > 0) sessions.set_work_order_turns(turns);
    const int64_t timeout =
        Required("wo_timeout_seconds", defaults.has_wo_timeout_seconds(),
                 defaults.wo_timeout_seconds(), kTimeoutSecondsMax);
    if (timeout > 0) {
      *sessions.mutable_work_order_timeout() =
          TimeUtil::SecondsToDuration(timeout);
    }
  }

  void AddMode(bool bypassed) {
    BudgetsConfig& budgets = *translation_.config().mutable_budgets();
    const auto& enforcement = file_.enforcement();
    const bool warns =
        enforcement.has_hard_limit() && !enforcement.hard_limit();
    budgets.set_mode(bypassed ? Budget::MODE_OFF
                     : warns  ? Budget::MODE_WARN
                              : Budget::MODE_ENFORCE);
    translation_.From(At("enforcement.hard_limit"), "budgets.mode");
    budgets.set_warn_threshold(enforcement.has_warn_threshold()
                                   ? enforcement.warn_threshold()
                                   : kDefaultWarnThreshold);
    translation_.From(At("enforcement.warn_threshold"),
                      "budgets.warn_threshold");
  }

  RateLimit& AddLimit(const std::string& name, const std::string& written,
                      configv1::LimitUnit unit, int64_t limit) {
    const auto place =
        static_cast<size_t>(translation_.config().rate_limits_size());
    RateLimit& added = *translation_.config().add_rate_limits();
    added.set_name(name);
    added.set_unit(unit);
    added.set_limit(limit);
    translation_.From(written, ElementPath("rate_limits", place));
    return added;
  }

  // Each scope is asked apart, as it has a budget of its own.
  void TellScopesApart(RateLimit* limit) {
    limit->add_per(configv1::LIMIT_DIMENSION_SESSION);
    limit->add_per(configv1::LIMIT_DIMENSION_WORK_ORDER);
    limit->add_per(configv1::LIMIT_DIMENSION_AGENT);
  }

  void AddRateLimits(const BudgetRateLimits& limits) {
    const std::string path = At("rate_limits");
    const std::string written = JoinPath(path, "window_seconds");
    const int64_t seconds = limits.has_window_seconds()
                                ? limits.window_seconds()
                                : kDefaultWindowSeconds;
    if (!translation_.CheckRange(written, seconds, 1, kWindowSecondsMax)) {
      return;
    }
    const auto window = TimeUtil::SecondsToDuration(seconds);
    const std::string requests = JoinPath(path, "requests_per_minute");
    if (limits.has_requests_per_minute() &&
        translation_.CheckRange(requests, limits.requests_per_minute(), 1,
                                kTurnsMax)) {
      const double allowance =
          limits.has_burst_allowance() ? limits.burst_allowance() : 1;
      const double let =
          static_cast<double>(limits.requests_per_minute()) * allowance;
      RateLimit& limit =
          AddLimit("scope-requests", requests, configv1::LIMIT_UNIT_REQUESTS,
                   static_cast<int64_t>(
                       std::clamp(let, 1.0, static_cast<double>(kTurnsMax))));
      *limit.mutable_window() = window;
      TellScopesApart(&limit);
    }
    const std::string tokens = JoinPath(path, "tokens_per_minute");
    if (limits.has_tokens_per_minute() &&
        translation_.CheckRange(tokens, limits.tokens_per_minute(), 1,
                                kTokensMax)) {
      RateLimit& limit =
          AddLimit("scope-tokens", tokens, configv1::LIMIT_UNIT_TOTAL_TOKENS,
                   limits.tokens_per_minute());
      *limit.mutable_window() =
          TimeUtil::SecondsToDuration(kDefaultWindowSeconds);
      TellScopesApart(&limit);
    }
    if (limits.cooldown_ms() > 0) {
      translation_.Warn(JoinPath(path, "cooldown_ms"),
                        "is not followed: what was taken comes back evenly, "
                        "and callers are told when");
    }
  }

  void AddProviderLimits() {
    const std::string path = At("provider_limits");
    for (const auto& [name, limits] :
         translation_.InOrder(file_.provider_limits(), path)) {
      const std::string written = EntryPath(path, name);
      const auto add = [&](const char* field, configv1::LimitUnit unit,
                           const char* suffix, int64_t limit) {
        const std::string of_field = JoinPath(written, field);
        if (!translation_.CheckRange(of_field, limit, 1, kTokensMax)) return;
        RateLimit& added =
            AddLimit(absl::StrCat(name, suffix), of_field, unit, limit);
        added.mutable_match()->add_providers(name);
      };
      if (limits.has_rpm_limit()) {
        add("rpm_limit", configv1::LIMIT_UNIT_REQUESTS, "-requests",
            limits.rpm_limit());
      }
      if (limits.has_tpm_limit()) {
        add("tpm_limit", configv1::LIMIT_UNIT_TOTAL_TOKENS, "-tokens",
            limits.tpm_limit());
      }
    }
  }

  // In dollars for a million, rounded to a nano-dollar.
  std::string Price(const std::string& written, double per_1k) {
    if (!(per_1k >= 0 && per_1k <= kUsdPer1kMax)) {
      translation_.Add(written, "must be 0 to 1000 dollars");
      return "0";
    }
    const double nanos =
        per_1k * kPer1kInMillion * static_cast<double>(Money::kNanosPerDollar);
    return Money::FromNanos(std::llround(nanos)).Text();
  }

  void AddPrices() {
    const std::string path = At("pricing");
    for (const auto& [model, price] :
         translation_.InOrder(file_.pricing(), path)) {
      const std::string written = EntryPath(path, model);
      const auto place =
          static_cast<size_t>(translation_.config().prices().models_size());
      ModelPriceConfig& added =
          *translation_.config().mutable_prices()->add_models();
      added.set_model(model);
      added.set_input(
          Price(JoinPath(written, "input_per_1k"), price.input_per_1k()));
      added.set_output(
          Price(JoinPath(written, "output_per_1k"), price.output_per_1k()));
      translation_.From(written, ElementPath("prices.models", place));
    }
  }

  const BudgetConfig& file_;
  const std::string section_;
  Translation& translation_;
};

}  // namespace

void TranslateBudgetConfig(const BudgetConfig& file, std::string_view section,
                           bool bypassed, Translation* translation) {
  BudgetConfigTranslator(file, section, translation).Run(bypassed);
}

}  // namespace gateway
