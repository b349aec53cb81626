// CallGroup says what some calls have in common, by which their sums are told
// apart.
//
//   const CallGroup group = {.agent_type = "code-reviewer",
//                            .provider = "anthropic",
//                            .model = "claude-sonnet-4-5"};
//   OwnedCallGroup kept(group);
//   kept.group() == group;
//
// Plain data. A CallGroup borrows its texts, an OwnedCallGroup owns them.

#ifndef SERVICE_SUMMARY_CALL_GROUP_H_
#define SERVICE_SUMMARY_CALL_GROUP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/string_view.h"

namespace gateway {

// What stands for all that is not told apart.
inline constexpr std::string_view kOtherGroup = "other";

struct CallGroup {
  // Each empty where the call does not say, or went nowhere.
  std::string_view agent_type;
  std::string_view provider;
  std::string_view model;  // As the provider calls it.
  std::string_view project_id;
  std::string_view caller;
  // The caller has shown a key, whose id `caller` is.
  bool caller_has_key = false;

  bool operator==(const CallGroup&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const CallGroup& group) {
    return H::combine(std::move(state), ToAbsl(group.agent_type),
                      ToAbsl(group.provider), ToAbsl(group.model),
                      ToAbsl(group.project_id), ToAbsl(group.caller),
                      group.caller_has_key);
  }
};

// Callers choose some of the names: longer ones are cut.
inline constexpr size_t kGroupNameBytesMax = 256;

// The same group, with names that are not longer than that.
CallGroup CutGroup(const CallGroup& group);

// The same group without the names that callers make up: the agent's and the
// project's are `other`, where there is one.
CallGroup WithoutMadeUpNames(const CallGroup& group);

class OwnedCallGroup {
 public:
  explicit OwnedCallGroup(const CallGroup& group);

  OwnedCallGroup(const OwnedCallGroup&) = delete;
  OwnedCallGroup& operator=(const OwnedCallGroup&) = delete;

  // Valid as long as this object.
  const CallGroup& group() const { return group_; }

 private:
  std::string texts_;
  CallGroup group_;
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_CALL_GROUP_H_
