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
// The last eighth of the names of a kind, and of the groups, is for callers who
// have brought less than an eighth: one who makes up names takes no others'
// places.
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

// How many of some places there are, and who has taken how many.
class GroupPlaces {
 public:
  explicit GroupPlaces(size_t limit) : limit_(limit) {}

  bool HasOneFor(std::string_view caller) const {
    const size_t part = limit_ / kParts;
    return taken_ < limit_ &&
           (taken_ + part < limit_ || TakenBy(caller) < part);
  }
  void Take(std::string_view caller) {
    ++taken_;
    ++taken_by_[ToAbsl(caller)];
  }

 private:
  static constexpr size_t kParts = 8;

  size_t TakenBy(std::string_view caller) const {
    const auto found = taken_by_.find(ToAbsl(caller));
    return found == taken_by_.end() ? 0 : found->second;
  }

  size_t limit_;
  size_t taken_ = 0;
  absl::flat_hash_map<std::string, size_t> taken_by_;
};

// The names of one kind that are told apart.
class GroupNames {
 public:
  explicit GroupNames(size_t limit) : places_(limit) {}

  // The name itself, or `other`, where the caller is the one to bring it.
  std::string_view Counted(std::string_view name,
                           std::string_view caller) const {
    const bool has_place = name.empty() || names_.contains(ToAbsl(name)) ||
                           places_.HasOneFor(caller);
    return has_place ? name : kOtherGroup;
  }
  void Add(std::string_view name, std::string_view caller) {
    if (name.empty() || name == kOtherGroup) return;
    if (names_.emplace(ToAbsl(name)).second) places_.Take(caller);
  }

 private:
  GroupPlaces places_;
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
        callers_(limits.callers),
        places_(limits.groups) {}

  // The entry of exactly this group; null if there is none.
  Entry* Find(const CallGroup& group) const {
    const auto found = by_group_.find(group);
    return found == by_group_.end() ? nullptr : found->second;
  }

  // The group that this one is counted under.
  CallGroup Counted(const CallGroup& asked) const {
    CallGroup group = CutGroup(asked);
    const std::string_view caller =
        callers_.Counted(group.caller, group.caller);
    group.agent_type = agents_.Counted(group.agent_type, caller);
    group.provider = providers_.Counted(group.provider, caller);
    group.model = models_.Counted(group.model, caller);
    group.project_id = projects_.Counted(group.project_id, caller);
    group.caller = caller;
    if (places_.HasOneFor(caller) || Find(group) != nullptr) return group;
    group.agent_type = kOtherGroup;
    group.project_id = kOtherGroup;
    group.caller = kOtherGroup;
    group.caller_has_key = false;
    if (coarse_ < limits_.groups || Find(group) != nullptr) return group;
    group.provider = kOtherGroup;
    group.model = kOtherGroup;
    return group;
  }

  // Adds the entry of a group. REQUIRES: it is one that Counted has returned,
  // and Find has not found.
  Entry& Add(const CallGroup& group) {
    agents_.Add(group.agent_type, group.caller);
    providers_.Add(group.provider, group.caller);
    models_.Add(group.model, group.caller);
    projects_.Add(group.project_id, group.caller);
    callers_.Add(group.caller, group.caller);
    if (group.agent_type == kOtherGroup && group.project_id == kOtherGroup &&
        group.caller == kOtherGroup) {
      ++coarse_;
    } else {
      places_.Take(group.caller);
    }
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
  GroupLimits limits_;
  GroupNames agents_;
  GroupNames providers_;
  GroupNames models_;
  GroupNames projects_;
  GroupNames callers_;
  GroupPlaces places_;
  size_t coarse_ = 0;  // Those by provider and model alone.
  std::vector<std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<CallGroup, Entry*> by_group_;
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_GROUP_TABLE_H_
