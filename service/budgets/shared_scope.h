// SharedScope is what a replica knows of a scope that others charge, too
// (docs/adr/0032-budgets-are-promised.md): what they have told, and how much
// of what is left is promised to this replica.
//
//   if (!scope.MayTake(own, wanted, unit, limits, sharing)) ...  // Ask Redis.
//   ...
//   const BudgetClaim granted = scope.Promise(own, sharing);  // Told to Redis,
//   scope.Confirm();                                          // and answered.
//
// A replica tells what it has taken - spent and reserved - and how much more it
// is about to take, which is its claim. It goes up to its claim once Redis has
// it, and no further than the claims of the others leave. So whatever
// replicas claim at the same time, they take no more than there is: of two,
// the later finds the earlier's claim in the answer to its own.
//
// One call beyond that is let in where it fits into what is left by all that
// was told, if nothing was taken since Redis had what this replica has, and
// that is within what the claims of the others leave: it waits for nobody. So
// with n replicas a limit is exceeded by at most n - 1 calls' estimates.
//
// While Redis does not answer, a replica goes on with its part of what was
// left when it was told last, or with one call where that is less. And until it
// is settled - all others have told again what they took meanwhile - it claims
// no more than that part, however often Redis comes and goes.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_SHARED_SCOPE_H_
#define SERVICE_BUDGETS_SHARED_SCOPE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_rule.h"
#include "service/budgets/budget_spend.h"
#include "service/budgets/replica_spend.h"

namespace gateway {

// How a process shares.
struct BudgetSharing {
  bool joined = false;   // What the others have told is known.
  bool away = false;     // Redis does not answer.
  // What the others have taken while it did not, or what it has lost, is told.
  bool settled = true;
  int64_t replicas = 1;  // That may be charging. At least 1.

  bool is_settled() const { return settled && !away; }
};

class SharedScope {
 public:
  // What the others have told.
  struct Others {
    BudgetSpend spend;
    BudgetAmounts reserved;
    BudgetClaim granted;  // What they may take beyond both.

    BudgetAmounts taken() const {
      BudgetAmounts sum = spend.sum();
      return sum += reserved;
    }
  };

  // Why a call may not take what it wants, although there is as much left.
  struct Shortage {
    bool of_turns = false;  // And not of units.
    int64_t room = 0;       // So much this replica may take now.
  };

  Others others;
  // Of each other replica; `others.spend` is what counts of all of them.
  std::vector<ReplicaSpend> replicas;
  // What is to be told has changed, and that it is among what is told next.
  bool has_news = false;
  bool is_untold = false;
  bool tells_allocation = false;
  // It is in a telling that is not known to have come to others.
  bool is_telling_allocation = false;
  // It may have taken what others cannot know until it is told.
  bool is_owed = false;

  // Whether `wanted` may be taken where `own` is: what this replica has spent
  // and reserved. REQUIRES: it fits into what is left by what was told. If not,
  // the next Promise asks for as much, and `shortage` says why.
  bool MayTake(const BudgetAmounts& own, const BudgetAmounts& wanted,
               LimitUnit unit, const BudgetTerms& limits,
               const BudgetSharing& sharing, Shortage* shortage);
  // It was.
  void Take() {
    ++takes_;
    has_news = true;
  }

  // What is to be told beside `own`: how much more may be taken. From now on
  // the claim is no more than that; Confirm makes it as much.
  BudgetClaim Promise(const BudgetAmounts& own, const BudgetSharing& sharing);
  void Confirm();
  // The unit of the last promise.
  LimitUnit unit() const { return unit_; }
  // Whether something is promised that is to be given back if it is not used.
  bool has_promise() const { return granted_ != BudgetClaim(); }

  // What is known of that one's spending; null if nothing is.
  ReplicaSpend* Find(const std::string& replica);
  ReplicaSpend& FindOrMake(const std::string& replica);
  void Forget(const std::string& replica);

  // So much of what was spent here counts no more; all of it, since the window
  // is over or given back.
  void Expire(const BudgetAmounts& spent);
  void BeginAnew();
  // Redis may not know what it was told.
  void Distrust() {
    claim_ = told_ = granted_ = {};
    sent_.reset();
    Take();
  }

 private:
  struct Sent {
    BudgetClaim own;
    BudgetClaim granted;
    uint32_t takes = 0;
    bool is_settled = false;
  };

  BudgetClaim In(const BudgetAmounts& amounts) const {
    return {.units = amounts.In(unit_), .turns = amounts.turns};
  }

  // What the last call was to stay within.
  LimitUnit unit_ = ::llmgateway::config::v1::LIMIT_UNIT_UNSPECIFIED;
  BudgetTerms limits_;
  // Up to where this replica may go, as Redis has it, and where it was then.
  BudgetClaim claim_;
  BudgetClaim told_;
  // Where it was when it was settled and told last.
  BudgetClaim base_;
  BudgetClaim granted_;  // Redis may have it.
  BudgetClaim wanted_;   // By calls that wait.
  uint32_t takes_ = 0;
  uint32_t told_takes_ = 0;
  std::optional<Sent> sent_;
};

// What all have spent, of what this replica and the others have.
BudgetSpend MergedSpend(const BudgetWindow& window, const BudgetSpend& own,
                        const BudgetSpend& others);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_SHARED_SCOPE_H_
