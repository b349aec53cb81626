// Balancer chooses among the targets that one name stands for.
//
//   const Balancer balancer(BalancingStrategy::kLeastRequests,
//                           {{.name = "openai/gpt-5", .weight = 3},
//                            {.name = "azure/gpt-5"},
//                            {.name = "openrouter/gpt-5", .priority = 1}});
//   const auto load_of = [&](size_t target) -> TargetLoad { ... };
//   std::optional<BalancingChoice> choice =
//       balancer.Choose({.random = random}, load_of);
//   choice->target;  // 0, 1, or, while neither can be used, 2.
//   // After it has failed, the next one, by what is known then:
//   choice = balancer.Choose({.random = random, .asked = {0}}, load_of);
//
// Targets with a smaller priority number come first; a target of the next
// number is chosen only if none of the smaller one can be. Among those of one
// number the strategy decides. A target that cannot be used, or was asked
// before, is never chosen; if that leaves none, neither is there a choice.
//
// One that had better be avoided - it does worse than the others, or its
// provider does not answer probes - is chosen only if no other can be, of
// whatever priority.
//
// A target in slow start has a part of its weight. No target that can be used
// is without any: it has at least a thousandth of its weight.
//
// What a target's load is, is asked only of targets that are looked at: of two
// where the strategy takes the better of two, of at most 16 where it compares
// more. A choice allocates nothing, and costs with a thousand targets what it
// costs with sixteen, unless most of them cannot be used: then all are looked
// at.
//
// Thread-safe: immutable, but for whose turn it is (weighted_turns.h).

#ifndef SERVICE_ROUTING_BALANCING_H_
#define SERVICE_ROUTING_BALANCING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/random.h"
#include "service/routing/hash_ring.h"
#include "service/routing/weighted_turns.h"

namespace gateway {

enum class BalancingStrategy {
  // At random, each as often as its weight says.
  kWeighted,
  // In turn, each as often as its weight says.
  kRoundRobin,
  // The one with fewer calls in flight for its weight, of two that are drawn by
  // weight.
  kLeastRequests,
  // By weight among those whose latency is within a tenth of the lowest; of
  // more than 16 targets, of the lowest of eight that are drawn by weight. One
  // that has not been measured is asked first, but by one call at a time.
  kLowestLatency,
  // The lowest price; by weight where several have it.
  kCheapest,
  // The same for the same key, as far as it has room: the first that follows
  // the key's hash on a ring and has no more than 1.25 times its share, by
  // weight, of the calls in flight.
  kSticky,
};

struct BalancedTarget {
  // No two are the same. A sticky target's place depends on it. Not kept.
  std::string_view name;
  uint32_t weight = 1;  // 1 to 1,000.
  int priority = 0;
  // Of a typical call, in nano-US-dollars. Without one it is dearer than any.
  std::optional<int64_t> price_usd_nanos;
};

// What is known of a target when it is looked at.
struct TargetLoad {
  // False while its breaker is open, its credential rests, it is disabled, or
  // it cannot serve the request.
  bool usable = true;
  // True if it is not usable until somebody acts: it is disabled, or its
  // breaker is forced open.
  bool out_of_use = false;
  // True if others had better be asked.
  bool avoided = false;
  // How much of its weight counts: less than all in slow start.
  uint32_t weight_permille = 1000;
  uint32_t in_flight = 0;
  // A moving average of times to the first token; zero if it has none, or none
  // that is recent, so that one that was slow once is measured again.
  absl::Duration latency;
};

struct BalancingQuery {
  Random& random;
  // See StickyHash(). Without one, sticky is weighted.
  std::optional<uint64_t> sticky_hash = {};
  // Targets that this call has asked already.
  absl::Span<const size_t> asked = {};
};

struct BalancingChoice {
  size_t target;            // By the order in which they were configured.
  std::string_view reason;  // A few words for operators; lives for ever.
};

// What keeps calls together.
enum class StickyBy { kCaller, kUser, kSession, kPromptPrefix };

// So many bytes of a prompt decide: those that agree in them go together.
inline constexpr size_t kStickyPromptBytesMax = 1024;

// Returns the hash of a key, which is the same in all replicas.
uint64_t StickyHash(StickyBy by, std::string_view key);

class Balancer {
 public:
  using LoadOf = absl::FunctionRef<TargetLoad(size_t target)>;

  // So many targets are compared at most.
  static constexpr size_t kComparedMax = 16;

  // A sticky target with fewer calls in flight is never too busy, whatever its
  // share: two calls of one session at once stay together.
  static constexpr uint32_t kStickyInFlightMin = 8;

  // REQUIRES: at most 65,536 targets.
  Balancer(BalancingStrategy strategy,
           absl::Span<const BalancedTarget> targets);

  // Chooses the target of one call. None if none is left that can be used.
  std::optional<BalancingChoice> Choose(const BalancingQuery& query,
                                        LoadOf load_of) const;

  // The same for operators who ask: takes no turn.
  std::optional<BalancingChoice> Preview(const BalancingQuery& query,
                                         LoadOf load_of) const;

  // Returns up to so many targets: the one that would be chosen, the one after
  // it if it failed, and so on, by what is known now. Takes no turn.
  absl::InlinedVector<BalancingChoice, 8> Order(const BalancingQuery& query,
                                                LoadOf load_of,
                                                size_t count_max) const;

 private:
  // Targets among which there is a choice: of one priority and, for kCheapest,
  // one price.
  struct Group {
    std::vector<uint32_t> members;
    // Sums of the weights up to each member, in thousandths.
    std::vector<uint64_t> weight_sums;
    std::unique_ptr<WeightedTurns> turns;  // Of kRoundRobin only.
    std::unique_ptr<HashRing> ring;        // Of kSticky only.
  };
  static constexpr uint32_t kNobody = UINT32_MAX;

  struct Call;
  struct Looked;
  class LookedTargets;

  void AddGroup(absl::Span<const BalancedTarget> targets,
                std::vector<uint32_t> members);

  std::optional<BalancingChoice> ChooseBy(const Call& call) const;
  std::optional<BalancingChoice> ChooseIn(const Group& group,
                                          const Call& call) const;
  std::optional<BalancingChoice> ChooseByTurn(const Group& group,
                                              const Call& call) const;
  std::optional<BalancingChoice> ChooseByRequests(const Group& group,
                                                  const Call& call) const;
  std::optional<BalancingChoice> ChooseByLatency(const Group& group,
                                                 const Call& call) const;
  std::optional<BalancingChoice> ChooseSticky(const Group& group,
                                              const Call& call) const;

  // Draws a member that can be asked, by weight; never `excluded`. None if
  // there is none.
  std::optional<Looked> Draw(const Group& group, const Call& call,
                             uint32_t excluded = kNobody) const;
  // The same by looking at all of them, once at each.
  std::optional<Looked> DrawFromAll(const Group& group, const Call& call,
                                    uint32_t excluded) const;
  // A choice that is drawn by weight.
  std::optional<BalancingChoice> ChooseDrawn(const Group& group,
                                             const Call& call,
                                             std::string_view reason) const;

  // Returns what is known of a target; nothing if it cannot be asked.
  std::optional<Looked> Look(uint32_t target, const Call& call) const;

  const BalancingStrategy strategy_;
  std::vector<uint32_t> weights_;  // By target.
  std::vector<Group> groups_;      // The one to be asked first, first.
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_BALANCING_H_
