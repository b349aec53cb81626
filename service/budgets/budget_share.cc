#include "service/budgets/budget_share.h"

namespace gateway {

BudgetMessage BudgetShare::Begin(int64_t now) {
  keys_.clear();
  BudgetMessage message = {.incarnation = incarnation_, .since = since_};
  if (incarnation_ == 0) return message;
  message.sequence = ++sequence_;
  if (joined_) message.tellings = table_.BeginTelling(kScopesMax, now, &keys_);
  return message;
}

void BudgetShare::Join() {
  incarnation_ = sequence_ = answered_ = since_ = 0;
  joined_ = false;
  has_more_ = true;
  table_.SetSharing({.joined = false, .replicas = count()});
}

void BudgetShare::GoOnAs(const std::string& replica, const BudgetBook& left,
                         int64_t now) {
  GiveUp();
  table_.GoOnAs(replica, left, now);
  options_.replica = replica;
  supersessions_ = 0;
  Join();
}

void BudgetShare::SetLive(const BudgetReply& reply) {
  std::set<std::string> live;
  for (const auto& [replica, silence] : reply.replicas) {
    if (replica != options_.replica && silence < kSilence) live.insert(replica);
  }
  if (live != live_) {
    // What those that have come or gone have reserved is read again.
    if (joined_) since_ = 0;
    live_ = std::move(live);
  }
  table_.SetSharing({.joined = joined_, .replicas = count()});
}

void BudgetShare::End(const BudgetReply& reply, int64_t now,
                      std::vector<BudgetChange>* resets) {
  const bool is_superseded = reply.outcome == BudgetReply::Outcome::kSuperseded;
  supersessions_ += is_superseded ? 1 : 0;
  superseded_ = is_superseded && supersessions_ > kLateJoinsMax;
  if (reply.outcome != BudgetReply::Outcome::kTaken) {
    GiveUp();
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
    joined_ = joined_ || !has_more_;
    table_.TellAll();
    table_.SetSharing({.joined = joined_, .replicas = count()});
    has_more_ = true;
  }
}

void BudgetShare::Lose() {
  GiveUp();
  table_.SetSharing({.joined = joined_, .away = true, .replicas = count()});
}

void BudgetShare::GiveUp() {
  table_.EndTelling(keys_, /*told=*/false);
  keys_.clear();
  has_more_ = false;
}

}  // namespace gateway
