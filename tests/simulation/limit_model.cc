#include "tests/simulation/limit_model.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// The gateway makes up for its rounding by as much, and rounds by as much.
constexpr int64_t kRoundingNanos = 1000;

absl::int128 NanosOf(absl::Duration duration) {
  return absl::ToInt64Nanoseconds(duration);
}

}  // namespace

std::string LimitModel::Asks(size_t call, const std::string& provider,
                             absl::Duration now) {
  std::string broken;
  if (!calls_[call].is_in) {
    calls_[call].is_in = true;
    broken = TakeAll(/*of_providers=*/false, call, provider, now);
  }
  const std::string of_provider =
      TakeAll(/*of_providers=*/true, call, provider, now);
  return broken.empty() ? of_provider : broken;
}

void LimitModel::Ends(size_t call) {
  CallState& state = calls_[call];
  if (!state.is_in || state.has_ended) return;
  state.has_ended = true;
  for (size_t i = 0; i < scenario_.limits.size(); ++i) {
    if (scenario_.limits[i].counts_calls) --BucketOf(i, call, "").under_way;
  }
}

std::string LimitModel::Refuses(size_t call, absl::Duration now) {
  if (MayBeFull(/*of_providers=*/false, call, "", now)) return "";
  const ScenarioRoute& route = scenario_.routes[scenario_.calls[call].route];
  for (const ScenarioTarget& target : route.targets) {
    if (MayBeFull(/*of_providers=*/true, call, target.provider, now)) continue;
    return absl::StrCat("call ", call,
                        " is refused by a limit, and none of its own nor of ",
                        target.provider, " is full");
  }
  return "";
}

LimitModel::Bucket& LimitModel::BucketOf(size_t limit, size_t call,
                                         const std::string& provider) {
  const ScenarioLimit& rule = scenario_.limits[limit];
  const ScenarioCall& scripted = scenario_.calls[call];
  return buckets_[{limit,
                   absl::StrCat(rule.per_user ? scripted.user : 0, "/",
                                rule.per_session ? scripted.session : 0, "/",
                                rule.per_provider ? provider : "")}];
}

LimitModel::Room LimitModel::RoomIn(size_t limit, size_t call,
                                    const std::string& provider,
                                    absl::Duration now) {
  const ScenarioLimit& rule = scenario_.limits[limit];
  Bucket& bucket = BucketOf(limit, call, provider);
  if (rule.counts_calls) {
    return bucket.under_way < rule.limit ? Room::kSome : Room::kNone;
  }
  bucket.level = std::max<absl::int128>(
      bucket.level - rule.limit * NanosOf(now - bucket.at), 0);
  bucket.at = now;
  const absl::int128 left =
      (rule.burst - 1) * NanosOf(rule.window) - bucket.level;
  const absl::int128 rounding = rule.limit * kRoundingNanos;
  if (left >= rounding) return Room::kSome;
  return left < -rounding ? Room::kNone : Room::kUnsure;
}

std::string LimitModel::TakeAll(bool of_providers, size_t call,
                                const std::string& provider,
                                absl::Duration now) {
  std::string broken;
  for (size_t i = 0; i < scenario_.limits.size(); ++i) {
    const ScenarioLimit& rule = scenario_.limits[i];
    if (rule.per_provider != of_providers) continue;
    const Room room = RoomIn(i, call, provider, now);
    if (room == Room::kNone && !rule.observes) {
      broken = absl::StrCat("call ", call, " is let in, and the limit ", i,
                            " is full");
    }
    // What only observes counts what conforms.
    if (rule.observes && room == Room::kNone) continue;
    Bucket& bucket = BucketOf(i, call, provider);
    if (rule.counts_calls) {
      ++bucket.under_way;
    } else {
      bucket.level += NanosOf(rule.window);
    }
  }
  return broken;
}

bool LimitModel::MayBeFull(bool of_providers, size_t call,
                           const std::string& provider, absl::Duration now) {
  for (size_t i = 0; i < scenario_.limits.size(); ++i) {
    const ScenarioLimit& rule = scenario_.limits[i];
    if (rule.observes || rule.per_provider != of_providers) continue;
    if (RoomIn(i, call, provider, now) != Room::kSome) return true;
  }
  return false;
}

}  // namespace gateway
