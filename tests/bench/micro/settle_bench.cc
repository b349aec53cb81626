// Settles calls with a ledger that is a file, so many a second for so long,
// whether or not those before have ended: how long each waits until it is on
// the disk, how many entries wait at most, and whether all are there. Ends with
// 1 if one cannot be written or is not there, or the p99 is beyond 50 ms.
//
//   bazel run //tests/bench/micro:settle_bench -- /var/tmp/settle.db 300 5000
//
// The file must not be there; it grows by 1.6 KB a settle. It and what is
// beside it may be removed afterwards.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

constexpr int kLoops = 2;
constexpr double kGoalMilliseconds = 50;
// From one look at what is due to the next.
constexpr absl::Duration kTick = absl::Milliseconds(1);

void Require(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  exit(1);
}

// What a call writes as it ends: its exchange, and what budgets were charged.
class SettledCall : public EntrySource {
 public:
  explicit SettledCall(int64_t call) : call_(call) {}

  size_t bytes() const override { return 1536; }
  UnchainedEntry Write() const override { return ExchangeOf(call_); }

 private:
  const int64_t call_;
};

UnchainedEntry DebitOf(int64_t call) {
  LedgerEntry entry;
  entry.id = absl::StrCat("LED-debit-", call);
  entry.event_type = "BUDGET_DEBIT";
  entry.decision = "DEBITED";
  entry.reason = "Charged for a call";
  entry.time = kFirstCallTime + call * kBetweenCalls;
  entry.metadata =
      absl::StrCat("{\"charged\": ", call % 1000, ", \"scope_key\": \"",
                   std::string(400, 's'), "\"}");
  return UnchainedEntry(entry);
}

// The calls of one loop.
class SettlingCalls {
 public:
  SettlingCalls(LedgerWriter& writer, int64_t first_call, int64_t calls,
                absl::Duration between)
      : writer_(writer),
        first_call_(first_call),
        calls_(calls),
        between_(between) {
    waits_ms_.reserve(static_cast<size_t>(calls));
  }

  // Begins each when it is due, and ends when all have ended.
  Task<void> Run(EventLoop& loop) {
    CancelSignal never;
    const absl::Duration start = SystemClock().SteadyTime();
    for (int64_t next = 0; next < calls_;) {
      const absl::Duration now = SystemClock().SteadyTime() - start;
      for (; next < calls_ && next * between_ <= now; ++next) {
        Spawn(Settle(first_call_ + next, start + next * between_));
      }
      (co_await Sleep(loop, kTick, never)).IgnoreError();
    }
    while (static_cast<int64_t>(waits_ms_.size()) < calls_) {
      (co_await Sleep(loop, kTick, never)).IgnoreError();
    }
  }

  // From when each was due until it was on the disk.
  const std::vector<float>& waits_ms() const { return waits_ms_; }

 private:
  Task<void> Settle(int64_t call, absl::Duration due) {
    const SettledCall settled(call);
    const EntrySource* const sources[] = {&settled};
    UnchainedEntry debit = DebitOf(call);
    const absl::Status committed =
        co_await writer_.Commit(sources, absl::MakeSpan(&debit, 1),
                                LedgerWriter::IfNotCommitted::kKeep);
    Require(committed);
    waits_ms_.push_back(static_cast<float>(
        absl::ToDoubleMilliseconds(SystemClock().SteadyTime() - due)));
  }

  LedgerWriter& writer_;
  const int64_t first_call_;
  const int64_t calls_;
  const absl::Duration between_;
  std::vector<float> waits_ms_;
};

// How many entries waited at most, looked at once a tick.
Task<void> WatchQueue(EventLoop& loop, const LedgerWriter& writer,
                      const std::atomic<bool>& ends, size_t* most) {
  CancelSignal never;
  while (!ends.load()) {
    *most = std::max(*most, writer.counts().waiting);
    (co_await Sleep(loop, kTick, never)).IgnoreError();
  }
}

std::vector<float> WaitsOf(
    const std::vector<std::unique_ptr<SettlingCalls>>& all) {
  std::vector<float> waits;
  for (const auto& each : all) {
    waits.insert(waits.end(), each->waits_ms().begin(), each->waits_ms().end());
  }
  std::sort(waits.begin(), waits.end());
  return waits;
}

int64_t EntriesIn(const std::string& path) {
  const auto log = LedgerLog::Open({.path = path});
  Require(log.status());
  LedgerCheck check;
  Require((*log)->Read(
      1, [&](const LedgerCommit& commit) { return check.Add(commit); }));
  return check.checked_entries();
}

// What became of it; false if that is not what it is to be.
bool Report(const std::vector<float>& waits, const LedgerWriter::Counts& counts,
            size_t most_waiting, int64_t lost) {
  const auto at = [&](double share) {
    return waits[static_cast<size_t>(static_cast<double>(waits.size() - 1) *
                                     share)];
  };
  printf("%zu settles, %lld commits of %.0f entries\n", waits.size(),
         static_cast<long long>(counts.commits),
         static_cast<double>(counts.entries) /
             static_cast<double>(std::max<int64_t>(counts.commits, 1)));
  printf("waited p50 %.1f ms, p99 %.1f ms, worst %.1f ms\n", at(0.5), at(0.99),
         at(1));
  printf("entries that waited at most: %zu of %zu\n", most_waiting,
         LedgerWriter::Options().entries_limit);
  printf("lost %lld\n", static_cast<long long>(lost));
  return lost == 0 && at(0.99) <= kGoalMilliseconds;
}

// The loop on which the queue is looked at.
class QueueWatch {
 public:
  explicit QueueWatch(const LedgerWriter& writer) {
    loop_.loop().Post([this, &writer] {
      Spawn([](QueueWatch& watch, const LedgerWriter& watched) -> Task<void> {
        co_await WatchQueue(watch.loop_.loop(), watched, watch.ends_,
                            &watch.most_);
        watch.over_.Set();
      }(*this, writer));
    });
  }

  size_t End() {
    ends_ = true;
    while (!over_.Wait()) {
    }
    return most_;
  }

 private:
  std::atomic<bool> ends_ = false;
  size_t most_ = 0;
  Event over_;
  LoopThread loop_;
};

bool Run(const std::string& path, int64_t seconds, int64_t per_second) {
  auto log = LedgerLog::Open({.path = path});
  Require(log.status());
  auto writer = std::make_unique<LedgerWriter>(
      *std::move(log), LedgerWriter::Options(), SystemClock());
  const int64_t calls_each = seconds * per_second / kLoops;
  std::vector<std::unique_ptr<LoopThread>> loops;
  std::vector<std::unique_ptr<SettlingCalls>> all;
  std::vector<Event> done(kLoops);
  QueueWatch watch(*writer);
  for (int i = 0; i < kLoops; ++i) {
    loops.push_back(std::make_unique<LoopThread>());
    all.push_back(
        std::make_unique<SettlingCalls>(*writer, i * calls_each, calls_each,
                                        absl::Seconds(kLoops) / per_second));
    loops.back()->loop().Post([&, i] {
      Spawn([](EventLoop& loop, SettlingCalls& calls,
               Event& over) -> Task<void> {
        co_await calls.Run(loop);
        over.Set();
      }(loops[static_cast<size_t>(i)]->loop(), *all[static_cast<size_t>(i)],
                            done[static_cast<size_t>(i)]));
    });
  }
  for (Event& each : done) {
    while (!each.Wait()) {
    }
  }
  const size_t most = watch.End();
  const LedgerWriter::Counts counts = writer->counts();
  writer.reset();  // All is on the disk, and the file is free.
  const std::vector<float> waits = WaitsOf(all);
  const int64_t entries = EntriesIn(path);
  return Report(waits, counts, most,
                2 * static_cast<int64_t>(waits.size()) - entries);
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4 || std::filesystem::exists(argv[1])) {
    fprintf(stderr,
            "settle_bench FILE [SECONDS [PER_SECOND]], of a file that is not "
            "there\n");
    return 2;
  }
  const int64_t seconds = argc > 2 ? std::atoll(argv[2]) : 300;
  const int64_t per_second = argc > 3 ? std::atoll(argv[3]) : 5000;
  if (seconds < 1 || per_second < 2) {
    fprintf(stderr, "SECONDS from 1 on, PER_SECOND from 2 on\n");
    return 2;
  }
  return gateway::Run(argv[1], seconds, per_second) ? 0 : 1;
}
