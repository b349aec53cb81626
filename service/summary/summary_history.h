// SummaryHistory is what all calls consumed, by the hour in which they ended
// and by group, for as many hours as are kept; what is older is one sum.
//
//   SummaryHistory history({.hours = 168}, now);
//   history.Add(hour, group, totals);
//   history.Expire(HourOf(now));
//   const SummaryChanges changes = history.TakeChanges();
//   ... that are written to a file ...
//
// Thread-compatible.

#ifndef SERVICE_SUMMARY_SUMMARY_HISTORY_H_
#define SERVICE_SUMMARY_SUMMARY_HISTORY_H_

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "service/summary/call_group.h"
#include "service/summary/call_totals.h"
#include "service/summary/group_table.h"
#include "service/summary/summary_shard.h"

namespace gateway {

// Stands for all hours that are not kept apart any more.
inline constexpr int64_t kEarlierHours = std::numeric_limits<int64_t>::min();

// The sums of one group in an hour, as they are kept.
struct SummaryRow {
  int64_t hour = 0;
  std::string agent_type;
  std::string provider;
  std::string model;
  std::string project_id;
  std::string caller;
  bool caller_has_key = false;
  CallTotals totals;

  // Borrows from the row.
  CallGroup group() const {
    return {.agent_type = agent_type,
            .provider = provider,
            .model = model,
            .project_id = project_id,
            .caller = caller,
            .caller_has_key = caller_has_key};
  }
};

// How many calls of an hour asked for a capability, which is a bit's number.
struct CapabilityCount {
  int64_t hour = 0;
  int64_t capability = 0;
  int64_t calls = 0;
};

// What is to be written.
struct SummaryChanges {
  // All that was kept before goes first.
  bool replaces_all = false;
  absl::Time since;
  // What is kept of these goes first.
  std::vector<int64_t> expired;
  // Each as it is now.
  std::vector<SummaryRow> rows;
  std::vector<CapabilityCount> capabilities;

  bool empty() const {
    return !replaces_all && expired.empty() && rows.empty() &&
           capabilities.empty();
  }
};

class SummaryHistory {
 public:
  struct Options {
    int64_t hours = 168;
    GroupLimits limits;
  };
  using Capabilities = std::array<int64_t, kCountedCapabilities>;

  // `since` is when counting began.
  SummaryHistory(const Options& options, absl::Time since)
      : options_(options), since_(since) {}

  // One with the same options that has counted nothing, from `since` on.
  SummaryHistory Anew(absl::Time since) const {
    return SummaryHistory(options_, since);
  }

  void Add(int64_t hour, const CallGroup& group, const CallTotals& totals);
  void AddCapabilities(int64_t hour, const Capabilities& calls);
  // All that another has counted; from its begin, if that is earlier.
  void Add(const SummaryHistory& other);

  // Adds what was read, and so is no change, unless it has no place by itself
  // among as few as there may be now: then all is to be written anew.
  void Restore(const SummaryRow& row);
  void Restore(const CapabilityCount& row);
  void RestoreSince(absl::Time since) { since_ = since; }

  // Adds up what is older than the hours that are kept, of which `now` is the
  // last. Later ones stay, since a clock may step back.
  void Expire(int64_t now);

  // What has changed since it was called last.
  SummaryChanges TakeChanges();
  // All is to be written anew.
  void ReplaceAll() { replace_all_ = true; }

  // Shows each hour from `begin` to before `end`, the earliest first; the sum
  // of earlier ones is shown if `begin` is kEarlierHours.
  using VisitGroup = absl::FunctionRef<void(
      int64_t hour, const CallGroup& group, const CallTotals& totals)>;
  void ForEachGroup(int64_t begin, int64_t end, VisitGroup visit) const;
  // How many calls of these hours asked for each capability.
  Capabilities CapabilitiesOf(int64_t begin, int64_t end) const;

  absl::Time since() const { return since_; }
  int64_t hours_kept() const { return options_.hours; }

 private:
  struct Sums {
    CallTotals totals;
    bool changed = false;
  };
  struct Hour {
    explicit Hour(const GroupLimits& limits) : groups(limits) {}

    GroupTable<Sums> groups;
    Capabilities capabilities = {};
    bool capabilities_changed = false;
  };
  using Entry = GroupTable<Sums>::Entry;

  Hour& At(int64_t hour);
  void Change(int64_t hour, Entry& entry);
  static SummaryRow RowOf(int64_t hour, const Entry& entry);

  Options options_;
  absl::Time since_;
  std::map<int64_t, Hour> hours_;

  // What is to be written.
  bool replace_all_ = false;
  std::vector<int64_t> expired_;
  std::vector<std::pair<int64_t, Entry*>> changed_;
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_SUMMARY_HISTORY_H_
