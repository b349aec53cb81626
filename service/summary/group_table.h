// GroupTable has a value for each group of calls, and a bound: callers choose
// some of the names, and must not fill the memory with them.
//
//   GroupTable<CallTotals> table(limits);
//   table.At(group).value.Add(totals);
//   for (const auto& entry : table.entries()) Show(entry->group(),
//   entry->value);
//
// A name for which there is no place among the different ones of its kind is
// `other`. A group for which there is none is counted under its provider and
// model alone, and then under nothing: `other`, all of it.
//
// Thread-compatible. To find a group that is there changes nothing, so that one
// thread may do so while others go through `entries()`, as long as only that
// one adds, and none goes through them then. Entries stay where they are.

#ifndef SERVICE_SUMMARY_GROUP_TABLE_H_
#define SERVICE_SUMMARY_GROUP_TABLE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/string_view.h"
#include "service/summary/call_group.h"

namespace gateway {

struct GroupLimits {
  // How many different names of each kind are told apart.
  size_t agents = 128;
  size_t models = 512;  // And providers.
  size_t projects = 256;
  size_t callers = 256;
  // How many groups are told apart in full, and how many by provider and model.
  size_t groups = 1000;
};

// The names of one kind that are told apart.
class GroupNames {
 public:
  explicit GroupNames(size_t limit) : limit_(limit) {}

  // The name itself, or `other`.
  std::string_view Counted(std::string_view name) const {
    const bool has_place =
        name.empty() || names_.size() < limit_ || names_.contains(ToAbsl(name));
    return has_place ? name : kOtherGroup;
  }
  void Add(std::string_view name) {
    if (!name.empty() && name != kOtherGroup) names_.emplace(ToAbsl(name));
  }

 private:
  size_t limit_;
  absl::flat_hash_set<std::string> names_;
};

template <typename Value>
class GroupTable {
 public:
  struct Entry {
    explicit Entry(const CallGroup& group) : owned(group) {}

    const CallGroup& group() const { return owned.group(); }

    const OwnedCallGroup owned;
    Value value = {};
  };

  explicit GroupTable(const GroupLimits& limits)
      : limits_(limits),
        agents_(limits.agents),
        providers_(limits.models),
        models_(limits.models),
        projects_(limits.projects),
        callers_(limits.callers) {}

  // The entry of exactly this group; null if there is none.
  Entry* Find(const CallGroup& group) const {
    const auto found = by_group_.find(group);
    return found == by_group_.end() ? nullptr : found->second;
  }

  // The group that this one is counted under.
  CallGroup Counted(const CallGroup& asked) const {
    CallGroup group = CutGroup(asked);
    group.agent_type = agents_.Counted(group.agent_type);
    group.provider = providers_.Counted(group.provider);
    group.model = models_.Counted(group.model);
    group.project_id = projects_.Counted(group.project_id);
    group.caller = callers_.Counted(group.caller);
    if (HasPlace(group, limits_.groups)) return group;
    group.agent_type = kOtherGroup;
    group.project_id = kOtherGroup;
    group.caller = kOtherGroup;
    group.caller_has_key = false;
    if (HasPlace(group, 2 * limits_.groups)) return group;
    group.provider = kOtherGroup;
    group.model = kOtherGroup;
    return group;
  }

  // Adds the entry of a group. REQUIRES: it is one that Counted has returned,
  // and Find has not found.
  Entry& Add(const CallGroup& group) {
    agents_.Add(group.agent_type);
    providers_.Add(group.provider);
    models_.Add(group.model);
    projects_.Add(group.project_id);
    callers_.Add(group.caller);
    Entry& entry = *entries_.emplace_back(std::make_unique<Entry>(group));
    by_group_.emplace(entry.group(), &entry);
    return entry;
  }

  // The entry that a group is counted under, made when first asked for.
  Entry& At(const CallGroup& group) {
    if (Entry* const found = Find(group)) return *found;
    const CallGroup counted = Counted(group);
    Entry* const found = Find(counted);
    return found != nullptr ? *found : Add(counted);
  }

  const std::vector<std::unique_ptr<Entry>>& entries() const {
    return entries_;
  }

 private:
  bool HasPlace(const CallGroup& group, size_t limit) const {
    return entries_.size() < limit || Find(group) != nullptr;
  }

  GroupLimits limits_;
  GroupNames agents_;
  GroupNames providers_;
  GroupNames models_;
  GroupNames projects_;
  GroupNames callers_;
  std::vector<std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<CallGroup, Entry*> by_group_;
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_GROUP_TABLE_H_
