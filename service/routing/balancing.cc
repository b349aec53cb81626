#include "service/routing/balancing.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <tuple>

#include "service/routing/stable_hash.h"

namespace gateway {
namespace {

constexpr uint64_t kWholeWeight = 1000;  // Thousandths.
// How often a draw is repeated that hits a target which cannot be asked, or the
// part of a weight that slow start withholds, before all targets are looked at.
constexpr int kDrawsMax = 8;
// How many turns of such targets pass before one is drawn instead.
constexpr size_t kPassedTurnsMax = 32;
// How many of a large group are compared by their latency.
constexpr int kLatencyDraws = 8;
constexpr size_t kRingPlacesMax = 1024;
// How far above its share a sticky target may be: 5 / 4.
constexpr uint64_t kStickyLoadNumerator = 5;
constexpr uint64_t kStickyLoadDenominator = 4;

uint64_t DrawBelow(Random& random, uint64_t bound) {
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(random.Bits()) * bound) >> 64);
}

// Returns what of a target's weight counts, in thousandths of the weight.
uint64_t PermilleOf(const TargetLoad& load) {
  return std::clamp<uint64_t>(load.weight_permille, 1, kWholeWeight);
}

// Returns whether a target takes part in a choice that does not go by weight:
// in slow start in some of them.
bool TakesPart(const TargetLoad& load, Random& random) {
  const uint64_t permille = PermilleOf(load);
  return permille == kWholeWeight || DrawBelow(random, kWholeWeight) < permille;
}

}  // namespace

uint64_t StickyHash(StickyBy by, std::string_view key) {
  switch (by) {
    case StickyBy::kCaller:
      return StableHash(key, "sticky caller");
    case StickyBy::kUser:
      return StableHash(key, "sticky user");
    case StickyBy::kSession:
      return StableHash(key, "sticky session");
    case StickyBy::kPromptPrefix:
      break;
  }
  return StableHash(key.substr(0, kStickyPromptBytesMax), "sticky prompt");
}

struct Balancer::Call {
  const BalancingQuery& query;
  LoadOf load_of;
  bool takes_turn;
  // Also targets that had better be avoided.
  bool takes_avoided = false;
  // Set if one was passed over for that.
  mutable bool has_avoided = false;
};

struct Balancer::Looked {
  uint32_t target;
  uint64_t weight;
  TargetLoad load;
};

// Some targets of a group, without an allocation.
class Balancer::LookedTargets {
 public:
  void Add(const Looked& looked) { targets_[count_++] = looked; }
  bool Has(uint32_t target) const {
    return std::any_of(begin(), end(), [target](const Looked& looked) {
      return looked.target == target;
    });
  }
  bool full() const { return count_ == kComparedMax; }
  bool empty() const { return count_ == 0; }
  const Looked* begin() const { return targets_.data(); }
  const Looked* end() const { return targets_.data() + count_; }

 private:
  std::array<Looked, kComparedMax> targets_;
  size_t count_ = 0;
};

Balancer::Balancer(BalancingStrategy strategy,
                   absl::Span<const BalancedTarget> targets)
    : strategy_(strategy) {
  assert(targets.size() <= 65'536);
  const auto rank = [&](uint32_t target) {
    const BalancedTarget& is = targets[target];
    const bool by_price = strategy == BalancingStrategy::kCheapest;
    return std::make_tuple(
        is.priority,
        by_price ? is.price_usd_nanos.value_or(INT64_MAX) : int64_t{0});
  };
  std::vector<uint32_t> sorted;
  for (uint32_t target = 0; target < targets.size(); ++target) {
    assert(targets[target].weight > 0);
    weights_.push_back(targets[target].weight);
    sorted.push_back(target);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto end = std::find_if(first, sorted.end(), [&](uint32_t target) {
      return rank(target) != rank(*first);
    });
    AddGroup(targets, std::vector<uint32_t>(first, end));
    first = end;
  }
}

void Balancer::AddGroup(absl::Span<const BalancedTarget> targets,
                        std::vector<uint32_t> members) {
  Group group{.members = std::move(members)};
  uint64_t sum = 0;
  std::vector<uint32_t> weights;
  std::vector<HashRing::Member> on_ring;
  for (const uint32_t target : group.members) {
    sum += weights_[target] * kWholeWeight;
    group.weight_sums.push_back(sum);
    weights.push_back(weights_[target]);
    on_ring.push_back(
        {.name = targets[target].name, .weight = weights_[target]});
  }
  if (strategy_ == BalancingStrategy::kRoundRobin) {
    group.turns = std::make_unique<WeightedTurns>(weights);
  }
  if (strategy_ == BalancingStrategy::kSticky) {
    group.ring = std::make_unique<HashRing>(on_ring);
  }
  groups_.push_back(std::move(group));
}

std::optional<Balancer::Looked> Balancer::Look(uint32_t target,
                                               const Call& call) const {
  std::optional<Looked> looked;
  if (std::find(call.query.asked.begin(), call.query.asked.end(), target) !=
      call.query.asked.end()) {
    return looked;
  }
  const TargetLoad load = call.load_of(target);
  if (!load.usable) return looked;
  if (load.avoided && !call.takes_avoided) {
    call.has_avoided = true;
    return looked;
  }
  looked = {target, weights_[target] * PermilleOf(load), load};
  return looked;
}

std::optional<BalancingChoice> Balancer::Choose(const BalancingQuery& query,
                                                LoadOf load_of) const {
  return ChooseBy({.query = query, .load_of = load_of, .takes_turn = true});
}

std::optional<BalancingChoice> Balancer::Preview(const BalancingQuery& query,
                                                 LoadOf load_of) const {
  return ChooseBy({.query = query, .load_of = load_of, .takes_turn = false});
}

absl::InlinedVector<BalancingChoice, 8> Balancer::Order(
    const BalancingQuery& query, LoadOf load_of, size_t count_max) const {
  absl::InlinedVector<size_t, 8> asked(query.asked.begin(), query.asked.end());
  absl::InlinedVector<BalancingChoice, 8> choices;
  while (choices.size() < count_max && asked.size() < weights_.size()) {
    const std::optional<BalancingChoice> choice =
        Preview({.random = query.random,
                 .sticky_hash = query.sticky_hash,
                 .asked = asked},
                load_of);
    if (!choice.has_value()) break;
    choices.push_back(*choice);
    asked.push_back(choice->target);
  }
  return choices;
}

std::optional<BalancingChoice> Balancer::ChooseBy(const Call& call) const {
  for (const Group& group : groups_) {
    const std::optional<BalancingChoice> choice = ChooseIn(group, call);
    if (choice.has_value()) return choice;
  }
  if (call.takes_avoided || !call.has_avoided) return std::nullopt;
  Call with_avoided = call;
  with_avoided.takes_avoided = true;
  return ChooseBy(with_avoided);
}

std::optional<BalancingChoice> Balancer::ChooseIn(const Group& group,
                                                  const Call& call) const {
  std::string_view reason = "by weight";
  switch (strategy_) {
    case BalancingStrategy::kRoundRobin:
      return ChooseByTurn(group, call);
    case BalancingStrategy::kLeastRequests:
      return ChooseByRequests(group, call);
    case BalancingStrategy::kLowestLatency:
      return ChooseByLatency(group, call);
    case BalancingStrategy::kSticky:
      if (call.query.sticky_hash.has_value()) return ChooseSticky(group, call);
      break;
    case BalancingStrategy::kCheapest:
      reason = "the cheapest that can be asked";
      break;
    case BalancingStrategy::kWeighted:
      break;
  }
  return ChooseDrawn(group, call, reason);
}

std::optional<BalancingChoice> Balancer::ChooseDrawn(
    const Group& group, const Call& call, std::string_view reason) const {
  const std::optional<Looked> drawn = Draw(group, call);
  if (!drawn.has_value()) return std::nullopt;
  return BalancingChoice{drawn->target, reason};
}

std::optional<BalancingChoice> Balancer::ChooseByTurn(const Group& group,
                                                      const Call& call) const {
  for (size_t passed = 0; passed < kPassedTurnsMax; ++passed) {
    const uint32_t target =
        group.members[call.takes_turn ? group.turns->Take()
                                      : group.turns->Peek(passed)];
    const std::optional<Looked> one = Look(target, call);
    if (one.has_value() && TakesPart(one->load, call.query.random)) {
      return BalancingChoice{target, "its turn"};
    }
  }
  return ChooseDrawn(group, call, "by weight, since many turns were passed");
}

std::optional<BalancingChoice> Balancer::ChooseByRequests(
    const Group& group, const Call& call) const {
  const std::optional<Looked> one = Draw(group, call);
  if (!one.has_value()) return std::nullopt;
  const std::optional<Looked> other = Draw(group, call, one->target);
  if (!other.has_value()) {
    return BalancingChoice{one->target, "the only one that can be asked"};
  }
  // As it would be with this call.
  const bool other_is_freer =
      (other->load.in_flight + uint64_t{1}) * one->weight <
      (one->load.in_flight + uint64_t{1}) * other->weight;
  return BalancingChoice{other_is_freer ? other->target : one->target,
                         "fewer in flight, of two"};
}

std::optional<BalancingChoice> Balancer::ChooseByLatency(
    const Group& group, const Call& call) const {
  LookedTargets looked;
  LookedTargets starting;  // In slow start, and not to be asked by this call.
  const auto add = [&](const Looked& one) {
    (TakesPart(one.load, call.query.random) ? looked : starting).Add(one);
  };
  if (group.members.size() <= kComparedMax) {
    for (const uint32_t target : group.members) {
      const std::optional<Looked> one = Look(target, call);
      if (one.has_value()) add(*one);
    }
  } else {
    for (int i = 0; i < kLatencyDraws; ++i) {
      const std::optional<Looked> drawn = Draw(group, call);
      if (!drawn.has_value()) break;
      if (!looked.Has(drawn->target) && !starting.Has(drawn->target)) {
        add(*drawn);
      }
    }
  }
  if (looked.empty()) looked = starting;
  if (looked.empty()) return std::nullopt;

  absl::Duration lowest = absl::InfiniteDuration();
  for (const Looked& one : looked) {
    if (one.load.latency > absl::ZeroDuration()) {
      lowest = std::min(lowest, one.load.latency);
    } else if (one.load.in_flight == 0) {
      return BalancingChoice{one.target, "not measured yet"};
    }
  }
  // If none is measured, they are all within the limit.
  const absl::Duration limit = lowest + lowest / 10;
  const auto is_near = [&](const Looked& one) {
    return lowest == absl::InfiniteDuration() ||
           (one.load.latency > absl::ZeroDuration() &&
            one.load.latency <= limit);
  };
  uint64_t sum = 0;
  for (const Looked& one : looked) sum += is_near(one) ? one.weight : 0;
  uint64_t left = DrawBelow(call.query.random, sum);
  for (const Looked& one : looked) {
    if (!is_near(one)) continue;
    if (left < one.weight) return BalancingChoice{one.target, "lowest latency"};
    left -= one.weight;
  }
  assert(false);
  return std::nullopt;
}

std::optional<BalancingChoice> Balancer::ChooseSticky(const Group& group,
                                                      const Call& call) const {
  // Those that follow the key, and those passed over.
  LookedTargets looked;
  std::array<uint32_t, 2 * kComparedMax> passed;
  size_t passed_count = 0;
  const auto was_passed = [&](uint32_t target) {
    return std::find(passed.begin(), passed.begin() + passed_count, target) !=
           passed.begin() + passed_count;
  };
  uint64_t weights = 0;
  uint64_t in_flight = 0;
  size_t place = group.ring->PlaceOf(*call.query.sticky_hash);
  size_t seen = 0;
  for (size_t i = 0; i < kRingPlacesMax && seen < group.members.size() &&
                     !looked.full() && passed_count < passed.size();
       ++i, place = group.ring->Following(place)) {
    const uint32_t target = group.members[group.ring->MemberAt(place)];
    if (looked.Has(target) || was_passed(target)) continue;
    ++seen;
    const std::optional<Looked> one = Look(target, call);
    if (!one.has_value()) {
      passed[passed_count++] = target;
      continue;
    }
    looked.Add(*one);
    weights += one->weight;
    in_flight += one->load.in_flight;
  }
  for (const Looked& one : looked) {
    // Rounded up. The limits add up to more than there is in flight, so one of
    // them at least has room.
    const uint64_t limit =
        (kStickyLoadNumerator * (in_flight + 1) * one.weight +
         kStickyLoadDenominator * weights - 1) /
        (kStickyLoadDenominator * weights);
    if (one.load.in_flight < std::max<uint64_t>(limit, kStickyInFlightMin)) {
      return BalancingChoice{one.target, &one == looked.begin()
                                             ? "sticky"
                                             : "sticky, but the first is busy"};
    }
  }
  return ChooseDrawn(group, call, "by weight, since many are passed over");
}

std::optional<Balancer::Looked> Balancer::Draw(const Group& group,
                                               const Call& call,
                                               uint32_t excluded) const {
  // Where half of them are out, to look at all is less than to draw in vain.
  const size_t out = call.query.asked.size() + (excluded == kNobody ? 0 : 1);
  if (2 * out >= group.members.size()) {
    return DrawFromAll(group, call, excluded);
  }
  const std::vector<uint64_t>& sums = group.weight_sums;
  for (int i = 0; i < kDrawsMax; ++i) {
    const uint64_t drawn = DrawBelow(call.query.random, sums.back());
    const size_t member =
        std::upper_bound(sums.begin(), sums.end(), drawn) - sums.begin();
    const uint32_t target = group.members[member];
    if (target == excluded) continue;
    const std::optional<Looked> one = Look(target, call);
    if (one.has_value() && sums[member] - drawn <= one->weight) return one;
  }
  return DrawFromAll(group, call, excluded);
}

std::optional<Balancer::Looked> Balancer::DrawFromAll(const Group& group,
                                                      const Call& call,
                                                      uint32_t excluded) const {
  // Each takes the place of the one before it as often as its part of the
  // weights so far: in the end all have had their part.
  std::optional<Looked> drawn;
  uint64_t sum = 0;
  for (const uint32_t target : group.members) {
    if (target == excluded) continue;
    const std::optional<Looked> one = Look(target, call);
    if (!one.has_value()) continue;
    sum += one->weight;
    if (!drawn.has_value() || DrawBelow(call.query.random, sum) < one->weight) {
      drawn = one;
    }
  }
  return drawn;
}

}  // namespace gateway
