// LimitUsage finds the counters of limits from which something is taken, for
// operators.
//
//   const std::vector<LimitUsage> fullest = FullestCounters(
//       rules, now, /*count=*/100, [](const LimitRule&, const std::string&) {
//         return true;
//       });
//
// It looks through all counters of the rules, up to some ten thousand of each,
// under the locks that begin new ones: not on a loop's thread where there may
// be many (CountersBytes).
//
// Thread-safe: plain functions. The counters go on meanwhile.

#ifndef SERVICE_LIMITS_LIMIT_USAGE_H_
#define SERVICE_LIMITS_LIMIT_USAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "service/limits/limit_rule.h"

namespace gateway {

// One counter.
struct LimitUsage {
  const LimitRule* rule = nullptr;  // Borrowed.
  std::string subject;              // See LimitRule::SplitSubject.
  // Of limits in time the TAT, of calls at once how many there are.
  int64_t number = 0;
  // Which share of the limit is taken: 1 is all, more a debt.
  double filled = 0;

  // What may still be taken. `now` is nanoseconds of the steady clock.
  int64_t Remaining(int64_t now) const;
};

// Whether a counter is to be found.
using CounterFilter =
    absl::FunctionRef<bool(const LimitRule& rule, const std::string& subject)>;

// Returns the `count` fullest counters of the rules, the fullest first; of
// equally full ones by the names of their rules and their subjects.
std::vector<LimitUsage> FullestCounters(
    absl::Span<const LimitRule* const> rules, int64_t now, size_t count,
    CounterFilter wanted);

// Gives back what was taken of the rules' limits in time, of counters that are
// wanted. Returns how many there were. What calls under way take from now on is
// taken; what they correct to less brings no more than is there.
int64_t ResetCounters(absl::Span<const LimitRule* const> rules, int64_t now,
                      CounterFilter wanted);

// The memory that these look through.
size_t CountersBytes(absl::Span<const LimitRule* const> rules);

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_USAGE_H_
