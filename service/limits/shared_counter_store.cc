#include "service/limits/shared_counter_store.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/limits/gcra.h"
#include "service/limits/limit_counters.h"

namespace gateway {
namespace {

using State = CounterTake::State;

// CounterTake::store_mark of what was taken by this process's share.
constexpr uint64_t kByShare = 1;
// Of what was taken before Redis had told how much others have taken.
constexpr uint64_t kBeforeKnown = 2;

int64_t LoopNow() {
  return absl::ToInt64Nanoseconds(EventLoop::Current()->Now());
}

}  // namespace

// --- Without asking.

bool SharedCounterStore::Take(CounterRequest& request) {
  RedisClient* const client = keeper_.Reachable();
  if (client == nullptr && keeper_.has_redis()) {
    keeper_.SetUnreachable(absl::Nanoseconds(request.now));
  }
  bool asks = false;
  request.answered = false;
  for (size_t i = 0; i < request.takes.size(); ++i) {
    TakeOne(request.takes[i], request, client);
    if (request.takes[i].state == State::kRefused) {
      GiveBack(request);
      for (size_t k = i + 1; k < request.takes.size(); ++k) {
        Probe(request.takes[k]);
      }
      return request.answered = true;
    }
    asks = asks || request.takes[i].state == State::kAsked;
  }
  if (!asks) return request.answered = true;
  Spawn(Ask(request, *client));
  return request.answered;
}

void SharedCounterStore::TakeOne(CounterTake& take,
                                 const CounterRequest& request,
                                 RedisClient* client) {
  if (take.units == 0) {
    take.number = take.rule->counters().rates->Read(take.key);
    take.state = State::kTaken;
    return;
  }
  if (take.rule->counts_calls()) return TakeCall(take, request, client);
  if (take.units > take.rule->gcra().burst()) {
    take.number = request.now;
    take.wait = Gcra::kNever;
    return take.Refuse();
  }
  TakeUnits(take, request, client);
}

void SharedCounterStore::TakeUnits(CounterTake& take,
                                   const CounterRequest& request,
                                   RedisClient* client) {
  if (!keeper_.has_redis()) return TakeShare(take, request);
  Way way = Way::kShare;
  keeper_.Use(*take.rule, take.key, *request.subject, request.now,
              [&](Lease& lease) {
                lease.gcra = take.rule->gcra();
                lease.exact = LeaseKeeper::IsExact(*take.rule);
                const bool leased = lease.units >= take.units;
                if (client == nullptr && !leased) return;
                way = TakeLeased(lease, take, request);
              });
  if (way == Way::kShare) TakeShare(take, request);
}

SharedCounterStore::Way SharedCounterStore::TakeLeased(
    Lease& lease, CounterTake& take, const CounterRequest& request) const {
  const int64_t now = request.now;
  lease.used += take.units;
  bool takes = lease.units >= take.units;
  if (!takes && lease.exact) {
    return Way::kAsk;
  } else if (!takes && !lease.known) {
    // The first part is taken before it is there.
    takes = take.units - lease.units <= keeper_.PartMax(lease.gcra);
    if (!takes) return Way::kAsk;
  } else if (!takes) {
    if (now >= lease.ask_time || take.units < lease.refused_units) {
      return Way::kAsk;
    }
    take.wait = lease.refused_until - now;
  }
  if (takes) lease.units -= take.units;
  take.number = LeaseKeeper::TatOf(lease, now);
  if (takes) {
    take.state = State::kTaken;
    take.store_mark = lease.known ? 0 : kBeforeKnown;
  } else {
    take.Refuse();
  }
  return Way::kDecided;
}

void SharedCounterStore::TakeShare(CounterTake& take,
                                   const CounterRequest& request) {
  const LimitRule& rule = *take.rule;
  const Gcra::Decision decision = rule.counters().rates->TakeShare(
      rule.gcra(), take.key, request.now, take.units, keeper_.replicas(),
      [&] { return rule.SubjectText(*request.subject); });
  take.number = decision.tat;
  take.wait = decision.wait;
  if (keeper_.has_redis()) keeper_.state().CountShare();
  if (!decision.conforms) return take.Refuse();
  take.state = State::kTaken;
  take.store_mark = kByShare;
  if (!keeper_.has_redis()) return;
  keeper_.Use(rule, take.key, *request.subject, request.now,
              [](Lease& lease) { lease.away = true; });
}

void SharedCounterStore::TakeCall(CounterTake& take,
                                  const CounterRequest& request,
                                  RedisClient* client) {
  const LimitRule& rule = *take.rule;
  take.place = rule.counters().calls->Enter(take.key, rule.limit(), [&] {
    return rule.SubjectText(*request.subject);
  });
  take.number = take.place.taken() ? take.place.count() : rule.limit();
  if (!take.place.taken()) return take.Refuse();
  int64_t claim = 0;
  if (keeper_.has_redis()) {
    keeper_.Use(rule, take.key, *request.subject, request.now,
                [&](Lease& lease) {
                  lease.gcra = rule.gcra();
                  lease.exact = LeaseKeeper::IsExact(rule);
                  // What was told sooner is asked again: the others may have
                  // told theirs since, and both may be too many.
                  const bool known =
                      lease.claim_time >= keeper_.state().settled_at();
                  claim = lease.over || !known ? 0 : lease.claim;
                });
  }
  // What it was granted before Redis went away is not to go by: the others have
  // their shares. Nor is Redis alone, until they have told it what they have.
  if (client == nullptr || (take.number > CallShareOf(rule) &&
                            !keeper_.state().IsSettled(request.now))) {
    TakeCallShare(take);
  } else if (take.number <= claim) {
    take.state = State::kTaken;
  }
}

int64_t SharedCounterStore::CallShareOf(const LimitRule& rule) const {
  return std::max<int64_t>(rule.limit() / keeper_.replicas(), 1);
}

void SharedCounterStore::TakeCallShare(CounterTake& take) {
  if (keeper_.has_redis()) keeper_.state().CountShare();
  if (take.place.count() <= CallShareOf(*take.rule)) {
    take.state = State::kTaken;
  } else {
    take.place.GiveBack();
    take.Refuse();
  }
  if (!keeper_.has_redis()) return;
  // One that was asked for in vain, too, may count there.
  keeper_.Find(take.key, LoopNow(), [](Lease& lease) { lease.away = true; });
}

void SharedCounterStore::Probe(CounterTake& take) {
  if (take.rule->counts_calls()) return;
  take.number = take.rule->counters().rates->Read(take.key);
}

// --- By asking.

RedisTake SharedCounterStore::AskOf(CounterTake& take,
                                    const CounterRequest& request) {
  const LimitRule& rule = *take.rule;
  RedisTake ask;
  ask.observes = rule.observes();
  ask.counts_calls = rule.counts_calls();
  const bool has_lease = keeper_.Find(take.key, request.now, [&](Lease& lease) {
    ask.name = lease.name;
    ask.known_ahead = LeaseKeeper::KnownAhead(lease, request.now);
  });
  if (!has_lease) ask.name = rule.SharedNameOf(*request.subject);
  if (ask.counts_calls) {
    const int64_t more =
        rule.sharing() == llmgateway::config::v1::RateLimit::SHARING_EXACT
            ? 0
            : keeper_.PartMax(rule.gcra()) - 1;
    ask.limit = rule.limit();
    ask.calls = take.number;
    ask.calls_wanted = std::min(take.number + more, rule.limit());
    ask.sequence = keeper_.NextSequence();
  } else {
    ask.tolerance = rule.gcra().tolerance();
    ask.interval = rule.gcra().Interval(take.units);
  }
  return ask;
}

Task<void> SharedCounterStore::Ask(CounterRequest& request,
                                   RedisClient& client) {
  std::vector<CounterTake*> takes;
  std::vector<RedisTake> asks;
  for (CounterTake& take : request.takes) {
    if (take.state != State::kAsked) continue;
    asks.push_back(AskOf(take, request));
    takes.push_back(&take);
  }
  keeper_.state().CountAsked();
  const std::vector<absl::StatusOr<RedisTaken>> taken =
      co_await keeper_.redis().Take(client, asks);
  const absl::Duration now = EventLoop::Current()->Now();
  for (size_t i = 0; i < takes.size(); ++i) {
    if (taken[i].ok()) {
      keeper_.SetShared(now);
      Learn(*taken[i], asks[i], *takes[i], request);
    } else {
      keeper_.state().SetAway(now, taken[i].status());
      if (asks[i].counts_calls) {
        TakeCallShare(*takes[i]);
      } else {
        TakeShare(*takes[i], request);
      }
    }
  }
  if (!request.taken()) GiveBack(request);
  request.answered = true;
  if (request.waiting) EventLoop::Current()->Resume(request.waiting);
}

void SharedCounterStore::Learn(const RedisTaken& taken, const RedisTake& ask,
                               CounterTake& take,
                               const CounterRequest& request) {
  if (ask.counts_calls) return LearnCalls(taken, ask, take);
  const bool refused = taken.state == RedisTaken::State::kRefused ||
                       taken.state == RedisTaken::State::kObserved;
  const int64_t now = LoopNow();
  keeper_.Find(take.key, now, [&](Lease& lease) {
    LeaseKeeper::SetTat(take.key, lease, now, taken.number);
    if (refused) LeaseKeeper::SetRefused(lease, now, take.units, taken.rest);
  });
  take.number = request.now + taken.number;
  take.wait = refused ? taken.rest : 0;
  take.store_mark = 0;
  if (refused) return take.Refuse();
  take.state =
      taken.state == RedisTaken::State::kTaken ? State::kTaken : State::kAsked;
}

void SharedCounterStore::LearnCalls(const RedisTaken& taken,
                                    const RedisTake& ask, CounterTake& take) {
  take.number = taken.number;
  if (taken.state == RedisTaken::State::kTaken) {
    take.state = State::kTaken;
    const int64_t now = LoopNow();
    keeper_.Find(take.key, now, [&](Lease& lease) {
      if (ask.sequence <= lease.claim_sequence) return;
      lease.over = false;
      lease.claim = taken.rest;
      lease.claim_sequence = ask.sequence;
      lease.claim_time = now;
    });
    return;
  }
  take.place.GiveBack();
  if (taken.state != RedisTaken::State::kConforms) take.Refuse();
  // It may have been told among those under way.
  keeper_.Find(take.key, LoopNow(), [](Lease&) {});
}

// --- Afterwards.

void SharedCounterStore::GiveBack(CounterRequest& request) {
  for (CounterTake& take : request.takes) {
    if (take.rule->counts_calls()) {
      // Also of one that would have been asked for.
      if (take.place.taken()) Leave(take);
    } else if (take.state == State::kTaken) {
      Correct(take, request.now, 0);
    }
    if (take.state == State::kTaken) take.state = State::kAsked;
  }
}

void SharedCounterStore::Correct(CounterTake& take, int64_t now,
                                 int64_t units) {
  const int64_t from = std::exchange(take.units, units);
  bool told = false;
  if (keeper_.Reachable() != nullptr) {
    keeper_.Find(take.key, now, [&](Lease& lease) {
      // What the share was charged is told as a whole.
      if (lease.away && take.store_mark == kByShare) return;
      told = true;
      lease.units += from - units;
      take.number = LeaseKeeper::TatOf(lease, now);
    });
  }
  if (told) return;
  const int64_t shares = keeper_.replicas();
  take.number = take.rule->counters().rates->Correct(
      take.rule->gcra(), take.key, now, Gcra::Times(from, shares),
      Gcra::Times(units, shares), [] { return std::string(); });
  if (!keeper_.has_redis()) return;
  keeper_.Find(take.key, now, [](Lease& lease) { lease.away = true; });
}

int64_t SharedCounterStore::NumberOf(const CounterTake& take, int64_t now) {
  int64_t number = take.number;
  if (take.store_mark != kBeforeKnown) return number;
  keeper_.Find(take.key, LoopNow(), [&](Lease& lease) {
    if (lease.known) number = LeaseKeeper::TatOf(lease, now);
  });
  return number;
}

void SharedCounterStore::Leave(CounterTake& take) {
  take.place.GiveBack();
  if (!keeper_.has_redis()) return;
  keeper_.Find(take.key, LoopNow(), [](Lease&) {});
}

}  // namespace gateway
