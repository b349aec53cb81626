#include "service/budgets/shared_scope.h"

#include <algorithm>

namespace gateway {
namespace {

int64_t Difference(int64_t a, int64_t b) { return SaturatingSum(a, -b); }

// One of the two numbers that a claim has.
struct Stretch {
  int64_t limit = 0;
  int64_t own = 0;
  int64_t wanted = 0;
  int64_t others_taken = 0;
  int64_t others_granted = 0;
  int64_t claim = 0;
  int64_t base = 0;
};

// As far as the claims of the others leave it.
int64_t LeftToThis(const Stretch& of) {
  return Difference(of.limit,
                    SaturatingSum(of.others_taken, of.others_granted));
}

// Up to where this replica's part goes of what was left when it was settled.
int64_t PartEnd(const Stretch& of, int64_t replicas) {
  const int64_t left =
      std::max<int64_t>(Difference(LeftToThis(of), of.base), 0);
  return SaturatingSum(of.base, left / replicas);
}

// How much more may be taken by what was promised; negative where more than
// that is taken.
int64_t RoomOf(const Stretch& of, const BudgetSharing& sharing) {
  int64_t end = std::min(of.claim, LeftToThis(of));
  if (sharing.away) end = std::max(end, PartEnd(of, sharing.replicas));
  return Difference(end, of.own);
}

// How much of what is left is to be promised.
int64_t PartOf(const Stretch& of, const BudgetSharing& sharing) {
  const int64_t end =
      sharing.is_settled() ? LeftToThis(of) : PartEnd(of, sharing.replicas);
  const int64_t left = std::max<int64_t>(Difference(end, of.own), 0);
  return std::min(left, std::max(left / sharing.replicas, of.wanted));
}

}  // namespace

bool SharedScope::MayTake(const BudgetAmounts& own, const BudgetAmounts& wanted,
                          LimitUnit unit, const BudgetTerms& limits,
                          const BudgetSharing& sharing, Shortage* shortage) {
  limits_ = limits;
  if (unit != unit_) {
    unit_ = unit;
    claim_.units = told_.units = base_.units = 0;
    sent_.reset();
  }
  const BudgetAmounts taken = others.taken();
  bool fits = true;
  const bool is_settled = sharing.is_settled();
  if (is_settled) base_ = told_;
  // One call more: where it is the first beyond what the others leave.
  bool fits_alone = sharing.joined && (!is_settled || takes_ == told_takes_);
  const auto check = [&](const Stretch& of, bool of_turns) {
    const int64_t room = RoomOf(of, sharing);
    if (fits && room < of.wanted) {
      *shortage = {of_turns, std::max<int64_t>(room, 0)};
    }
    fits = fits && of.wanted <= room;
    fits_alone = fits_alone && of.own <= LeftToThis(of) &&
                 (is_settled || of.own <= of.base);
  };
  if (limits.limit.has_value()) {
    check({.limit = *limits.limit,
           .own = own.In(unit),
           .wanted = wanted.In(unit),
           .others_taken = taken.In(unit),
           .others_granted = others.granted.units,
           .claim = claim_.units,
           .base = base_.units},
          /*of_turns=*/false);
  }
  if (limits.turn_limit.has_value()) {
    check({.limit = *limits.turn_limit,
           .own = own.turns,
           .wanted = wanted.turns,
           .others_taken = taken.turns,
           .others_granted = others.granted.turns,
           .claim = claim_.turns,
           .base = base_.turns},
          /*of_turns=*/true);
  }
  if (fits || fits_alone) return true;
  has_news = true;
  wanted_.units = SaturatingSum(wanted_.units, wanted.In(unit));
  wanted_.turns = SaturatingSum(wanted_.turns, wanted.turns);
  return false;
}

BudgetClaim SharedScope::Promise(const BudgetAmounts& own,
                                 const BudgetSharing& sharing) {
  const BudgetClaim taken = In(own);
  const BudgetAmounts of_others = others.taken();
  BudgetClaim granted;
  // What is not used is given back.
  const bool is_used = takes_ != told_takes_ || wanted_ != BudgetClaim();
  if (is_used && limits_.limit.has_value()) {
    granted.units = PartOf({.limit = *limits_.limit,
                            .own = taken.units,
                            .wanted = wanted_.units,
                            .others_taken = of_others.In(unit_),
                            .others_granted = others.granted.units,
                            .base = base_.units},
                           sharing);
  }
  if (is_used && limits_.turn_limit.has_value()) {
    granted.turns = PartOf({.limit = *limits_.turn_limit,
                            .own = taken.turns,
                            .wanted = wanted_.turns,
                            .others_taken = of_others.turns,
                            .others_granted = others.granted.turns,
                            .base = base_.turns},
                           sharing);
  }
  wanted_ = {};
  granted_ = granted;
  sent_ = {.own = taken,
           .granted = granted,
           .takes = takes_,
           .is_settled = sharing.is_settled()};
  claim_.units =
      std::min(claim_.units, SaturatingSum(taken.units, granted.units));
  claim_.turns =
      std::min(claim_.turns, SaturatingSum(taken.turns, granted.turns));
  return granted;
}

void SharedScope::Confirm() {
  if (!sent_.has_value()) return;
  told_ = sent_->own;
  claim_ = {.units = SaturatingSum(told_.units, sent_->granted.units),
            .turns = SaturatingSum(told_.turns, sent_->granted.turns)};
  told_takes_ = sent_->takes;
  if (sent_->is_settled) base_ = told_;
  sent_.reset();
}

ReplicaSpend* SharedScope::Find(const std::string& replica) {
  for (ReplicaSpend& each : replicas) {
    if (each.replica == replica) return &each;
  }
  return nullptr;
}

ReplicaSpend& SharedScope::FindOrMake(const std::string& replica) {
  ReplicaSpend* const known = Find(replica);
  if (known != nullptr) return *known;
  return replicas.emplace_back(ReplicaSpend{.replica = replica});
}

void SharedScope::Forget(const std::string& replica) {
  replicas.erase(std::remove_if(replicas.begin(), replicas.end(),
                                [&](const ReplicaSpend& each) {
                                  return each.replica == replica;
                                }),
                 replicas.end());
}

void SharedScope::Expire(const BudgetAmounts& spent) {
  const BudgetClaim gone = In(spent);
  const auto reduce = [&gone](BudgetClaim& claim) {
    claim.units = Difference(claim.units, gone.units);
    claim.turns = Difference(claim.turns, gone.turns);
  };
  reduce(claim_);
  reduce(told_);
  reduce(base_);
  if (sent_.has_value()) reduce(sent_->own);
}

void SharedScope::BeginAnew() {
  claim_ = told_ = base_ = granted_ = {};
  sent_.reset();
}

BudgetSpend MergedSpend(const BudgetWindow& window, const BudgetSpend& own,
                        const BudgetSpend& others) {
  if (others.start() == 0) return own;
  if (own.start() == 0) return others;
  BudgetSpend merged = own;
  if (window.rolls()) {
    for (const BudgetSpend::Step& step : others.steps()) {
      merged.Add(window, step.start, others.last_time(), step.amounts);
    }
  } else if (window.kind() == BudgetWindow::Kind::kNone) {
    // Each has a start of its own.
    BudgetAmounts sum = own.sum();
    merged = BudgetSpend::From(std::min(own.start(), others.start()),
                               std::max(own.last_time(), others.last_time()),
                               sum += others.sum(), {});
  } else {
    merged.Add(window, others.start(), others.last_time(), others.sum());
  }
  return merged;
}

}  // namespace gateway
