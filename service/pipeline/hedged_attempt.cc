#include "service/pipeline/hedged_attempt.h"

#include <array>
#include <utility>

#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "proto/proto_time.h"
#include "service/pipeline/usage_estimate.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::HedgingConfig;

const HedgingConfig& HedgingOf(const PlannedCall& call) {
  return call.runtime->config().resilience().hedging();
}

// An attempt that runs by itself.
struct Racer {
  explicit Racer(LiveAttempt& live) : live(live) {}

  bool has_won() const { return ended && outcome.ok(); }

  LiveAttempt& live;
  OpenStream open;
  absl::Status outcome;
  bool ended = false;
  bool lost = false;  // The other was first, and this one is cancelled.
};

Task<void> Race(Racer* racer, bool streams, WakeUp* wake) {
  racer->outcome = co_await racer->live.Send(streams ? &racer->open : nullptr);
  // What its failure says of its target and its credential is said at once,
  // whoever else goes on.
  if (!racer->outcome.ok() && !racer->lost) {
    racer->open.stream.reset();
    racer->outcome = racer->live.End(std::move(racer->outcome));
  }
  racer->ended = true;
  wake->Set();
}

// Cancels it. What its stream has told of its usage so far is kept.
void Cancel(Racer& racer) {
  Attempt& attempt = racer.live.attempt();
  racer.lost = true;
  if (racer.open.stream != nullptr) {
    attempt.answer.facts = racer.open.stream->facts();
  }
  attempt.cancel.Cancel(MakeFault(v1::ERROR_REASON_CANCELLED,
                                  "another target was first to answer"));
}

void EndLoser(PlannedCall& call, Racer& racer) {
  if (!racer.lost) return;  // It has failed by itself, and has been ended.
  Attempt& attempt = racer.live.attempt();
  racer.open = OpenStream();
  // It would have taken longer than that.
  if (attempt.kind != v1::Attempt::KIND_HEDGE) {
    const absl::Duration now = call.loop.Now();
    if (call.facts.stream) {
      attempt.use.RecordLatency(now, now - attempt.began);
    } else {
      RecordForHedges(call, attempt);
    }
  }
  // One that has answered as well, in the same turn, counts as cancelled.
  if (racer.outcome.ok()) racer.outcome = attempt.cancel.status();
  racer.live.End(std::move(racer.outcome)).IgnoreError();
  if (!IsTold(attempt.answer.facts.usage)) {
    EstimateUnanswered(call, &attempt);
  }
}

// When it ended. REQUIRES: it has.
absl::Duration EndOf(const Racer& racer) {
  const Attempt& attempt = racer.live.attempt();
  return attempt.began + attempt.duration;
}

// Ends all but the winner, of two or one. Without a winner, all of which have
// failed then, tells `next` how all but the last of them did, and the caller
// how that one did.
Task<HedgedOutcome> EndRace(PlannedCall& call, NextAttempt& next,
                            std::array<Racer*, 2> racers, Racer* winner,
                            WakeUp* wake) {
  HedgedOutcome outcome;
  if (winner == nullptr && racers[1] != nullptr &&
      EndOf(*racers[1]) < EndOf(*racers[0])) {
    std::swap(racers[0], racers[1]);
  }
  for (Racer* racer : racers) {
    if (racer == nullptr || racer == winner) continue;
    if (winner != nullptr && (!racer->ended || racer->outcome.ok())) {
      Cancel(*racer);
    }
    while (!racer->ended) co_await wake->Wait();
    EndLoser(call, *racer);
    if (winner != nullptr) continue;
    if (outcome.failed != nullptr) next.Keep(*outcome.failed);
    outcome.failed = &racer->live.attempt();
    outcome.status = outcome.failed->status;
  }
  if (winner != nullptr) {
    outcome.status = winner->live.End(absl::OkStatus());
    RecordForHedges(call, winner->live.attempt());
  }
  next.EndHedge();
  co_return outcome;
}

}  // namespace

std::optional<absl::Duration> HedgeDelay(const PlannedCall& call,
                                         const TargetState& target) {
  const HedgingConfig& hedging = HedgingOf(call);
  if (!hedging.enabled() || call.planned.next == nullptr) return std::nullopt;
  if (call.embed != nullptr || call.stored_query != nullptr ||
      call.facts.counts || call.facts.background) {
    return std::nullopt;
  }
  if (hedging.has_delay()) return ToAbsl(hedging.delay());
  const absl::Duration now = call.loop.Now();
  return call.facts.stream ? target.latency.Percentile(now)
                           : target.WholePercentile(now);
}

void RecordForHedges(const PlannedCall& call, Attempt& attempt) {
  const HedgingConfig& hedging = HedgingOf(call);
  if (!hedging.enabled() || hedging.has_delay() || call.facts.stream) return;
  const absl::Duration now = call.loop.Now();
  attempt.use.RecordWhole(now, now - attempt.began);
}

Task<HedgedOutcome> SendHedged(PlannedCall& call, AttemptList& attempts,
                               NextAttempt& next, LiveAttempt& first_live,
                               OpenStream* open, absl::Duration delay) {
  const bool streams = open != nullptr;
  WakeUp wake;
  bool due = false;
  Timer timer([&due, &wake] {
    due = true;
    wake.Set();
  });
  Racer first(first_live);
  first_live.TellDeparture(&wake);
  Spawn(Race(&first, streams, &wake));
  // Nobody is asked beside it for what the ledger takes.
  while (!first.ended && !first_live.departs()) co_await wake.Wait();
  if (!first.ended) call.loop.ArmTimer(timer, delay);
  while (!first.ended && !due) co_await wake.Wait();
  timer.Cancel();

  std::optional<AskedTarget> beside;
  if (!first.ended) beside = co_await next.Beside();
  if (beside.has_value() && first.ended) {
    // It is asked only if the first has failed, and then as a fallback.
    next.PutBack(*std::exchange(beside, std::nullopt));
  }
  std::optional<LiveAttempt> second_live;
  std::optional<Racer> second;
  if (beside.has_value()) {
    second_live.emplace(call, next, *std::move(beside), attempts.Add());
    second.emplace(*second_live);
    if (!second_live->TakeRequest()) {
      second->outcome = co_await second_live->ReadRequest();
    }
    second->ended = !second->outcome.ok();
    if (second->ended) {
      second->outcome = second_live->End(std::move(second->outcome));
    }
    if (!second->ended) Spawn(Race(&*second, streams, &wake));
  }
  Racer* const other = second.has_value() ? &*second : nullptr;
  const std::array<Racer*, 2> racers = {&first, other};
  Racer* winner = nullptr;
  for (;;) {
    bool all_ended = true;
    for (Racer* racer : racers) {
      if (racer == nullptr) continue;
      all_ended = all_ended && racer->ended;
      if (winner == nullptr && racer->has_won()) winner = racer;
    }
    if (winner != nullptr || all_ended) break;
    co_await wake.Wait();
  }
  if (winner != nullptr && streams) winner->open.MoveTo(open);
  co_return co_await EndRace(call, next, racers, winner, &wake);
}

}  // namespace gateway
