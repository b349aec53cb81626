#include "service/routing/rollout.h"

#include <cassert>
#include <cmath>

#include "service/routing/stable_hash.h"

namespace gateway {

std::string_view RolloutSubject(std::string_view caller,
                                std::string_view user_id,
                                std::string_view request_id) {
  if (!caller.empty()) return caller;
  return user_id.empty() ? request_id : user_id;
}

Rollout::Rollout(int share) : share_(share) {
  assert(share >= 0 && share <= kAll);
}

int Rollout::PlaceOf(std::string_view subject) {
  // The upper 32 bits, scaled: no place is likelier than another by more than
  // one in 400,000.
  const uint64_t upper = StableHash(subject, "rollout") >> 32;
  return static_cast<int>((upper * kAll) >> 32);
}

std::optional<int> Rollout::ShareOf(double percent) {
  if (!(percent >= 0 && percent <= 100)) return std::nullopt;
  // 33.33 has no exact double, but one that is nearer than any third decimal.
  const double hundredths = std::round(percent * 100);
  if (std::abs(percent * 100 - hundredths) > 1e-9) return std::nullopt;
  return static_cast<int>(hundredths);
}

}  // namespace gateway
