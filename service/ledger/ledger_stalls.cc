// LedgerWriter's watch: what becomes of those who have waited for too long.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "service/ledger/ledger_writer.h"

namespace gateway {
namespace {

// Who comes while a commit is under way waits for that one and for his own.
constexpr int kCommitsInAll = 2;
// Texts that are being written are waited for in steps.
constexpr absl::Duration kTextsPause = absl::Milliseconds(10);
// The log says so often at most that the ledger is slow.
constexpr absl::Duration kSlowLineInterval = absl::Seconds(10);

}  // namespace

void LedgerWriter::WakeWatch() {
  if (std::exchange(watch_rests_, false)) watch_changed_.NotifyAll();
}

void LedgerWriter::Watch() {
  for (;;) {
    bool is_stalled = false;
    {
      MutexLock lock(mu_);
      if (ends_) return;
      const absl::Duration now = clock_.SteadyTime();
      const absl::Duration of_commit = OldestWait();
      const absl::Duration of_passing = OldestInPassing();
      const absl::Duration until =
          std::min({of_commit + options_.wait_limit,
                    OldestInBacklog() + kCommitsInAll * options_.wait_limit,
                    of_passing + PassingLimit()});
      watch_until_ = until;
      absl::Duration left = absl::InfiniteDuration();
      watch_rests_ = until == absl::InfiniteDuration();
      if (!watch_rests_) {
        left = until - now;
        // The thread reads what callers have lent it, and has soon done so;
        // until then nobody sees who they are.
        if (writes_texts_) left = kTextsPause;
      }
      if (left > absl::ZeroDuration()) {
        watch_changed_.WaitFor(lock, left);
        continue;
      }
      is_stalled = of_commit + options_.wait_limit <= now;
    }
    LetGoOfPassing();
    is_stalled ? LetGoOfAll() : LetGoOfOverdue();
  }
}

absl::Duration LedgerWriter::PassingLimit() const {
  return std::min(options_.passing_limit, options_.wait_limit);
}

bool LedgerWriter::IsInPassing(IfNotCommitted otherwise) {
  return otherwise == IfNotCommitted::kKeepInPassing ||
         otherwise == IfNotCommitted::kKeepAllInPassing;
}

bool LedgerWriter::PassesBy(const Waiting& waiting) const {
  return IsInPassing(waiting.otherwise) &&
         options_.wait_limit != absl::InfiniteDuration() &&
         committing_since_ + PassingLimit() <= clock_.SteadyTime();
}

void LedgerWriter::WatchPassing(const Waiting& waiting) {
  if (!IsInPassing(waiting.otherwise)) return;
  if (waiting.since + PassingLimit() < watch_until_) {
    watch_changed_.NotifyAll();
  }
}

absl::Duration LedgerWriter::OldestInPassing() const {
  absl::Duration oldest = absl::InfiniteDuration();
  for (const Group* const group : {&waiting_, &committing_}) {
    for (const Waiting* const waiting : *group) {
      if (!IsInPassing(waiting->otherwise)) continue;
      oldest = std::min(oldest, waiting->since);
    }
  }
  return oldest;
}

void LedgerWriter::LetGoOfPassing() {
  const absl::Status why = absl::DeadlineExceededError("a commit takes long");
  Group committing;
  Group waiting;
  {
    MutexLock lock(mu_);
    const absl::Duration since = clock_.SteadyTime() - PassingLimit();
    const auto is_let_go = [since](const Waiting* each) {
      return IsInPassing(each->otherwise) && each->since <= since;
    };
    for (Waiting* const each : committing_) {
      if (!is_let_go(each)) continue;
      committing.push_back(each);
      left_entries_ += each->count;
      TellFailure(*each, why);
    }
    std::erase_if(committing_, is_let_go);
    for (Waiting* const each : waiting_) {
      if (!is_let_go(each)) continue;
      waiting.push_back(each);
      waiting_entries_ -= each->count;
      waiting_bytes_ -= each->bytes;
    }
    std::erase_if(waiting_, is_let_go);
    if (!waiting_.empty() && waiting_since_ != absl::InfiniteDuration()) {
      waiting_since_ = waiting_.front()->since;
    }
  }
  Tell(committing);
  LetGo(waiting, why, /*whatever_room=*/false);
}

absl::Duration LedgerWriter::OldestWait() const {
  absl::Duration oldest = absl::InfiniteDuration();
  if (!waiting_.empty() && !waits_behind_) oldest = waiting_since_;
  if (!counts_.stalled) oldest = std::min(oldest, committing_since_);
  return oldest;
}

absl::Duration LedgerWriter::OldestInBacklog() const {
  absl::Duration oldest = absl::InfiniteDuration();
  if (HasBacklog() || waits_behind_) {
    const auto first = std::find_if(
        waiting_.begin(), waiting_.end(),
        [](const Waiting* waiting) { return !waiting->is_patient; });
    if (first != waiting_.end()) oldest = (*first)->since;
  }
  for (const Waiting* const waiting : committing_) {
    if (waiting->otherwise == IfNotCommitted::kForgetOnceKnown) continue;
    oldest = std::min(oldest, waiting->since);
  }
  return oldest;
}

LedgerWriter::Group LedgerWriter::LeaveCommit(absl::Duration since,
                                              const absl::Status& why) {
  Group left;
  Group stays;
  for (Waiting* const waiting : committing_) {
    const bool is_known_first =
        waiting->otherwise == IfNotCommitted::kForgetOnceKnown;
    if (is_known_first || waiting->since > since) {
      stays.push_back(waiting);
      continue;
    }
    left.push_back(waiting);
    if (!IsForgotten(waiting->otherwise)) left_entries_ += waiting->count;
    waiting->may_be_there = true;
    TellFailure(*waiting, why);
  }
  committing_.swap(stays);
  return left;
}

void LedgerWriter::LetGoOfAll() {
  const absl::Status why = absl::DeadlineExceededError(
      absl::StrCat("a commit has not ended within ",
                   absl::FormatDuration(options_.wait_limit)));
  Group committing;
  Group waiting;
  bool was_failing = false;
  {
    MutexLock lock(mu_);
    // The commit may have ended meanwhile.
    const absl::Duration since = OldestWait();
    if (writes_texts_ || since + options_.wait_limit > clock_.SteadyTime()) {
      return;
    }
    was_failing = std::exchange(counts_.failing, true);
    counts_.stalled = true;
    tells_end_ = tells_end_ || !was_failing;
    failure_ = why;
    committing = LeaveCommit(absl::InfiniteDuration(), why);
    waiting = TakeAllWaiting();
  }
  if (!was_failing) {
    Log(LogLevel::kError, "ledger",
        "The ledger cannot be written: nobody waits for it any more",
        {{"why", why}});
  }
  Tell(committing);
  LetGo(waiting, why, /*whatever_room=*/false);
}

LedgerWriter::Group LedgerWriter::TakeOverdueWaiting(absl::Duration overdue) {
  Group taken;
  if (!HasBacklog() && !waits_behind_) return taken;
  Group stays;
  size_t kept = counts_.kept;
  size_t kept_bytes = kept_bytes_;
  auto each = waiting_.begin();
  for (; each != waiting_.end() && (*each)->since <= overdue; ++each) {
    Waiting& waiting = **each;
    if (waiting.otherwise == IfNotCommitted::kKeepAndGoOn &&
        (waiting.is_patient ||
         !HasRoom(kept, kept_bytes + waiting.bytes, waiting.otherwise))) {
      waiting.is_patient = true;
      stays.push_back(&waiting);
      continue;
    }
    if (!IsForgotten(waiting.otherwise)) {
      kept += waiting.count;
      kept_bytes += waiting.bytes;
    }
    waiting_entries_ -= waiting.count;
    waiting_bytes_ -= waiting.bytes;
    taken.push_back(&waiting);
  }
  stays.insert(stays.end(), each, waiting_.end());
  waiting_.swap(stays);
  return taken;
}

void LedgerWriter::LetGoOfOverdue() {
  const absl::Status why = absl::DeadlineExceededError(
      absl::StrCat("the ledger is written too slowly: entries have waited for ",
                   absl::FormatDuration(kCommitsInAll * options_.wait_limit)));
  Group committing;
  Group waiting;
  bool is_told = false;
  {
    MutexLock lock(mu_);
    const absl::Duration now = clock_.SteadyTime();
    const absl::Duration overdue = now - kCommitsInAll * options_.wait_limit;
    committing = LeaveCommit(overdue, why);
    waiting = TakeOverdueWaiting(overdue);
    is_told =
        !(committing.empty() && waiting.empty()) && now >= next_slow_line_;
    if (is_told) next_slow_line_ = now + kSlowLineInterval;
  }
  if (is_told) {
    Log(LogLevel::kWarn, "ledger",
        "The ledger is written too slowly: who has waited for twice "
        "ledger.commit_timeout waits no more",
        {{"entries", static_cast<int64_t>(committing.size() + waiting.size())},
         {"why", why}});
  }
  Tell(committing);
  LetGo(waiting, why, /*whatever_room=*/true);
}

}  // namespace gateway
