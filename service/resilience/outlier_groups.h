// OutlierGroups are the groups of targets that are compared with each other:
// one for the targets that share a rule's calls (outlier_ejection.h says how).
//
//   OutlierGroups groups(options);
//   const auto members = groups.Find({{"openai", "a"}, {"azure", "a"}}, now);
//   members[0]->WeightPermille(now);     // 0: not to be asked.
//   members[0]->RecordFault(loop.Now());
//
// Rules with the same targets are one group, and so is a rule before and after
// another configuration. A group is never forgotten, so that calls and
// configurations may keep its members; there is a limit of members, and targets
// beyond it are not compared.
//
// Thread-safe. Who has a member takes no lock to ask for its weight.

#ifndef SERVICE_RESILIENCE_OUTLIER_GROUPS_H_
#define SERVICE_RESILIENCE_OUTLIER_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/resilience/outlier_ejection.h"

namespace gateway {

// A target as one of a group. Stays where it is.
class GroupMember {
 public:
  // `group` must outlive it.
  GroupMember(OutlierEjection& group,
              std::shared_ptr<OutlierEjection::Target> target,
              std::string provider, std::string model)
      : group_(group),
        target_(std::move(target)),
        provider_(std::move(provider)),
        model_(std::move(model)) {}

  // As the rule names them; the model is empty for the caller's.
  const std::string& provider() const { return provider_; }
  const std::string& model() const { return model_; }

  // If not, its weight is the whole at any time.
  bool was_ejected() const { return OutlierEjection::WasEjected(*target_); }
  // What of the target's weight counts; 0 while it is ejected.
  int WeightPermille(absl::Duration now) const {
    return group_.Weight(*target_, now);
  }

  void RecordSuccess(absl::Duration now,
                     std::optional<absl::Duration> latency) {
    group_.RecordSuccess(*target_, now, latency);
    group_.Sweep(now);
  }
  void RecordFault(absl::Duration now) {
    group_.RecordFault(*target_, now);
    group_.Sweep(now);
  }
  void Reset(absl::Duration now) { group_.Reset(*target_, now); }

 private:
  OutlierEjection& group_;
  const std::shared_ptr<OutlierEjection::Target> target_;
  const std::string provider_;
  const std::string model_;
};

class OutlierGroups {
 public:
  static constexpr size_t kMembersMax = 65'536;

  // Views, as a rule names its target.
  struct Name {
    std::string_view provider;
    std::string_view model;
  };

  // How it stands with a member at one moment.
  struct Standing {
    std::string provider;
    std::string model;
    OutlierEjection::Snapshot state;
  };

  // Without options, targets are not compared so far.
  explicit OutlierGroups(
      const std::optional<OutlierEjection::Options>& options)
      : options_(options) {}
  OutlierGroups(const OutlierGroups&) = delete;
  OutlierGroups& operator=(const OutlierGroups&) = delete;

  // Returns the members for these targets, in their order; none if there are
  // too many, or if one is named twice. Whoever does not want them compared
  // does not ask.
  std::vector<GroupMember*> Find(const std::vector<Name>& targets,
                                 absl::Duration now) LOCKS_EXCLUDED(mu_);

  // Another configuration's settings; without them targets are not compared any
  // more, and nothing is shown of those that were.
  void SetOptions(const std::optional<OutlierEjection::Options>& options,
                  absl::Duration now) LOCKS_EXCLUDED(mu_);

  // All members, of all groups, in the order of their names; none while targets
  // are not compared.
  std::vector<Standing> Read(absl::Duration now) const LOCKS_EXCLUDED(mu_);

  // Takes a target back, in all its groups; all of the provider if `model` is
  // empty. One that a rule names without a model is taken back with any.
  void Reset(std::string_view provider, std::string_view model,
             absl::Duration now) LOCKS_EXCLUDED(mu_);

 private:
  struct Group {
    explicit Group(const OutlierEjection::Options& options)
        : ejection(options) {}

    OutlierEjection ejection;
    std::vector<std::unique_ptr<GroupMember>> members;
  };

  mutable Mutex mu_;
  std::optional<OutlierEjection::Options> options_ GUARDED_BY(mu_);
  // By the names of their targets.
  std::map<std::string, std::unique_ptr<Group>> groups_ GUARDED_BY(mu_);
  size_t members_ GUARDED_BY(mu_) = 0;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_OUTLIER_GROUPS_H_
