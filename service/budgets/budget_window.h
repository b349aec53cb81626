// BudgetWindow says after which time a budget begins anew: at the turn of an
// hour, day or month of a calendar, in steps of a window that rolls, or never.
// Where a clock is put forward or back, an hour begins as well; a day then has
// 23 or 25 hours, and begins when it is midnight for the first time.
//
//   const BudgetWindow window = BudgetWindow::Of(budget);
//   const BudgetWindow::Span span = window.SpanAt(now);
//
// Times are whole seconds since 1970. A window has a name, by which the ledger
// tells one from another: `day`, `month:Europe/Berlin`, `rolling:3600`.
//
// Thread contract: immutable.

#ifndef SERVICE_BUDGETS_BUDGET_WINDOW_H_
#define SERVICE_BUDGETS_BUDGET_WINDOW_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "llmgateway/config/v1/budgets.pb.h"

namespace gateway {

class BudgetWindow {
 public:
  // What never comes.
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  // In so many steps what was spent in a window that rolls comes back.
  static constexpr int64_t kSteps = 60;

  enum class Kind : uint8_t { kNone, kHour, kDay, kMonth, kRolling };

  // From its first second to the one behind its last.
  struct Span {
    int64_t start = 0;
    int64_t end = kNever;
  };

  // One that never ends.
  BudgetWindow() = default;

  // Of a configured budget, which was found valid.
  static BudgetWindow Of(const ::llmgateway::config::v1::Budget& budget);

  // By its name; nothing if it is not one.
  static std::optional<BudgetWindow> Named(std::string_view name);

  // Returns the time zone of IANA's name, or nothing.
  static std::optional<absl::TimeZone> ZoneNamed(std::string_view name);

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  bool rolls() const { return kind_ == Kind::kRolling; }

  // The window of the moment; of one that rolls the step, of none all time.
  Span SpanAt(int64_t now) const;

  // Of one that rolls: how long it is, and until when what was spent in the
  // step that begins at `start` counts.
  int64_t rolling_seconds() const { return rolling_seconds_; }
  int64_t EndOfStep(int64_t start) const {
    return start + step_seconds_ + rolling_seconds_;
  }

  bool operator==(const BudgetWindow& other) const {
    return name_ == other.name_;
  }

 private:
  BudgetWindow(Kind kind, absl::TimeZone zone);
  explicit BudgetWindow(int64_t rolling_seconds);

  Kind kind_ = Kind::kNone;
  bool is_utc_ = true;
  absl::TimeZone zone_ = absl::UTCTimeZone();
  int64_t rolling_seconds_ = 0;
  int64_t step_seconds_ = 0;
  std::string name_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_WINDOW_H_
