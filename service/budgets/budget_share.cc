#include "service/budgets/budget_share.h"

namespace gateway {

BudgetMessage BudgetShare::Begin(int64_t now) {
  keys_.clear();
  BudgetMessage message = {.incarnation = incarnation_, .since = since_};
  if (incarnation_ == 0) return message;
  message.sequence = ++sequence_;
  if (!joined_) return message;
  message.tellings = table_.BeginTelling(kScopesMax, now, &keys_);
  message.tells_all = table_.owed() == 0;
  return message;
}

void BudgetShare::SetSharing(bool away) {
  table_.SetSharing({.joined = joined_,
                     .away = away,
                     .settled = settled_,
                     .replicas = count()});
}

void BudgetShare::Join() {
  incarnation_ = sequence_ = answered_ = since_ = 0;
  joined_ = false;
  has_more_ = true;
  SetSharing();
}

void BudgetShare::GoOnAs(const std::string& replica, const BudgetBook& left,
                         int64_t now) {
  GiveUp();
  table_.GoOnAs(replica, left, now);
  options_.replica = replica;
  supersessions_ = 0;
  Join();
}

void BudgetShare::Unsettle() {
  settled_ = false;
  back_since_.reset();
  unheard_ = live_;
  // Who would have been there is not known before.
  heard_min_ = has_joined_ ? 0 : options_.replicas - 1;
}

void BudgetShare::Hear(const BudgetReply& reply) {
  if (settled_) return;
  if (!back_since_.has_value()) back_since_ = reply.time;
  int64_t heard = 0;
  for (const BudgetReply::Seen& seen : reply.replicas) {
    if (seen.replica == options_.replica || seen.told_all < *back_since_) {
      continue;
    }
    unheard_.erase(seen.replica);
    ++heard;
  }
  if (heard >= heard_min_) heard_min_ = 0;
  if (reply.time - *back_since_ < kSilence) return;
  unheard_.clear();
  heard_min_ = 0;
}

void BudgetShare::SetLive(const BudgetReply& reply) {
  // Those that are waited for are where they were before.
  std::set<std::string> live = unheard_;
  for (const BudgetReply::Seen& seen : reply.replicas) {
    if (seen.replica != options_.replica && seen.silence < kSilence) {
      live.insert(seen.replica);
    }
  }
  if (live != live_) {
    // What those that have come or gone have reserved is read again.
    if (joined_) since_ = 0;
    live_ = std::move(live);
  }
  SetSharing();
}

void BudgetShare::End(const BudgetReply& reply, int64_t now,
                      std::vector<BudgetChange>* resets) {
  const bool is_superseded = reply.outcome == BudgetReply::Outcome::kSuperseded;
  supersessions_ += is_superseded ? 1 : 0;
  superseded_ = is_superseded && supersessions_ > kLateJoinsMax;
  if (reply.outcome != BudgetReply::Outcome::kTaken) {
    GiveUp();
    Unsettle();
    Join();
    if (superseded_) Lose();
    return;
  }
  const bool adopts = !joined_ && options_.adopts;
  bool lost = false;
  if (incarnation_ == 0) {
    incarnation_ = reply.incarnation;
  } else {
    lost = reply.last_sequence < answered_ || reply.latest < since_;
    answered_ = sequence_;
  }
  since_ = lost ? 0 : reply.read;
  if (lost) Unsettle();
  Hear(reply);
  SetLive(reply);
  for (const BudgetNews& news : reply.news) {
    const bool placed = table_.Learn(
        news, options_.replica, adopts,
        [this](const std::string& replica) { return live_.contains(replica); },
        now, resets);
    unplaced_ += placed ? 0 : 1;
  }
  // After it is known what others have: up to there a claim is good.
  table_.EndTelling(keys_, /*told=*/true);
  keys_.clear();
  has_more_ = since_ < reply.latest;
  if ((!joined_ && !has_more_) || lost) {
    joined_ = has_joined_ = joined_ || !has_more_;
    table_.TellAll();
    has_more_ = true;
  } else {
    const bool knows_all = joined_ && !has_more_;
    settled_ = settled_ || (knows_all && unheard_.empty() && heard_min_ == 0);
  }
  SetSharing();
}

void BudgetShare::Lose() {
  GiveUp();
  Unsettle();
  SetSharing(/*away=*/true);
}

void BudgetShare::GiveUp() {
  table_.EndTelling(keys_, /*told=*/false);
  keys_.clear();
  has_more_ = false;
}

}  // namespace gateway
