#include "service/summary/summary_query.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>

namespace gateway {
namespace {

constexpr int64_t kHoursPerDay = 24;

// By CallDimension; empty where calls are not told apart.
using Names = std::array<std::string_view, kCallDimensions>;

Names NamesOf(const CallGroup& group,
              const std::vector<CallDimension>& group_by) {
  Names names = {};
  for (const CallDimension dimension : group_by) {
    names[static_cast<size_t>(dimension)] = ValueOf(group, dimension);
  }
  return names;
}

SummaryAnswer::Group GroupOf(const Names& names, const CallTotals& totals) {
  const auto name = [&names](CallDimension dimension) {
    return std::string(names[static_cast<size_t>(dimension)]);
  };
  return {.agent_type = name(CallDimension::kAgent),
          .provider = name(CallDimension::kProvider),
          .model = name(CallDimension::kModel),
          .project_id = name(CallDimension::kProject),
          .key = name(CallDimension::kKey),
          .caller = name(CallDimension::kCaller),
          .totals = totals};
}

// The first hour of the bucket that an hour is in.
int64_t BeginOf(int64_t hour, SummaryQuery::Bucket bucket) {
  if (hour == kEarlierHours || bucket == SummaryQuery::Bucket::kHour) {
    return hour;
  }
  const int64_t of_day = hour % kHoursPerDay;
  return hour - (of_day < 0 ? of_day + kHoursPerDay : of_day);
}

int64_t EndOf(int64_t begin, SummaryQuery::Bucket bucket) {
  if (begin == kEarlierHours) return begin;
  return begin + (bucket == SummaryQuery::Bucket::kDay ? kHoursPerDay : 1);
}

using SumsByGroup = std::map<Names, CallTotals>;

// The groups in the order in which they are shown.
std::vector<SumsByGroup::const_iterator> Ordered(const SumsByGroup& sums) {
  std::vector<SumsByGroup::const_iterator> order;
  order.reserve(sums.size());
  for (auto each = sums.begin(); each != sums.end(); ++each) {
    order.push_back(each);
  }
  // Those that are the same stay in the order of their names.
  std::stable_sort(order.begin(), order.end(), [](auto a, auto b) {
    const auto rank = [](const CallTotals& totals) {
      return std::make_tuple(totals[Figure::kCostUsdNanos], totals.calls());
    };
    return rank(a->second) > rank(b->second);
  });
  return order;
}

}  // namespace

std::string_view ValueOf(const CallGroup& group, CallDimension dimension) {
  switch (dimension) {
    case CallDimension::kAgent:
      return group.agent_type;
    case CallDimension::kProvider:
      return group.provider;
    case CallDimension::kModel:
      return group.model;
    case CallDimension::kProject:
      return group.project_id;
    case CallDimension::kKey:
      return group.caller_has_key ? group.caller : std::string_view();
    case CallDimension::kCaller:
      break;
  }
  return group.caller;
}

bool CallFilter::Matches(const CallGroup& group) const {
  const auto allows = [&group](const std::string& wanted,
                               CallDimension dimension) {
    return wanted.empty() || wanted == ValueOf(group, dimension);
  };
  return allows(agent_type, CallDimension::kAgent) &&
         allows(provider, CallDimension::kProvider) &&
         allows(model, CallDimension::kModel) &&
         allows(project_id, CallDimension::kProject) &&
         allows(key, CallDimension::kKey) &&
         allows(caller, CallDimension::kCaller);
}

SummaryAnswer SumCalls(const SummaryHistory& history,
                       const SummaryQuery& query) {
  SummaryAnswer answer;
  SumsByGroup sums;
  std::map<int64_t, SumsByGroup> buckets;
  const bool has_buckets = query.bucket != SummaryQuery::Bucket::kNone;
  history.ForEachGroup(
      query.begin, query.end,
      [&](int64_t hour, const CallGroup& group, const CallTotals& totals) {
        if (!query.filter.Matches(group)) return;
        const Names names = NamesOf(group, query.group_by);
        answer.totals.Add(totals);
        sums[names].Add(totals);
        if (has_buckets) {
          buckets[BeginOf(hour, query.bucket)][names].Add(totals);
        }
      });
  // By name, the place that a group is shown at.
  std::map<Names, size_t> places;
  for (const auto& each : Ordered(sums)) {
    if (answer.groups.size() == query.groups_limit) {
      answer.rest.Add(each->second);
      continue;
    }
    places.emplace(each->first, answer.groups.size());
    answer.groups.push_back(GroupOf(each->first, each->second));
  }
  for (const auto& [begin, groups] : buckets) {
    SummaryAnswer::Bucket& bucket = answer.buckets.emplace_back();
    bucket.begin = begin;
    bucket.end = EndOf(begin, query.bucket);
    for (const auto& [names, totals] : groups) {
      bucket.totals.Add(totals);
      const auto place = places.find(names);
      if (place == places.end()) continue;
      bucket.groups.emplace_back(place->second, totals);
    }
    std::sort(bucket.groups.begin(), bucket.groups.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  return answer;
}

}  // namespace gateway
