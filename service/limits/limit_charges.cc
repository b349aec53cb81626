#include "service/limits/limit_charges.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/limits/limit_fault.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;
using State = CounterTake::State;

int64_t UnitsOf(LimitUnit unit, const LimitAmounts& amounts) {
  switch (unit) {
    case config::LIMIT_UNIT_INPUT_TOKENS:
      return amounts.input_tokens;
    case config::LIMIT_UNIT_OUTPUT_TOKENS:
      return amounts.output_tokens;
    case config::LIMIT_UNIT_TOTAL_TOKENS:
      return amounts.input_tokens + amounts.output_tokens;
    case config::LIMIT_UNIT_COST:
      return amounts.cost_usd_nanos;
    default:
      return 1;
  }
}

// Tokens or dollars.
bool IsOfConsumption(LimitUnit unit) {
  return unit != config::LIMIT_UNIT_REQUESTS &&
         unit != config::LIMIT_UNIT_CONCURRENT_CALLS;
}

bool GrowsWithOutput(LimitUnit unit) {
  return unit == config::LIMIT_UNIT_OUTPUT_TOKENS ||
         unit == config::LIMIT_UNIT_TOTAL_TOKENS;
}

// The fullest of some.
class Fuller {
 public:
  // `number` is that of `take`, as it is known now.
  void Take(const CounterTake& take, int64_t number, int64_t now) {
    const Gcra& gcra = take.rule->gcra();
    const int64_t ahead = Gcra::Ahead(number, now);
    const double filled =
        static_cast<double>(ahead) / static_cast<double>(gcra.tolerance());
    if (filled <= filled_) return;
    filled_ = filled;
    ahead_ = ahead;
    now_ = now;
    number_ = number;
    take_ = &take;
  }

  std::optional<LimitStatus> Status() const {
    if (take_ == nullptr) return std::nullopt;
    return LimitStatus{
        .rule = take_->rule,
        .remaining = take_->rule->gcra().Remaining(number_, now_),
        .reset = absl::Nanoseconds(ahead_)};
  }

 private:
  double filled_ = -1;
  int64_t ahead_ = 0;
  int64_t now_ = 0;
  int64_t number_ = 0;
  const CounterTake* take_ = nullptr;
};

// Looks at one that Take would ask.
void Look(CounterTake& take, int64_t now) {
  const LimitRule& rule = *take.rule;
  // Neither is ever refused.
  if (rule.observes() || take.units == 0) return;
  if (rule.counts_calls()) {
    take.number = rule.counters().calls->Read(take.key);
    if (take.number >= rule.limit()) take.state = State::kRefused;
    return;
  }
  const Gcra::Decision decision =
      rule.gcra().Take(rule.counters().rates->Read(take.key), now, take.units);
  take.number = decision.tat;
  take.wait = decision.wait;
  if (!decision.conforms) take.state = State::kRefused;
}

}  // namespace

void LimitCharges::Ask(const LimitRule& rule, LimitSubject& subject,
                       const LimitAmounts& estimate) {
  const bool shares = stores_.shared != nullptr &&
                      rule.sharing() != config::RateLimit::SHARING_LOCAL;
  CounterRequest& request = shares ? shared_ : local_;
  request.subject = &subject;
  estimate_ = estimate;
  counts_calls_ = counts_calls_ || rule.counts_calls();
  // One at least, so that a limit that has nothing left refuses; but nothing of
  // what is not consumed, which is only told.
  const bool is_free =
      scope_ == Scope::kCallOnly && IsOfConsumption(rule.unit());
  request.takes.push_back(
      {.rule = &rule,
       .key = rule.KeyOf(subject),
       .units =
           is_free ? 0 : std::max<int64_t>(UnitsOf(rule.unit(), estimate), 1)});
}

LimitCharges::Taking LimitCharges::Take(absl::Duration now) {
  local_.now = shared_.now = absl::ToInt64Nanoseconds(now);
  return Taking(*this);
}

bool LimitCharges::Begin() {
  if (!local_.takes.empty()) {
    stores_.local->Take(local_);
    if (!local_.taken()) return true;
  }
  return shared_.takes.empty() || stores_.shared->Take(shared_);
}

bool LimitCharges::Finish() {
  const bool taken = local_.taken() && shared_.taken();
  outcome_ = Outcome::kTaken;
  if (!taken) {
    // Those here were asked first.
    if (local_.taken()) Withdraw(absl::Nanoseconds(local_.now));
    outcome_ = Outcome::kRefused;
  }
  return taken;
}

bool LimitCharges::WouldTake(absl::Duration now) {
  outcome_ = Outcome::kRefused;
  for (CounterRequest* const request : {&local_, &shared_}) {
    request->now = absl::ToInt64Nanoseconds(now);
    for (CounterTake& take : request->takes) Look(take, request->now);
  }
  return local_.taken() && shared_.taken();
}

absl::Status LimitCharges::Refusal() const {
  return LimitFault(local_, shared_);
}

template <typename Units>
void LimitCharges::Correct(absl::Duration now, const Units& units) {
  if (outcome_ != Outcome::kTaken) return;
  const int64_t nanos = absl::ToInt64Nanoseconds(now);
  for (CounterRequest* const request : {&local_, &shared_}) {
    for (CounterTake& take : request->takes) {
      if (take.state != State::kTaken || take.rule->counts_calls()) continue;
      const int64_t real = units(take);
      if (real == take.units) continue;
      request->now = nanos;
      if (request == &local_) {
        stores_.local->Correct(take, nanos, real);
      } else {
        stores_.shared->Correct(take, nanos, real);
      }
    }
  }
}

void LimitCharges::ChargeOutput(int64_t tokens, absl::Duration now) {
  output_charged_ = tokens;
  const LimitAmounts amounts = {.input_tokens = estimate_.input_tokens,
                                .output_tokens = tokens};
  Correct(now, [&](const CounterTake& take) {
    const LimitUnit unit = take.rule->unit();
    return GrowsWithOutput(unit) ? UnitsOf(unit, amounts) : take.units;
  });
}

void LimitCharges::Settle(const LimitAmounts& real, absl::Duration now) {
  Correct(now, [&](const CounterTake& take) {
    return UnitsOf(take.rule->unit(), real);
  });
  if (outcome_ == Outcome::kTaken) outcome_ = Outcome::kSettled;
}

void LimitCharges::Withdraw(absl::Duration now) {
  Correct(now, [](const CounterTake&) { return int64_t{0}; });
  if (outcome_ == Outcome::kTaken) outcome_ = Outcome::kSettled;
  Leave();
}

void LimitCharges::Leave() {
  if (!std::exchange(counts_calls_, false)) return;
  for (CounterRequest* const request : {&local_, &shared_}) {
    for (CounterTake& take : request->takes) {
      if (take.state != State::kTaken || !take.rule->counts_calls()) continue;
      take.state = State::kAsked;
      if (request == &local_) {
        stores_.local->Leave(take);
      } else {
        stores_.shared->Leave(take);
      }
    }
  }
}

int64_t LimitCharges::NumberOf(const CounterRequest& request,
                               const CounterTake& take) const {
  return &request == &shared_ ? stores_.shared->NumberOf(take, request.now)
                              : take.number;
}

FullestLimits LimitCharges::Fullest() const {
  Fuller requests;
  Fuller tokens;
  for (const CounterRequest* const request : {&local_, &shared_}) {
    for (const CounterTake& take : request->takes) {
      const LimitRule& rule = *take.rule;
      if (rule.observes()) continue;
      if (rule.unit() == config::LIMIT_UNIT_REQUESTS) {
        requests.Take(take, NumberOf(*request, take), request->now);
      } else if (rule.counts_tokens()) {
        tokens.Take(take, NumberOf(*request, take), request->now);
      }
    }
  }
  return {.requests = requests.Status(), .tokens = tokens.Status()};
}

std::optional<LimitStatus> LimitCharges::PeerRequests() const {
  Fuller fullest;
  for (const CounterRequest* const request : {&local_, &shared_}) {
    for (const CounterTake& take : request->takes) {
      const LimitRule& rule = *take.rule;
      if (rule.observes() || !rule.is_of_peer()) continue;
      fullest.Take(take, NumberOf(*request, take), request->now);
    }
  }
  return fullest.Status();
}

}  // namespace gateway
