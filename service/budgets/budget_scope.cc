#include "service/budgets/budget_scope.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// No value: values are no longer than kValueBytesMax.
constexpr std::string_view kOthersMark = "\0others";

}  // namespace

std::string BudgetScopeValue(std::string_view text) {
  const bool is_text = IsUtf8(text);
  if (is_text && text.size() <= BudgetScope::kValueBytesMax) {
    return std::string(text);
  }
  constexpr size_t kShownBytes = 64;
  const Sha256Digest digest = Sha256(text);
  const absl::string_view bytes(reinterpret_cast<const char*>(digest.data()),
                                digest.size());
  return absl::StrCat(is_text ? ToAbsl(CutText(text, kShownBytes)) : "",
                      "...sha256:", absl::BytesToHexString(bytes));
}

CounterKey BudgetScope::SeedOf(std::string_view budget, std::string_view window,
                               const std::vector<LimitDimension>& dimensions,
                               const KeySecret& secret) {
  std::string text = absl::StrCat(ToAbsl(budget), "\n", ToAbsl(window));
  for (const LimitDimension dimension : dimensions) {
    absl::StrAppend(&text, "\n", dimension);
  }
  return KeyOfText(text, secret);
}

CounterKey BudgetScope::OthersKey(const CounterKey& seed, std::string_view of,
                                  const KeySecret& secret) {
  const CounterKey key = Combine(seed, KeyOfText(kOthersMark, secret));
  return of.empty() ? key : Combine(key, KeyOfText(of, secret));
}

CounterKey BudgetScope::KeyBy(const KeySecret& secret) const {
  std::vector<LimitDimension> dimensions;
  for (const auto& [dimension, value] : subject) {
    dimensions.push_back(dimension);
  }
  CounterKey key = SeedOf(budget, window, dimensions, secret);
  if (others) return OthersKey(key, others_of, secret);
  for (const auto& [dimension, value] : subject) {
    key = Combine(key, KeyOfText(value, secret));
  }
  return key;
}

std::string BudgetScope::Text() const {
  std::string text;
  if (IsSessionBudget(budget) && !others) {
    text = std::string(ValueOf(config::LIMIT_DIMENSION_SESSION));
    for (const LimitDimension within :
         {config::LIMIT_DIMENSION_WORK_ORDER, config::LIMIT_DIMENSION_AGENT}) {
      // A call may name an agent and no work order.
      const std::string_view value = ValueOf(within);
      if (!value.empty()) absl::StrAppend(&text, "/", ToAbsl(value));
    }
    return text;
  }
  text = budget;
  if (others) {
    return absl::StrCat(text, "/others",
                        others_of.empty() ? "" : "/of=", others_of);
  }
  for (const auto& [dimension, value] : subject) {
    absl::StrAppend(&text, "/", ToAbsl(LimitDimensionName(dimension)), "=",
                    value);
  }
  return text;
}

std::string_view BudgetScope::ValueOf(LimitDimension wanted) const {
  for (const auto& [dimension, value] : subject) {
    if (dimension == wanted) return value;
  }
  return {};
}

LimitDimension LimitDimensionNamed(std::string_view name) {
  for (int i = 1; i <= config::LimitDimension_MAX; ++i) {
    const auto dimension = static_cast<LimitDimension>(i);
    if (LimitDimensionName(dimension) == name) return dimension;
  }
  return config::LIMIT_DIMENSION_UNSPECIFIED;
}

}  // namespace gateway
