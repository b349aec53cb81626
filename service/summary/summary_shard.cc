#include "service/summary/summary_shard.h"

#include <utility>

namespace gateway {
namespace {

constexpr int64_t kSecondsPerHour = 3600;

// A clock that goes to and fro makes no more hours than these between two
// collections; then calls are counted in the last one.
constexpr size_t kHoursMax = 8;

}  // namespace

int64_t HourOf(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t hour = seconds / kSecondsPerHour;
  return seconds % kSecondsPerHour < 0 ? hour - 1 : hour;
}

absl::Time BeginOfHour(int64_t hour) {
  return absl::FromUnixSeconds(hour * kSecondsPerHour);
}

void SummaryShard::Count(const CallGroup& group, const CallTotals& totals,
                         absl::Time end_time) {
  Add(totals, EntryOf(HourAt(end_time).groups, group));
}

void SummaryShard::CountRefused(const CallGroup& group,
                                const CallTotals& totals, absl::Time end_time) {
  GroupTable<Tallies>& groups = HourAt(end_time).groups;
  Entry* const known = groups.Find(group);
  Add(totals, known != nullptr ? *known
                               : EntryOf(groups, WithoutMadeUpNames(group)));
}

SummaryShard::Entry& SummaryShard::EntryOf(GroupTable<Tallies>& groups,
                                           const CallGroup& group) {
  if (Entry* const found = groups.Find(group)) return *found;
  const CallGroup counted = groups.Counted(group);
  if (Entry* const found = groups.Find(counted)) return *found;
  MutexLock lock(mu_);
  return groups.Add(counted);
}

void SummaryShard::Add(const CallTotals& totals, Entry& entry) {
  for (size_t i = 0; i < kFigures; ++i) {
    const int64_t amount = totals[static_cast<Figure>(i)];
    if (amount != 0) entry.value.figures[i].Add(amount);
  }
}

void SummaryShard::CountCapabilities(uint32_t capabilities,
                                     absl::Time end_time) {
  if (capabilities == 0) return;
  Hour& hour = HourAt(end_time);
  for (size_t i = 0; i < kCountedCapabilities; ++i) {
    if ((capabilities >> i & 1) != 0) hour.capabilities[i].Add(1);
  }
}

SummaryShard::Hour& SummaryShard::HourAt(absl::Time time) {
  const int64_t number = HourOf(time);
  if (current_ != nullptr && current_->number == number) return *current_;
  MutexLock lock(mu_);
  if (hours_.size() >= kHoursMax) return *current_;
  current_ = hours_.emplace_back(std::make_unique<Hour>(number, limits_)).get();
  return *current_;
}

void SummaryShard::Collect(absl::FunctionRef<void(const Sum&)> take) {
  // Only the pointers are copied under the lock, for which the loop might wait.
  // They stay: none but this removes what they point to.
  std::vector<std::unique_ptr<Hour>> over;
  std::vector<std::pair<Hour*, std::vector<Entry*>>> hours;
  {
    MutexLock lock(mu_);
    for (std::unique_ptr<Hour>& hour : hours_) {
      auto& [at, entries] = hours.emplace_back(hour.get(), 0);
      entries.reserve(hour->groups.entries().size());
      for (const auto& entry : hour->groups.entries()) {
        entries.push_back(entry.get());
      }
      // Nothing is counted any more in those before the last.
      if (hour != hours_.back()) over.push_back(std::move(hour));
    }
    if (!over.empty()) hours_.erase(hours_.begin(), hours_.end() - 1);
  }
  for (const auto& [hour, entries] : hours) {
    for (Entry* const entry : entries) Collect(hour->number, *entry, take);
    Sum sum = {.hour = hour->number};
    bool any = false;
    for (size_t i = 0; i < kCountedCapabilities; ++i) {
      sum.capabilities[i] = hour->capabilities[i].Take();
      any = any || sum.capabilities[i] != 0;
    }
    if (any) take(sum);
  }
}

void SummaryShard::Collect(int64_t hour, Entry& entry,
                           absl::FunctionRef<void(const Sum&)> take) {
  Sum sum = {.hour = hour, .group = &entry.group()};
  for (size_t i = 0; i < kFigures; ++i) {
    sum.totals.Add(static_cast<Figure>(i), entry.value.figures[i].Take());
  }
  if (!sum.totals.IsZero()) take(sum);
}

}  // namespace gateway
