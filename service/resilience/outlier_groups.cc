#include "service/resilience/outlier_groups.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

std::string NameOf(const OutlierGroups::Name& target) {
  return absl::StrCat(ToAbsl(target.provider), "/", ToAbsl(target.model));
}

}  // namespace

std::vector<GroupMember*> OutlierGroups::Find(const std::vector<Name>& targets,
                                              absl::Duration now) {
  std::string key;
  std::vector<std::string> names;
  for (const Name& target : targets) {
    names.push_back(NameOf(target));
    absl::StrAppend(&key, names.back(), "\n");
  }
  if (std::set<std::string>(names.begin(), names.end()).size() !=
      names.size()) {
    return {};
  }
  MutexLock lock(mu_);
  auto found = groups_.find(key);
  if (found == groups_.end()) {
    if (members_ + targets.size() > kMembersMax) return {};
    members_ += targets.size();
    auto group = std::make_unique<Group>(
        options_.value_or(OutlierEjection::Options()));
    const OutlierEjection::Targets known =
        group->ejection.SetTargets(names, now);
    for (size_t i = 0; i < targets.size(); ++i) {
      group->members.push_back(std::make_unique<GroupMember>(
          group->ejection, known[i], std::string(targets[i].provider),
          std::string(targets[i].model)));
    }
    found = groups_.emplace(std::move(key), std::move(group)).first;
  }
  std::vector<GroupMember*> members;
  for (const auto& member : found->second->members) {
    members.push_back(member.get());
  }
  return members;
}

void OutlierGroups::SetOptions(
    const std::optional<OutlierEjection::Options>& options,
    absl::Duration now) {
  MutexLock lock(mu_);
  options_ = options;
  if (!options.has_value()) return;
  for (const auto& [key, group] : groups_) {
    group->ejection.SetOptions(*options, now);
  }
}

std::vector<OutlierGroups::Standing> OutlierGroups::Read(
    absl::Duration now) const {
  std::vector<Standing> standings;
  MutexLock lock(mu_);
  if (!options_.has_value()) return standings;
  for (const auto& [key, group] : groups_) {
    for (OutlierEjection::Snapshot& state : group->ejection.Read(now)) {
      const size_t slash = state.name.find('/');
      standings.push_back({.provider = state.name.substr(0, slash),
                           .model = state.name.substr(slash + 1),
                           .state = std::move(state)});
    }
  }
  return standings;
}

void OutlierGroups::Reset(std::string_view provider, std::string_view model,
                          absl::Duration now) {
  MutexLock lock(mu_);
  for (const auto& [key, group] : groups_) {
    for (const auto& member : group->members) {
      if (member->provider() != provider) continue;
      if (!model.empty() && !member->model().empty() &&
          member->model() != model) {
        continue;
      }
      member->Reset(now);
    }
  }
}

}  // namespace gateway
