#include "service/budgets/budget_window.h"

#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/string_view.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr int64_t kHourSeconds = 3600;
constexpr int64_t kDaySeconds = 24 * kHourSeconds;
// As the configuration allows (service/config/field_ranges.cc).
constexpr int64_t kRollingSecondsMax = 8784 * kHourSeconds;
constexpr std::string_view kRolling = "rolling";

std::string_view KindName(BudgetWindow::Kind kind) {
  switch (kind) {
    case BudgetWindow::Kind::kHour:
      return "hour";
    case BudgetWindow::Kind::kDay:
      return "day";
    case BudgetWindow::Kind::kMonth:
      return "month";
    case BudgetWindow::Kind::kRolling:
      return kRolling;
    case BudgetWindow::Kind::kNone:
      break;
  }
  return "";
}

BudgetWindow::Kind KindOf(config::Budget::Period period) {
  switch (period) {
    case config::Budget::PERIOD_HOUR:
      return BudgetWindow::Kind::kHour;
    case config::Budget::PERIOD_DAY:
      return BudgetWindow::Kind::kDay;
    case config::Budget::PERIOD_MONTH:
      return BudgetWindow::Kind::kMonth;
    default:
      return BudgetWindow::Kind::kNone;
  }
}

// The multiple of `unit` at or before `now`.
int64_t Floor(int64_t now, int64_t unit) {
  const int64_t rest = now % unit;
  return now - (rest < 0 ? rest + unit : rest);
}

int64_t OffsetAt(const absl::TimeZone& zone, int64_t now) {
  return zone.At(absl::FromUnixSeconds(now)).offset;
}

// When the zone's clock is put forward or back, between two seconds of which
// only the first has its offset.
int64_t ChangeBetween(const absl::TimeZone& zone, int64_t before,
                      int64_t after) {
  const int64_t offset = OffsetAt(zone, before);
  while (after - before > 1) {
    const int64_t middle = before + (after - before) / 2;
    (OffsetAt(zone, middle) == offset ? before : after) = middle;
  }
  return after;
}

// An hour begins with each full hour of the zone's clock, and when that is put
// forward or back: one that comes twice is two.
BudgetWindow::Span HourSpan(const absl::TimeZone& zone, int64_t now) {
  const int64_t offset = OffsetAt(zone, now);
  const int64_t start = Floor(now + offset, kHourSeconds) - offset;
  BudgetWindow::Span span = {.start = start, .end = start + kHourSeconds};
  if (OffsetAt(zone, span.start) != offset) {
    span.start = ChangeBetween(zone, span.start, now);
  }
  if (OffsetAt(zone, span.end - 1) != offset) {
    span.end = ChangeBetween(zone, now, span.end - 1);
  }
  return span;
}

template <typename Civil>
BudgetWindow::Span CivilSpan(const absl::TimeZone& zone, int64_t now) {
  const auto begin = [&zone](Civil civil) {
    return absl::ToUnixSeconds(absl::FromCivil(absl::CivilSecond(civil), zone));
  };
  Civil civil(absl::ToCivilSecond(absl::FromUnixSeconds(now), zone));
  // Where a clock is put back to the day before, the next has begun already.
  if (begin(civil + 1) <= now) ++civil;
  return {.start = begin(civil), .end = begin(civil + 1)};
}

}  // namespace

BudgetWindow::BudgetWindow(Kind kind, absl::TimeZone zone)
    : kind_(kind), is_utc_(zone.name() == "UTC"), zone_(zone) {
  name_ = std::string(KindName(kind));
  if (!is_utc_) absl::StrAppend(&name_, ":", zone_.name());
}

BudgetWindow::BudgetWindow(int64_t rolling_seconds)
    : kind_(Kind::kRolling),
      rolling_seconds_(rolling_seconds),
      step_seconds_((rolling_seconds + kSteps - 1) / kSteps),
      name_(absl::StrCat(ToAbsl(kRolling), ":", rolling_seconds)) {}

BudgetWindow BudgetWindow::Of(const config::Budget& budget) {
  if (budget.has_rolling_window()) {
    return BudgetWindow(absl::ToInt64Seconds(
        absl::Ceil(ToAbsl(budget.rolling_window()), absl::Seconds(1))));
  }
  const Kind kind = KindOf(budget.period());
  if (kind == Kind::kNone) return {};
  return {kind, ZoneNamed(budget.time_zone()).value_or(absl::UTCTimeZone())};
}

std::optional<absl::TimeZone> BudgetWindow::ZoneNamed(std::string_view name) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (name.empty() || name == "UTC") return zone;
  // Others of its names are files that are to be found nowhere.
  if (name.find("..") != std::string_view::npos || name.front() == '/' ||
      !absl::LoadTimeZone(ToAbsl(name), &zone)) {
    return std::nullopt;
  }
  return zone;
}

std::optional<BudgetWindow> BudgetWindow::Named(std::string_view name) {
  if (name.empty()) return BudgetWindow();
  const size_t colon = name.find(':');
  const std::string_view kind = name.substr(0, colon);
  const std::string_view rest =
      colon == std::string_view::npos ? "" : name.substr(colon + 1);
  if (kind == kRolling) {
    int64_t seconds = 0;
    if (!absl::SimpleAtoi(ToAbsl(rest), &seconds) || seconds < 1 ||
        seconds > kRollingSecondsMax) {
      return std::nullopt;
    }
    return BudgetWindow(seconds);
  }
  const std::optional<absl::TimeZone> zone = ZoneNamed(rest);
  for (const Kind each : {Kind::kHour, Kind::kDay, Kind::kMonth}) {
    if (kind == KindName(each) && zone.has_value()) return {{each, *zone}};
  }
  return std::nullopt;
}

BudgetWindow::Span BudgetWindow::SpanAt(int64_t now) const {
  const auto every = [now](int64_t unit) {
    const int64_t start = Floor(now, unit);
    return Span{.start = start, .end = start + unit};
  };
  switch (kind_) {
    case Kind::kNone:
      return {};
    case Kind::kHour:
      return is_utc_ ? every(kHourSeconds) : HourSpan(zone_, now);
    case Kind::kDay:
      return is_utc_ ? every(kDaySeconds)
                     : CivilSpan<absl::CivilDay>(zone_, now);
    case Kind::kMonth:
      return CivilSpan<absl::CivilMonth>(zone_, now);
    case Kind::kRolling:
      return every(step_seconds_);
  }
  return {};
}

}  // namespace gateway
