#include "service/limits/counter_store.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "service/limits/gcra.h"

namespace gateway {
namespace {

using State = CounterTake::State;

void TakeOne(CounterTake& take, const CounterRequest& request) {
  const LimitRule& rule = *take.rule;
  const auto subject = [&] { return rule.SubjectText(*request.subject); };
  if (take.units == 0) {
    take.number = rule.counters().rates->Read(take.key);
  } else if (rule.counts_calls()) {
    take.place = rule.counters().calls->Enter(take.key, rule.limit(), subject);
    take.number = take.place.taken() ? take.place.count() : rule.limit();
    if (!take.place.taken()) return take.Refuse();
  } else {
    const Gcra::Decision decision = rule.counters().rates->Take(
        rule.gcra(), take.key, request.now, take.units, subject, &take.cell);
    take.number = decision.tat;
    take.wait = decision.wait;
    if (!decision.conforms) return take.Refuse();
  }
  take.state = State::kTaken;
}

// Gives back what was taken for a call that another limit has refused.
void GiveBack(CounterTake& take, const CounterRequest& request) {
  if (take.rule->counts_calls()) {
    take.place.GiveBack();
  } else {
    take.number = take.rule->counters().rates->Correct(
        take.rule->gcra(), take.key, request.now, take.units, 0,
        [&] { return take.rule->SubjectText(*request.subject); }, take.cell);
  }
  take.state = State::kAsked;
}

// Asks one of those behind the first that refused, so that the longest wait and
// what is left of each are known; takes nothing.
void Probe(CounterTake& take, const CounterRequest& request) {
  if (take.rule->observes() || take.rule->counts_calls()) return;
  const int64_t tat = take.rule->counters().rates->Read(take.key);
  if (take.units == 0) {
    take.number = tat;
    return;
  }
  const Gcra::Decision decision =
      take.rule->gcra().Take(tat, request.now, take.units);
  if (decision.conforms) {
    take.number = tat;
    return;
  }
  take.number = decision.tat;
  take.wait = decision.wait;
  take.Refuse();
}

}  // namespace

void CounterTake::Refuse() {
  LimitCounters& counters = rule->counters();
  state = rule->observes() ? State::kObserved : State::kRefused;
  (rule->observes() ? counters.observed : counters.refused)
      .fetch_add(1, std::memory_order_relaxed);
}

bool CounterRequest::taken() const {
  return std::none_of(takes.begin(), takes.end(), [](const CounterTake& take) {
    return take.state == State::kRefused;
  });
}

bool LocalCounterStore::Take(CounterRequest& request) {
  for (size_t i = 0; i < request.takes.size(); ++i) {
    TakeOne(request.takes[i], request);
    if (request.takes[i].state != State::kRefused) continue;
    for (size_t k = 0; k < i; ++k) {
      CounterTake& before = request.takes[k];
      if (before.state == State::kTaken) GiveBack(before, request);
    }
    for (size_t k = i + 1; k < request.takes.size(); ++k) {
      Probe(request.takes[k], request);
    }
    return true;
  }
  return true;
}

void LocalCounterStore::Correct(CounterTake& take, int64_t now, int64_t units) {
  // If its counter had to give way meanwhile, whose it was is not known.
  take.number = take.rule->counters().rates->Correct(
      take.rule->gcra(), take.key, now, std::exchange(take.units, units), units,
      [] { return std::string(); }, take.cell);
}

void LocalCounterStore::Leave(CounterTake& take) { take.place.GiveBack(); }

}  // namespace gateway
