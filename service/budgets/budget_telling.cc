#include "service/budgets/budget_telling.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/budgets/budget_window.h"

namespace gateway {
namespace {

constexpr size_t kStepsMax = 2 * BudgetWindow::kSteps;
// So long something is kept beyond its window, for clocks that differ.
constexpr int64_t kSlackSeconds = 3600;
// That it was taken back: thirty days.
constexpr int64_t kTakenBackSeconds = 2'592'000;

BudgetChange HeadOf(const BudgetTelling& telling) {
  return {.scope = telling.scope,
          .start = telling.start,
          .allocation = telling.allocation,
          .binding = telling.binding};
}

void Append(const BudgetAmounts& amounts, std::string* out) {
  absl::StrAppend(out, " ", amounts.input_tokens, " ", amounts.output_tokens,
                  " ", amounts.cost_usd_nanos, " ", amounts.turns);
}

// Numbers that stand behind one another.
class Numbers {
 public:
  explicit Numbers(absl::string_view text) {
    for (const absl::string_view each : absl::StrSplit(text, ' ')) {
      int64_t number = 0;
      ok_ = ok_ && absl::SimpleAtoi(each, &number);
      numbers_.push_back(number);
    }
  }

  int64_t Next() {
    if (at_ == numbers_.size()) {
      ok_ = false;
      return 0;
    }
    return numbers_[at_++];
  }
  BudgetAmounts NextAmounts() {
    BudgetAmounts amounts;
    amounts.input_tokens = Next();
    amounts.output_tokens = Next();
    amounts.cost_usd_nanos = Next();
    amounts.turns = Next();
    return amounts;
  }
  bool at_end() const { return at_ == numbers_.size(); }
  bool ok() const { return ok_; }

 private:
  bool ok_ = true;
  size_t at_ = 0;
  std::vector<int64_t> numbers_;
};

bool ReadBody(absl::string_view body, BudgetTelling* telling) {
  Numbers numbers(body);
  telling->unit = static_cast<LimitUnit>(numbers.Next());
  telling->granted.units = numbers.Next();
  telling->granted.turns = numbers.Next();
  telling->reset_version = numbers.Next();
  telling->reserved = numbers.NextAmounts();
  const int64_t start = numbers.Next();
  const int64_t last_time = numbers.Next();
  const BudgetAmounts sum = numbers.NextAmounts();
  std::vector<BudgetSpend::Step> steps;
  while (!numbers.at_end() && numbers.ok() && steps.size() < kStepsMax) {
    const int64_t of_step = numbers.Next();
    steps.push_back({.start = of_step, .amounts = numbers.NextAmounts()});
  }
  telling->spend = BudgetSpend::From(start, last_time, sum, std::move(steps));
  return numbers.ok() && numbers.at_end() &&
         ::llmgateway::config::v1::LimitUnit_IsValid(telling->unit);
}

}  // namespace

std::string NameOf(const BudgetTelling& telling) {
  const BudgetScope& scope = telling.scope;
  // Each text with its length, so that no two scopes make one text.
  std::string text = absl::StrCat(
      scope.budget.size(), ":", scope.budget, scope.window.size(), ":",
      scope.window, scope.others ? "others" : "", scope.others_of, "@",
      telling.start, telling.allocation.has_value() ? "allocated" : "");
  for (const auto& [dimension, value] : scope.subject) {
    absl::StrAppend(&text, "\n", static_cast<int>(dimension), ":", value.size(),
                    ":", value);
  }
  const Sha256Digest digest = Sha256(text);
  constexpr size_t kBytes = 20;
  std::string name;
  for (size_t i = 0; i < kBytes; ++i) {
    absl::StrAppend(&name, absl::Hex(digest[i], absl::kZeroPad2));
  }
  return name;
}

std::string HeaderOf(const BudgetTelling& telling) {
  const BudgetChange head = HeadOf(telling);
  return BudgetForm({&head, 1}, {});
}

std::string BodyOf(const BudgetTelling& telling) {
  if (telling.allocation.has_value()) {
    return absl::StrCat(
        absl::Dec(telling.allocation->version, absl::kZeroPad20));
  }
  std::string body =
      absl::StrCat(static_cast<int>(telling.unit), " ", telling.granted.units,
                   " ", telling.granted.turns, " ", telling.reset_version);
  Append(telling.reserved, &body);
  absl::StrAppend(&body, " ", telling.spend.start(), " ",
                  telling.spend.last_time());
  Append(telling.spend.sum(), &body);
  for (const BudgetSpend::Step& step : telling.spend.steps()) {
    absl::StrAppend(&body, " ", step.start);
    Append(step.amounts, &body);
  }
  return body;
}

absl::StatusOr<BudgetNews> ReadNews(std::string_view value) {
  const std::vector<absl::string_view> lines =
      absl::StrSplit(ToAbsl(value), '\n');
  std::vector<BudgetChange> heads;
  GATEWAY_RETURN_IF_ERROR(ReadBudgetForm(ToStd(lines[0]), &heads));
  if (heads.size() != 1) {
    return absl::InvalidArgumentError("the header is of no one scope");
  }
  BudgetNews news = {.scope = std::move(heads[0].scope),
                     .start = heads[0].start,
                     .allocation = heads[0].allocation,
                     .binding = std::move(heads[0].binding)};
  for (size_t i = 1; i < lines.size() && !news.allocation.has_value(); ++i) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(lines[i], absl::MaxSplits(' ', 1));
    BudgetNews::Line& line = news.lines.emplace_back();
    line.replica = std::string(parts.first);
    if (line.replica.empty() || !ReadBody(parts.second, &line.telling)) {
      return absl::InvalidArgumentError("a replica's line cannot be read");
    }
  }
  return news;
}

std::optional<int64_t> ExpiryOf(const BudgetTelling& telling, int64_t now,
                                int64_t retention) {
  if (telling.allocation.has_value()) {
    const BudgetAllocation& said = *telling.allocation;
    if (said.removed) return now + kTakenBackSeconds;
    if (said.expire_time == 0) return std::nullopt;
    return said.expire_time + kTakenBackSeconds;
  }
  const BudgetWindow window =
      BudgetWindow::Named(telling.scope.window).value_or(BudgetWindow());
  if (window.rolls()) {
    return window.EndOfStep(window.SpanAt(now).start) + kSlackSeconds;
  }
  if (window.kind() == BudgetWindow::Kind::kNone) return now + retention;
  return window.SpanAt(telling.start).end + kSlackSeconds;
}

}  // namespace gateway
