// SummaryShard counts the calls of one event loop, by the hour in which they
// end. What it has counted is collected from it now and then, by another
// thread, and its hours go once they are over and collected.
//
//   SummaryShard shard(limits);
//   shard.Count(group, totals, end_time);           // On the loop.
//   shard.CountCapabilities(capabilities, end_time);
//
//   shard.Collect([&](const SummaryShard::Sum& sum) { history.Add(sum); });
//
// To count costs one look-up by the group, which takes no lock, and a store for
// each figure that is not zero; a lock of the shard's own is taken for a group
// that is new in its hour. A name that has no place costs a few look-ups more.
//
// Thread contract: Count and CountCapabilities by one thread; Collect by one
// other at a time.

#ifndef SERVICE_SUMMARY_SUMMARY_SHARD_H_
#define SERVICE_SUMMARY_SUMMARY_SHARD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/summary/call_totals.h"
#include "service/summary/group_table.h"

namespace gateway {

// So many different capabilities there can be, as bits of a set.
inline constexpr size_t kCountedCapabilities = 32;

// The hour that a time is in: whole ones since 1970, as UTC has them.
int64_t HourOf(absl::Time time);
absl::Time BeginOfHour(int64_t hour);

class SummaryShard {
 public:
  // What was counted since the last time, of one group or, where that is null,
  // of calls that asked for capabilities.
  struct Sum {
    int64_t hour = 0;
    const CallGroup* group = nullptr;
    CallTotals totals;
    std::array<int64_t, kCountedCapabilities> capabilities = {};
  };

  explicit SummaryShard(const GroupLimits& limits) : limits_(limits) {}

  SummaryShard(const SummaryShard&) = delete;
  SummaryShard& operator=(const SummaryShard&) = delete;

  void Count(const CallGroup& group, const CallTotals& totals,
             absl::Time end_time);
  // The same of calls that cost their caller nothing: they take no place by
  // names that it may make up. Where the group has none yet those are `other`.
  void CountRefused(const CallGroup& group, const CallTotals& totals,
                    absl::Time end_time);
  // `capabilities` are bits.
  void CountCapabilities(uint32_t capabilities, absl::Time end_time);

  // Shows all that was counted since it was called last. A call that is counted
  // meanwhile may be shown in two parts, the second the next time.
  void Collect(absl::FunctionRef<void(const Sum&)> take) LOCKS_EXCLUDED(mu_);

 private:
  // A number that one thread adds to and another reads.
  class Tally {
   public:
    void Add(int64_t amount) {
      value_.store(AddSaturated(value_.load(std::memory_order_relaxed), amount),
                   std::memory_order_relaxed);
    }
    // What was added since the last time. By the collector alone.
    int64_t Take() {
      const int64_t value = value_.load(std::memory_order_relaxed);
      const int64_t added = value - taken_;
      taken_ = value;
      return added;
    }

   private:
    std::atomic<int64_t> value_ = 0;
    int64_t taken_ = 0;
  };
  struct Tallies {
    std::array<Tally, kFigures> figures;
  };
  struct Hour {
    Hour(int64_t number, const GroupLimits& limits)
        : number(number), groups(limits) {}

    const int64_t number;
    GroupTable<Tallies> groups;
    std::array<Tally, kCountedCapabilities> capabilities;
  };
  using Entry = GroupTable<Tallies>::Entry;

  // The entry that the group is counted under, made if there is none.
  Entry& EntryOf(GroupTable<Tallies>& groups, const CallGroup& group)
      LOCKS_EXCLUDED(mu_);
  static void Add(const CallTotals& totals, Entry& entry);
  // The hour to count in.
  Hour& HourAt(absl::Time time) LOCKS_EXCLUDED(mu_);
  static void Collect(int64_t hour, Entry& entry,
                      absl::FunctionRef<void(const Sum&)> take);

  const GroupLimits limits_;
  Hour* current_ = nullptr;  // Of the counting thread.

  // Guards which hours and groups there are. The counting thread alone adds,
  // and may look without it.
  Mutex mu_;
  // The last is the one to count in.
  std::vector<std::unique_ptr<Hour>> hours_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_SUMMARY_SHARD_H_
