// FallbackPlan says whom a call asks next after a target has failed it.
//
//   FallbackPlan plan(group, chain, common_chain, "gpt-5");
//   std::optional<FallbackStep> step = plan.First(lacks);
//   ... // It fails: the prompt is too long for it.
//   step = plan.Next(FailureKind::kContextLength, lacks);
//   step->target.model;  // "gpt-5-long"
//   step->reason;        // "context_length fallback of the rule"
//
// Where it looks, in this order, for the first target that was not asked yet:
//
//   after          | group | rule, common  | rule, common
//                  |       | by this kind  | by any
//   ---------------+-------+---------------+-------------
//   other          |  1st  |               |  2nd
//   rate_limit     |  1st  |  2nd          |  3rd
//   context_length |  2nd  |  1st          |  3rd
//   content_policy |       |  1st          |
//
// The group is the other targets of the same name, in the order in which they
// are to be tried; the rule's chain comes before the one common to all. A
// refusal of content is an answer: it goes to another model only where the
// configuration says so, and after one that stays so for the whole call. A
// model for which the prompt was too long is not asked again at another
// provider.
//
// No provider is asked for a model twice, so there are no cycles, and there are
// at most 16 targets behind the first. A target of a chain that names no model
// stands for its provider, and is asked for the caller's model unless the
// provider was asked for any. One that lacks what the request needs is passed
// over, as the caller's predicate says. One whose provider fails its probes
// comes behind the others of its chain.
//
// Thread-compatible: one call's own. Borrows all texts and targets. A call that
// needs no more than four targets allocates nothing, unless steps are kept.

#ifndef SERVICE_ROUTING_FALLBACK_PLAN_H_
#define SERVICE_ROUTING_FALLBACK_PLAN_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "service/routing/group_order.h"
#include "service/routing/route_target.h"
#include "service/routing/target_health.h"

namespace gateway {

// Why a target failed, as far as it matters for who is asked next.
enum class FailureKind { kOther, kRateLimit, kContextLength, kContentPolicy };

// Whom to ask when all of a group have failed, by the kind of failure. Those
// for a kind come before those for any.
struct FallbackChain {
  absl::Span<const RouteTarget> any;
  absl::Span<const RouteTarget> rate_limit;
  absl::Span<const RouteTarget> context_length;
  absl::Span<const RouteTarget> content_policy;
};

struct FallbackStep {
  RouteTarget target;       // With a model.
  std::string_view reason;  // Where it comes from; lives for ever.
};

// A target that was considered, for operators who ask why.
struct ConsideredFallback {
  RouteTarget target;
  std::string_view source;  // As FallbackStep::reason.
  // `chosen`, `asked already`, `the prompt was too long for this model`,
  // `behind the limit of 16 fallbacks`, or what it lacks.
  std::string outcome;
};

class FallbackPlan {
 public:
  static constexpr size_t kFallbacksMax = 16;

  // Returns what of the request's needs a target lacks, such as "no tools"; an
  // empty text if it lacks nothing.
  using Lacks = absl::FunctionRef<std::string_view(const RouteTarget&)>;

  // `health`, if not null, says who fails probes. `considered`, if not null,
  // receives each target that is looked at. Borrows both.
  FallbackPlan(GroupOrder& group, const FallbackChain& rule,
               const FallbackChain& common, std::string_view caller_model,
               const TargetHealth* health = nullptr,
               std::vector<ConsideredFallback>* considered = nullptr);

  // Returns whom to ask first: of the group, or, if all of it lack something,
  // of the chains. None if there is nobody. REQUIRES: nobody was asked yet.
  std::optional<FallbackStep> First(Lacks lacks);

  // Returns whom to ask after the last one failed; none if there is nobody
  // more.
  std::optional<FallbackStep> Next(FailureKind failure, Lacks lacks);

  // Whether Next would return somebody, after a failure that says nothing of
  // the request. Nobody is taken. REQUIRES: those considered are not kept.
  bool HasNext(Lacks lacks);

  // Targets that were given out, the first included.
  size_t asked_count() const { return asked_.size(); }

 private:
  // Remembers what was too long, or refused, for the rest of the call.
  void Keep(FailureKind failure);
  std::optional<FallbackStep> Search(FailureKind failure, Lacks lacks);
  std::optional<FallbackStep> SearchGroup(Lacks lacks);
  std::optional<FallbackStep> SearchIn(absl::Span<const RouteTarget> targets,
                                       std::string_view source, Lacks lacks);
  // Returns the target as it is to be asked, if it is.
  std::optional<FallbackStep> Try(const RouteTarget& configured,
                                  std::string_view source, Lacks lacks);
  // Returns why a target, as configured, is not to be asked; an empty text if
  // it is.
  std::string_view WhyNot(const RouteTarget& target, Lacks lacks) const;
  bool IsAvoided(const RouteTarget& configured) const;
  RouteTarget WithModel(const RouteTarget& target) const;
  bool WasAsked(const RouteTarget& target) const;

  GroupOrder& group_;
  const FallbackChain rule_;
  const FallbackChain common_;
  const std::string_view caller_model_;
  const TargetHealth* const health_;
  std::vector<ConsideredFallback>* const considered_;

  absl::InlinedVector<RouteTarget, 4> asked_;
  // Models for which the prompt was too long.
  absl::InlinedVector<std::string_view, 2> too_small_;
  bool content_refused_ = false;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_FALLBACK_PLAN_H_
