// Sums what calls consumed as somebody asks for it: of a time, of some groups,
// by what tells them apart, and by the hour or day.
//
//   const SummaryAnswer answer = SumCalls(
//       history, {.group_by = {CallDimension::kModel},
//                 .bucket = SummaryQuery::Bucket::kDay});
//   for (const SummaryAnswer::Group& group : answer.groups) Show(group);
//
// Thread-safe: plain functions.

#ifndef SERVICE_SUMMARY_SUMMARY_QUERY_H_
#define SERVICE_SUMMARY_SUMMARY_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/summary/call_group.h"
#include "service/summary/call_totals.h"
#include "service/summary/summary_history.h"

namespace gateway {

// What calls are told apart by. A key is that of a caller who has shown one.
enum class CallDimension : uint8_t {
  kAgent,
  kProvider,
  kModel,
  kProject,
  kKey,
  kCaller,
};
inline constexpr size_t kCallDimensions = 6;

// The value that a group has there.
std::string_view ValueOf(const CallGroup& group, CallDimension dimension);

// Only calls that have all values that are not empty.
struct CallFilter {
  std::string agent_type;
  std::string provider;
  std::string model;
  std::string project_id;
  std::string key;
  std::string caller;

  bool Matches(const CallGroup& group) const;
};

struct SummaryQuery {
  enum class Bucket : uint8_t { kNone, kHour, kDay };

  // Hours as of HourOf.
  int64_t begin = kEarlierHours;
  int64_t end = std::numeric_limits<int64_t>::max();
  CallFilter filter;
  std::vector<CallDimension> group_by;
  Bucket bucket = Bucket::kNone;
  size_t groups_limit = 100;
};

struct SummaryAnswer {
  struct Group {
    // Each empty where calls are not asked to be told apart by it.
    std::string agent_type;
    std::string provider;
    std::string model;
    std::string project_id;
    std::string key;
    std::string caller;
    CallTotals totals;
  };
  struct Bucket {
    // kEarlierHours for what is older than the hours that are kept.
    int64_t begin = 0;
    int64_t end = 0;
    CallTotals totals;
    // By their place in `groups`, in that order.
    std::vector<std::pair<size_t, CallTotals>> groups;
  };

  CallTotals totals;
  // The dearest first, then those with most calls, then by name.
  std::vector<Group> groups;
  // Of those beyond the limit.
  CallTotals rest;
  // Those that have calls, the earliest first.
  std::vector<Bucket> buckets;
};

SummaryAnswer SumCalls(const SummaryHistory& history,
                       const SummaryQuery& query);

}  // namespace gateway

#endif  // SERVICE_SUMMARY_SUMMARY_QUERY_H_
