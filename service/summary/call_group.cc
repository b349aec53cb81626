#include "service/summary/call_group.h"

#include "base/text/utf8.h"

namespace gateway {
namespace {

constexpr std::string_view CallGroup::* kNames[] = {
    &CallGroup::agent_type, &CallGroup::provider, &CallGroup::model,
    &CallGroup::project_id, &CallGroup::caller};

}  // namespace

CallGroup CutGroup(const CallGroup& group) {
  CallGroup cut = group;
  for (const auto name : kNames) {
    cut.*name = CutText(group.*name, kGroupNameBytesMax);
  }
  return cut;
}

CallGroup WithoutMadeUpNames(const CallGroup& group) {
  CallGroup without = group;
  for (const auto name : {&CallGroup::agent_type, &CallGroup::project_id}) {
    if (!(without.*name).empty()) without.*name = kOtherGroup;
  }
  return without;
}

OwnedCallGroup::OwnedCallGroup(const CallGroup& group) : group_(group) {
  size_t bytes = 0;
  for (const auto name : kNames) bytes += (group.*name).size();
  texts_.reserve(bytes);  // So that nothing moves below.
  for (const auto name : kNames) {
    const size_t begin = texts_.size();
    texts_ += group.*name;
    group_.*name = std::string_view(texts_).substr(begin);
  }
}

}  // namespace gateway
