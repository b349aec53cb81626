// How full a call makes its model's context, and what a Context Management
// Service is to do with it. The gateway tells the tier, to callers and to
// providers that are behind such a service; it never asks the service to
// process anything.
//
//   const ContextUse use = {.tokens = 3000, .limit = 8192};
//   const ContextPlan plan = PlanContext(use, mode);
//   if (plan.needs_service && !service_is_well) ...   // UNAVAILABLE.
//
//   tier   tokens of the limit   action where the caller leaves it to us
//   1      less than 25 %        none
//   2      from 25 %             validate
//   3      from 50 %             optimize
//   4      from 75 %             plan
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONTEXT_CONTEXT_TIER_H_
#define SERVICE_CONTEXT_CONTEXT_TIER_H_

#include <cstdint>
#include <string_view>

namespace gateway {

// What a caller wants done with its context, as `x-cms-mode` says.
enum class ContextMode { kNone, kValidate, kOptimize, kPlan, kAuto };

// What is done with it: a mode other than kAuto.
using ContextAction = ContextMode;

// Returns the mode of that name, whatever its case and the space around it;
// kAuto for any other text.
ContextMode ContextModeOf(std::string_view text);

// Returns `none`, `validate`, `optimize`, `plan` or `auto`.
std::string_view ContextModeName(ContextMode mode);

struct ContextUse {
  int64_t tokens = 0;
  int64_t limit = 0;
};

struct ContextPlan {
  int tier = 1;  // 1 to 4.
  ContextAction action = ContextAction::kNone;
  // The call is to go by the service.
  bool routed = false;
  // It cannot be served without the service.
  bool needs_service = false;
};

// Returns 1 to 4; 4 if the limit is not positive.
int ContextTier(const ContextUse& use);

ContextPlan PlanContext(const ContextUse& use, ContextMode mode);

// Returns what is left of the limit, in percent, rounded down; 0 if nothing is,
// or the limit is not positive.
int HeadroomPercent(const ContextUse& use);

// Returns whether more than 85 % of the limit is used: so much that an answer
// may not find room.
bool IsNearlyFull(const ContextUse& use);

}  // namespace gateway

#endif  // SERVICE_CONTEXT_CONTEXT_TIER_H_
