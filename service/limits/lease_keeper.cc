#include "service/limits/lease_keeper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/async/sleep.h"
#include "service/limits/call_counters.h"
#include "service/limits/rate_counters.h"
#include "service/limits/redis_limit_functions.h"

namespace gateway {
namespace {

// Of a part so many halves are asked for as well, should it be too much.
constexpr int kPartHalves = 6;
// So much is told beside each other at most: what a connection has room for.
constexpr size_t kTellsAtOnce = 4096;
// Repeated before Redis forgets it, also if one message is lost.
constexpr absl::Duration kRepeat = absl::Seconds(5);

int64_t Nanos(absl::Duration duration) {
  return absl::ToInt64Nanoseconds(duration);
}

bool IsIdle(const Lease& lease, int64_t now) {
  return now - lease.touched > Nanos(LeaseKeeper::kIdle);
}

// What may be given back of what was taken together: rounded down.
int64_t IntervalBack(const Gcra& gcra, int64_t units) {
  return units == 0 ? 0 : std::max<int64_t>(gcra.Interval(units) - 1, 0);
}

}  // namespace

LeaseKeeper::LeaseKeeper(const Options& options, RedisClientOfLoop client)
    : client_(std::move(client)),
      redis_(options.redis),
      replicas_(options.replicas),
      leases_(options.leases) {}

RedisClient* LeaseKeeper::Reachable() const {
  if (client_ == nullptr) return nullptr;
  RedisClient* const client = client_();
  return client != nullptr && client->up() ? client : nullptr;
}

int64_t LeaseKeeper::PartMax(const Gcra& gcra) const {
  return std::max<int64_t>(gcra.burst() / (kPartsOfShare * replicas()), 1);
}

Lease LeaseKeeper::NewLease(const LimitRule& rule, const LimitSubject& subject,
                            int64_t now) const {
  return {.name = rule.SharedNameOf(subject),
          .gcra = rule.gcra(),
          .counters = rule.shared_counters(),
          .subject = rule.SubjectText(subject),
          .exact = IsExact(rule),
          .counts_calls = rule.counts_calls(),
          .touched = now,
          .leased_time = now};
}

bool LeaseKeeper::Use(const LimitRule& rule, const CounterKey& key,
                      const LimitSubject& subject, int64_t now,
                      absl::FunctionRef<void(Lease&)> use) {
  RedisClient* const client = Reachable();
  bool due = false;
  const bool found = leases_.Use(
      key, [&] { return NewLease(rule, subject, now); },
      [&](Lease& lease) {
        lease.touched = now;
        use(lease);
        due = client != nullptr && IsDue(lease, key, now);
        lease.telling = lease.telling || due;
      });
  if (due) StartTelling(key, *client);
  if (!found) state_.CountUnleased();
  return found;
}

bool LeaseKeeper::Find(const CounterKey& key, int64_t now,
                       absl::FunctionRef<void(Lease&)> use) {
  RedisClient* const client = Reachable();
  bool due = false;
  const bool found = leases_.Find(key, [&](Lease& lease) {
    lease.touched = now;
    use(lease);
    due = client != nullptr && IsDue(lease, key, now);
    lease.telling = lease.telling || due;
  });
  if (due) StartTelling(key, *client);
  return found;
}

void LeaseKeeper::SetTat(const CounterKey& key, Lease& lease, int64_t now,
                         int64_t ahead) {
  lease.tat = now + ahead;
  lease.known = true;
  // So that metrics see it, and the share goes on from there.
  if (!lease.away) {
    lease.counters->rates->Set(key, now, lease.tat,
                               [&lease] { return lease.subject; });
  }
}

void LeaseKeeper::SetRefused(Lease& lease, int64_t now, int64_t units,
                             int64_t wait) {
  lease.refused_units = units;
  lease.refused_until = now + wait;
  lease.ask_time = now + std::min(wait, Nanos(kAskAgain));
}

int64_t LeaseKeeper::TatOf(const Lease& lease, int64_t now) {
  return lease.gcra.Correct(lease.tat, now, std::max<int64_t>(lease.units, 0),
                            std::max<int64_t>(-lease.units, 0));
}

int64_t LeaseKeeper::KnownAhead(const Lease& lease, int64_t now) {
  return lease.known ? Gcra::Ahead(lease.tat, now) : 0;
}

// --- What is due.

bool LeaseKeeper::IsDue(const Lease& lease, const CounterKey& key,
                        int64_t now) const {
  if (lease.telling) return false;
  return lease.counts_calls ? CallsAreDue(lease, key, now)
                            : UnitsAreDue(lease, now);
}

bool LeaseKeeper::UnitsAreDue(const Lease& lease, int64_t now) const {
  if (lease.forgiven || lease.away || lease.units < 0) return true;
  if (lease.exact || ends()) return lease.units > 0;
  if (lease.units > 2 * lease.part) return true;
  if (IsIdle(lease, now)) return lease.units > 0;
  return lease.used > 0 && lease.units <= lease.part / 2 &&
         now >= lease.ask_time;
}

int64_t LeaseKeeper::ClaimAhead(const Lease& lease, int64_t now) const {
  const bool none = lease.exact || lease.over || ends() || IsIdle(lease, now);
  return none ? 0 : PartMax(lease.gcra);
}

int64_t LeaseKeeper::ClaimOf(const Lease& lease, const CounterKey& key,
                             int64_t now) const {
  const int64_t calls = lease.counters->calls->Read(key);
  // In advance never more than was granted.
  return std::max(calls, std::min(lease.claim, calls + ClaimAhead(lease, now)));
}

bool LeaseKeeper::CallsAreDue(const Lease& lease, const CounterKey& key,
                              int64_t now) const {
  const int64_t claim = ClaimOf(lease, key, now);
  const int64_t slack = claim == 0 ? 0 : ClaimAhead(lease, now);
  if (lease.away || claim < lease.claim - slack) return true;
  return lease.claim > 0 && (now - lease.claim_time >= Nanos(kRepeat) ||
                             lease.claim_time < state_.may_have_lost_until());
}

// --- Telling.

void LeaseKeeper::StartTelling(const CounterKey& key, RedisClient& client) {
  tellings_.fetch_add(1);
  Spawn(Tell(key, client));
}

Task<void> LeaseKeeper::Tell(CounterKey key, RedisClient& client) {
  bool counts_calls = false;
  leases_.Find(key, [&](Lease& lease) { counts_calls = lease.counts_calls; });
  bool more = true;
  while (more) {
    state_.CountAsked();
    absl::Status told;
    if (counts_calls) {
      told = co_await TellCalls(key, client);
    } else {
      told = co_await TellUnits(key, client);
    }
    const absl::Duration now = EventLoop::Current()->Now();
    if (told.ok()) {
      SetShared(now);
    } else {
      state_.SetAway(now, told);
    }
    more = false;
    leases_.Find(key, [&](Lease& lease) {
      lease.telling = false;
      more = told.ok() && IsDue(lease, key, Nanos(now));
      lease.telling = more;
    });
  }
  if (tellings_.fetch_sub(1) == 1 && ends()) {
    run_on_->Post([this] { all_told_.Set(); });
  }
}

Task<absl::Status> LeaseKeeper::TellCalls(CounterKey key, RedisClient& client) {
  SharedCounterName name;
  int64_t calls = 0;
  int64_t sequence = 0;
  const int64_t now = Nanos(EventLoop::Current()->Now());
  leases_.Find(key, [&](Lease& lease) {
    name = lease.name;
    calls = ClaimOf(lease, key, now);
    // From here on a call beyond it asks, whatever becomes of the message; one
    // beyond what it was before asks until Redis has answered.
    lease.claim = std::min(lease.claim, calls);
    sequence = lease.claim_sequence = NextSequence();
    lease.claim_time = now;
    lease.away = false;
  });
  if (sequence == 0) co_return absl::OkStatus();
  const absl::StatusOr<int64_t> others =
      co_await redis_.TellCalls(client, name, calls, sequence);
  leases_.Find(key, [&](Lease& lease) {
    if (!others.ok()) {
      lease.away = true;
    } else if (lease.claim_sequence == sequence) {
      lease.claim = calls;
      lease.over = *others + calls > lease.gcra.limit();
    }
  });
  co_return others.status();
}

void LeaseKeeper::AddParts(Lease& lease, int64_t now, Message* message) const {
  if (lease.exact || ends() || lease.used == 0 || now < lease.ask_time ||
      IsIdle(lease, now)) {
    return;
  }
  const double times =
      static_cast<double>(Nanos(kPartTime)) /
      static_cast<double>(std::max<int64_t>(now - lease.leased_time, 1));
  // It grows in steps: how fast a few calls came says little.
  const double grown = static_cast<double>(2 * lease.part + lease.used);
  const double wanted =
      std::min(static_cast<double>(lease.used) * times, grown);
  lease.part =
      std::clamp<int64_t>(static_cast<int64_t>(wanted), 1, PartMax(lease.gcra));
  lease.used = 0;
  lease.leased_time = now;
  int64_t size = lease.part;
  for (int i = 0; i < kPartHalves && size > 0; ++i, size /= 2) {
    message->sizes.push_back(size);
    message->ask.parts.push_back(lease.gcra.Interval(size));
  }
}

LeaseKeeper::Message LeaseKeeper::BeginMessage(const CounterKey& key,
                                               Lease& lease,
                                               int64_t now) const {
  Message message;
  message.ask.name = lease.name;
  message.ask.tolerance = lease.gcra.tolerance();
  message.ask.known_ahead = KnownAhead(lease, now);
  if (lease.forgiven) {
    // What the share has taken since is told next: it forgives nothing.
    lease.forgiven = false;
    lease.units = lease.used = lease.ask_time = lease.refused_until = 0;
    lease.tat = now;
    message.forgiven = true;
    message.ask.known_ahead = 0;
    message.ask.charge = -kRedisLongest;
    return message;
  }
  const bool keeps_none = lease.exact || ends() || IsIdle(lease, now);
  const int64_t kept = keeps_none ? 0 : lease.part;
  if (lease.units < 0) {
    message.debt = -lease.units;
    message.ask.charge = lease.gcra.Interval(message.debt);
    lease.units = 0;
  } else if (lease.units > (kept == 0 ? 0 : 2 * kept)) {
    message.ask.charge = -IntervalBack(lease.gcra, lease.units - kept);
    lease.units = kept;
  }
  if (lease.away) {
    // Each replica's share is as full as it is itself: together they have taken
    // as much as they are full on average.
    const int64_t share = Gcra::Ahead(lease.counters->rates->Read(key), now);
    message.away = true;
    message.ask.charge +=
        std::max<int64_t>(share - message.ask.known_ahead, 0) / replicas();
    lease.away = false;
  }
  if (lease.units <= lease.part / 2) AddParts(lease, now, &message);
  return message;
}

void LeaseKeeper::EndMessage(const CounterKey& key, const Message& message,
                             const absl::StatusOr<RedisLeased>& leased,
                             int64_t now, Lease& lease) const {
  if (!leased.ok()) {
    lease.forgiven = lease.forgiven || message.forgiven;
    // What was to be given back is not: it may have been.
    lease.away = lease.away || message.away || message.debt > 0;
    if (message.debt == 0) return;
    lease.counters->rates->Correct(lease.gcra, key, now, 0,
                                   Gcra::Times(message.debt, replicas()),
                                   [&lease] { return lease.subject; });
    return;
  }
  SetTat(key, lease, now, leased->ahead);
  if (leased->part > 0) {
    lease.units += message.sizes[leased->part - 1];
  } else if (!message.sizes.empty()) {
    SetRefused(lease, now, message.sizes.back(), leased->wait);
  }
}

Task<absl::Status> LeaseKeeper::TellUnits(CounterKey key, RedisClient& client) {
  Message message;
  const bool found = leases_.Find(key, [&](Lease& lease) {
    message = BeginMessage(key, lease, Nanos(EventLoop::Current()->Now()));
  });
  if (!found) co_return absl::OkStatus();
  const absl::StatusOr<RedisLeased> leased =
      co_await redis_.Lease(client, message.ask);
  const int64_t now = Nanos(EventLoop::Current()->Now());
  leases_.Find(
      key, [&](Lease& lease) { EndMessage(key, message, leased, now, lease); });
  co_return leased.status();
}

// --- What is due without a call.

void LeaseKeeper::SetShared(absl::Duration now) {
  if (state_.SetShared(now)) Sweep(Nanos(now));
}

void LeaseKeeper::SetUnreachable(absl::Duration now) {
  if (state_.fails()) return;
  state_.SetAway(now, absl::UnavailableError("it is not connected"));
}

void LeaseKeeper::TellDue(RedisClient& client, int64_t now,
                          absl::FunctionRef<bool(Lease&)> keep) {
  std::vector<CounterKey> due;
  leases_.ForEach([&](const CounterKey& key, Lease& lease) {
    const bool kept = keep(lease);
    if (due.size() < kTellsAtOnce && IsDue(lease, key, now)) {
      lease.telling = true;
      due.push_back(key);
    }
    return kept || lease.telling;
  });
  for (const CounterKey& key : due) StartTelling(key, client);
}

void LeaseKeeper::Sweep(int64_t now) {
  RedisClient* const client = Reachable();
  const absl::Duration time = absl::Nanoseconds(now);
  if (client == nullptr) return SetUnreachable(time);
  state_.SetShared(time);
  TellDue(*client, now, [&](Lease& lease) {
    return lease.away || lease.forgiven || lease.units != 0 ||
           lease.claim != 0 || now - lease.touched < Nanos(kForgotten);
  });
}

int64_t LeaseKeeper::Forgive(
    const LimitRule& rule, int64_t now,
    absl::FunctionRef<bool(const std::string& subject)> forgives) {
  if (!has_redis() || rule.counts_calls()) return 0;
  int64_t count = 0;
  const auto forgive = [&](Lease& lease) {
    if (lease.counters == rule.shared_counters() && forgives(lease.subject)) {
      lease.forgiven = true;
      ++count;
    }
    return true;
  };
  RedisClient* const client = Reachable();
  if (client != nullptr) {
    TellDue(*client, now, forgive);
  } else {
    leases_.ForEach(
        [&](const CounterKey&, Lease& lease) { return forgive(lease); });
  }
  return count;
}

bool LeaseKeeper::ForgiveOne(const LimitRule& rule, int64_t now,
                             LimitSubject& subject) {
  if (!has_redis() || rule.counts_calls() ||
      rule.sharing() == llmgateway::config::v1::RateLimit::SHARING_LOCAL) {
    return false;
  }
  // Redis has it by a name that is made of the subject alone.
  return Use(rule, rule.KeyOf(subject), subject, now,
             [](Lease& lease) { lease.forgiven = true; });
}

Task<void> LeaseKeeper::Run(EventLoop& loop) {
  while (!stop_.cancelled()) {
    (co_await Sleep(loop, kInterval, stop_)).IgnoreError();
    if (!stop_.cancelled()) Sweep(Nanos(loop.Now()));
  }
  co_await GiveBackAll(loop);
  ended_.Open();
}

Task<void> LeaseKeeper::GiveBackAll(EventLoop& loop) {
  run_on_ = &loop;
  ends_.store(true);
  bool late = false;
  Timer too_long([this, &late] {
    late = true;
    all_told_.Set();
  });
  loop.ArmTimer(too_long, kEndTimeout);
  // Each once: what could not be told comes back by time. One that is being
  // told goes on until nothing is due.
  std::vector<CounterKey> due;
  const int64_t now = Nanos(loop.Now());
  leases_.ForEach([&](const CounterKey& key, Lease& lease) {
    if (IsDue(lease, key, now)) {
      lease.telling = true;
      due.push_back(key);
    }
    return true;
  });
  RedisClient* client = Reachable();
  for (size_t i = 0; i < due.size() && client != nullptr && !late;) {
    const size_t end = std::min(due.size(), i + kTellsAtOnce);
    for (; i < end; ++i) StartTelling(due[i], *client);
    while (tellings_.load() > 0 && !late) co_await all_told_.Wait();
    client = Reachable();
  }
  while (tellings_.load() > 0 && !late) co_await all_told_.Wait();
}

void LeaseKeeper::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void LeaseKeeper::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

}  // namespace gateway
