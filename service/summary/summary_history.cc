#include "service/summary/summary_history.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gateway {

SummaryHistory::Hour& SummaryHistory::At(int64_t hour) {
  return hours_.try_emplace(hour, options_.limits).first->second;
}

void SummaryHistory::Change(int64_t hour, Entry& entry) {
  if (std::exchange(entry.value.changed, true)) return;
  changed_.emplace_back(hour, &entry);
}

void SummaryHistory::Add(int64_t hour, const CallGroup& group,
                         const CallTotals& totals) {
  Entry& entry = At(hour).groups.At(group);
  entry.value.totals.Add(totals);
  Change(hour, entry);
}

void SummaryHistory::AddCapabilities(int64_t hour, const Capabilities& calls) {
  Hour& to = At(hour);
  for (size_t i = 0; i < calls.size(); ++i) {
    to.capabilities[i] = AddSaturated(to.capabilities[i], calls[i]);
  }
  to.capabilities_changed = true;
}

void SummaryHistory::Add(const SummaryHistory& other) {
  since_ = std::min(since_, other.since_);
  for (const auto& [number, hour] : other.hours_) {
    for (const auto& entry : hour.groups.entries()) {
      Add(number, entry->group(), entry->value.totals);
    }
    AddCapabilities(number, hour.capabilities);
  }
}

void SummaryHistory::Restore(const SummaryRow& row) {
  Entry& entry = At(row.hour).groups.At(row.group());
  if (!(entry.group() == row.group())) replace_all_ = true;
  entry.value.totals.Add(row.totals);
}

void SummaryHistory::Restore(const CapabilityCount& row) {
  if (row.capability < 0 || row.capability >= int64_t{kCountedCapabilities}) {
    return;
  }
  int64_t& calls =
      At(row.hour).capabilities[static_cast<size_t>(row.capability)];
  calls = AddSaturated(calls, row.calls);
}

void SummaryHistory::Expire(int64_t now) {
  const int64_t first_kept = now - options_.hours;
  for (auto each = hours_.begin();
       each != hours_.end() && each->first < first_kept;) {
    if (each->first == kEarlierHours) {
      ++each;
      continue;
    }
    const int64_t number = each->first;
    const Hour& hour = each->second;
    std::erase_if(changed_, [number](const auto& change) {
      return change.first == number;
    });
    for (const auto& entry : hour.groups.entries()) {
      Add(kEarlierHours, entry->group(), entry->value.totals);
    }
    AddCapabilities(kEarlierHours, hour.capabilities);
    expired_.push_back(number);
    each = hours_.erase(each);
  }
}

SummaryRow SummaryHistory::RowOf(int64_t hour, const Entry& entry) {
  const CallGroup& group = entry.group();
  return {.hour = hour,
          .agent_type = std::string(group.agent_type),
          .provider = std::string(group.provider),
          .model = std::string(group.model),
          .project_id = std::string(group.project_id),
          .caller = std::string(group.caller),
          .caller_has_key = group.caller_has_key,
          .totals = entry.value.totals};
}

SummaryChanges SummaryHistory::TakeChanges() {
  SummaryChanges changes = {.replaces_all = std::exchange(replace_all_, false),
                            .since = since_,
                            .expired = std::exchange(expired_, {})};
  if (changes.replaces_all) {
    changed_.clear();
    for (auto& [number, hour] : hours_) {
      for (const auto& entry : hour.groups.entries()) {
        changed_.emplace_back(number, entry.get());
      }
      hour.capabilities_changed = true;
    }
  }
  changes.rows.reserve(changed_.size());
  for (const auto& [hour, entry] : changed_) {
    entry->value.changed = false;
    changes.rows.push_back(RowOf(hour, *entry));
  }
  changed_.clear();
  for (auto& [number, hour] : hours_) {
    if (!std::exchange(hour.capabilities_changed, false)) continue;
    for (size_t i = 0; i < kCountedCapabilities; ++i) {
      if (hour.capabilities[i] == 0) continue;
      changes.capabilities.push_back({.hour = number,
                                      .capability = static_cast<int64_t>(i),
                                      .calls = hour.capabilities[i]});
    }
  }
  return changes;
}

void SummaryHistory::ForEachGroup(int64_t begin, int64_t end,
                                  VisitGroup visit) const {
  for (auto each = hours_.lower_bound(begin);
       each != hours_.end() && each->first < end; ++each) {
    for (const auto& entry : each->second.groups.entries()) {
      visit(each->first, entry->group(), entry->value.totals);
    }
  }
}

SummaryHistory::Capabilities SummaryHistory::CapabilitiesOf(int64_t begin,
                                                            int64_t end) const {
  Capabilities sums = {};
  for (auto each = hours_.lower_bound(begin);
       each != hours_.end() && each->first < end; ++each) {
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] = AddSaturated(sums[i], each->second.capabilities[i]);
    }
  }
  return sums;
}

}  // namespace gateway
