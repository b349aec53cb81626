// Rollout says which callers are in the share that a new way is rolled out to.
//
//   const Rollout rollout(1250);          // 12.50 %
//   if (!rollout.Includes("team-a")) ...  // Goes to the baseline.
//
// Each subject has a place between 0 and 9,999, by a hash that never changes
// (service/routing/stable_hash.h), and is included if its place is below the
// share. So one who is in stays in while the share grows, and one who is out
// stays out while it shrinks, in all replicas and after restarts.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_ROLLOUT_H_
#define SERVICE_ROUTING_ROLLOUT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway {

// Returns by what a call is placed: who calls, or the user that it names, or,
// where neither is known, its own id.
std::string_view RolloutSubject(std::string_view caller,
                                std::string_view user_id,
                                std::string_view request_id);

class Rollout {
 public:
  // Hundredths of a percent of all.
  static constexpr int kAll = 10'000;

  // REQUIRES: 0 <= share <= kAll, in hundredths of a percent.
  explicit Rollout(int share);

  bool Includes(std::string_view subject) const {
    return share_ == kAll || PlaceOf(subject) < share_;
  }

  // Returns the subject's place in [0, kAll): the share from which on it is not
  // yet included.
  static int PlaceOf(std::string_view subject);

  // Returns so many percent in hundredths. None if it is not within 0 and 100,
  // or has more than two decimals.
  static std::optional<int> ShareOf(double percent);

  int share() const { return share_; }

 private:
  int share_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROLLOUT_H_
