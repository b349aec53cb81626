#include "service/ledger/ledger_writer.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

// After a failure it is tried again so often, if no entry comes.
constexpr absl::Duration kTryAgain = absl::Seconds(1);
// The log has a line of lost entries so often at most.
constexpr absl::Duration kLossLineInterval = absl::Seconds(10);

bool MustNotBeLost(LedgerWriter::IfNotCommitted otherwise) {
  return otherwise == LedgerWriter::IfNotCommitted::kKeep ||
         otherwise == LedgerWriter::IfNotCommitted::kKeepAllInPassing ||
         otherwise == LedgerWriter::IfNotCommitted::kKeepAndGoOn;
}

}  // namespace

LedgerWriter::LedgerWriter(std::unique_ptr<LedgerLog> log,
                           const Options& options, Clock& clock)
    : options_(options),
      clock_(clock),
      log_(std::move(log)),
      counts_{.commits = log_->end().commits, .entries = log_->end().entries},
      thread_("ledger", [this] { Run(); }) {
  if (options_.wait_limit == absl::InfiniteDuration()) return;
  watch_ = Thread("ledger_watch", [this] { Watch(); });
}

LedgerWriter::LedgerWriter(std::unique_ptr<LedgerLog> log,
                           const Options& options, Clock& clock,
                           std::function<void()> wake)
    : options_(options),
      clock_(clock),
      wake_(std::move(wake)),
      log_(std::move(log)),
      counts_{.commits = log_->end().commits, .entries = log_->end().entries} {}

LedgerWriter::~LedgerWriter() { Close(); }

LedgerWriter::Unwritten LedgerWriter::Close() {
  bool is_closed = false;
  {
    MutexLock lock(mu_);
    is_closed = std::exchange(ends_, true);
    changed_.NotifyAll();
    watch_changed_.NotifyAll();
  }
  // Whoever has closed one without a thread closes it again with his life.
  if (wake_ != nullptr && !is_closed) Run();
  thread_.Join();
  watch_.Join();
  return unwritten();
}

LedgerWriter::Committing LedgerWriter::Commit(
    Sources sources, absl::Span<UnchainedEntry> behind,
    IfNotCommitted otherwise, std::function<void()> found_later) {
  return Committing(*this, sources, behind, otherwise, std::move(found_later));
}

LedgerWriter::Counts LedgerWriter::counts() const {
  MutexLock lock(mu_);
  Counts counts = counts_;
  counts.waiting = waiting_entries_;
  counts.kept += left_entries_;
  counts.left_out = left_out_.load(std::memory_order_relaxed);
  counts.losing = counts.lost > told_lost_;
  return counts;
}

LedgerWriter::Unwritten LedgerWriter::unwritten() const {
  MutexLock lock(mu_);
  const size_t untold = counts_.lost - told_lost_;
  return {.lost = Happened(waiting_) + (counts_.kept - uncertain_) + untold,
          .under_way = Happened(committing_) + left_entries_ + texts_entries_ +
                       uncertain_};
}

size_t LedgerWriter::Happened(const Group& group) {
  size_t entries = 0;
  for (const Waiting* const waiting : group) {
    if (!IsForgotten(waiting->otherwise)) entries += waiting->count;
  }
  return entries;
}

bool LedgerWriter::Add(Waiting& waiting) {
  for (const UnchainedEntry& entry : waiting.behind) {
    waiting.bytes += entry.chained_bytes();
  }
  for (const EntrySource* const source : waiting.sources) {
    waiting.bytes += source->bytes();
  }
  waiting.count = waiting.sources.size() + waiting.behind.size();
  const bool is_kept = !IsForgotten(waiting.otherwise);
  absl::Status failure;
  {
    MutexLock lock(mu_);
    if (PassesBy(waiting)) {
      failure = absl::DeadlineExceededError("a commit takes long");
    } else if (is_kept ? !counts_.failing : !counts_.stalled) {
      // Of a ledger that is written, what is kept waits as well.
      const size_t kept = counts_.failing ? 0 : counts_.kept;
      const size_t kept_bytes = counts_.failing ? 0 : kept_bytes_;
      if (MustNotBeLost(waiting.otherwise) ||
          HasRoom(waiting_entries_ + kept,
                  waiting_bytes_ + kept_bytes + waiting.bytes,
                  waiting.otherwise)) {
        waiting.since = clock_.SteadyTime();
        waiting_.push_back(&waiting);
        waiting_entries_ += waiting.count;
        waiting_bytes_ += waiting.bytes;
        if (waiting_.size() == 1) Wake();
        WatchPassing(waiting);
        return true;
      }
      failure = absl::ResourceExhaustedError(
          absl::StrCat("the ledger is written too slowly: ", waiting_entries_,
                       " entries wait"));
      TellFailure(waiting, failure);
      if (is_kept) CountLost(waiting.count, failure);
      return false;
    } else {
      failure = failure_;
    }
  }
  if (is_kept) {
    SetAside(waiting, failure, /*whatever_room=*/false);
  } else {
    TellFailure(waiting, failure);
  }
  return false;
}

void LedgerWriter::Wake() {
  waiting_since_ = waiting_.front()->since;
  waits_behind_ = committing_since_ != absl::InfiniteDuration();
  if (wake_ == nullptr) {
    changed_.NotifyAll();
    WakeWatch();
  } else {
    wake_();
  }
}

void LedgerWriter::SetAside(Waiting& waiting, const absl::Status& why,
                            bool whatever_room) {
  std::vector<UnchainedEntry> entries;
  TakeEntries(waiting, [&entries](UnchainedEntry entry) {
    entries.push_back(std::move(entry));
  });
  TellFailure(waiting, why);
  {
    MutexLock lock(mu_);
    for (UnchainedEntry& entry : entries) {
      if (whatever_room || HasRoomFor(entry, waiting.otherwise, why)) {
        CountKept(entry);
        set_aside_.push_back(std::move(entry));
      }
    }
    // The thread may have nothing else to do.
    if (whatever_room) changed_.NotifyAll();
  }
  TellLost(/*at_once=*/false);
}

void LedgerWriter::LetGo(const Group& waiting, const absl::Status& why,
                         bool whatever_room) {
  for (Waiting* const each : waiting) {
    if (IsForgotten(each->otherwise)) {
      TellFailure(*each, why);
    } else {
      SetAside(*each, why, whatever_room);
    }
  }
  Tell(waiting);
}

bool LedgerWriter::IsForgotten(IfNotCommitted otherwise) {
  return otherwise == IfNotCommitted::kForget ||
         otherwise == IfNotCommitted::kForgetOnceKnown;
}

void LedgerWriter::TellFailure(Waiting& waiting, const absl::Status& why) {
  if (waiting.otherwise != IfNotCommitted::kKeepAndGoOn) waiting.outcome = why;
}

bool LedgerWriter::HasRoom(size_t entries, size_t bytes,
                           IfNotCommitted otherwise) const {
  const size_t share = MustNotBeLost(otherwise) ? 2 : 1;
  return entries < share * options_.entries_limit &&
         bytes <= share * options_.bytes_limit;
}

void LedgerWriter::Run() {
  while (TakeGroup()) {
    WriteGroup();
    EndTurn();
  }
  // Of a commit that failed at last it is known whether it is there, if the
  // ledger can be read.
  if (uncertain_ > 0 || !doubts_.empty()) Settle().status().IgnoreError();
  LetGoOfDoubtful(/*at_once=*/true);
  TellLost(/*at_once=*/true);
  TellUnwritten();
  // Without one the next start takes longer, and no more than that.
  if (log_->end().entries > 0) log_->KeepCheckpoint().IgnoreError();
}

void LedgerWriter::TellUnwritten() const {
  const Unwritten all = unwritten();
  if (all.lost + all.under_way == 0) return;
  Log(LogLevel::kError, "ledger", "Entries that could not be written are lost",
      {{"entries", static_cast<int64_t>(all.lost)},
       {"entries_under_way", static_cast<int64_t>(all.under_way)}});
}

void LedgerWriter::BeginTurn() {
  {
    MutexLock lock(mu_);
    TakeWaiting();
  }
  WriteGroup();
}

void LedgerWriter::EndTurn() {
  absl::Status committed = Settle().status();
  bool is_doubtful = false;
  if (!committed.ok()) {
    Keep(committed);
  } else if (committed = Append(); !committed.ok()) {
    const absl::StatusOr<bool> there = KeepAndSettle(committed);
    is_doubtful = !there.ok();
    if (there.ok() && *there) committed = absl::OkStatus();
  }
  taken_.clear();
  group_ = EndCommit(committed, is_doubtful);
  if (is_doubtful) HoldDoubtful(committed, &group_);
  Tell(group_);
  group_.clear();  // Its memory is for who waits next.
  if (!committed.ok()) LetGoOfBacklog(committed);
  TellLost(/*at_once=*/committed.ok());
  LetGoOfDoubtful(/*at_once=*/false);
}

bool LedgerWriter::TakeGroup() {
  group_.clear();
  MutexLock lock(mu_);
  while (waiting_.empty()) {
    TakeSetAside();
    // Once more, and no longer.
    if (ends_) {
      return (!kept_.empty() || counts_.lost > told_lost_) &&
             !std::exchange(tried_at_end_, true);
    }
    // What was set aside as the ledger was about to be written again.
    if (!kept_.empty() && !counts_.failing) return true;
    const absl::Duration pause =
        counts_.failing ? kTryAgain : log_->keep_alive_interval();
    if (!changed_.WaitFor(lock, pause)) break;
  }
  TakeWaiting();
  return true;
}

void LedgerWriter::TakeWaiting() {
  TakeSetAside();
  group_.clear();
  writes_texts_ = !waiting_.empty();
  if (!writes_texts_) return;
  committing_since_ = clock_.SteadyTime();
  if (!std::exchange(waits_behind_, false)) {
    committing_since_ = std::min(waiting_since_, committing_since_);
  }
  WakeWatch();
  const size_t places = PlacesInCommit();
  if (places == waiting_.size()) {
    waiting_entries_ = 0;
    waiting_bytes_ = 0;
    waiting_.swap(group_);  // Which leaves its memory to the loops.
    texts_entries_ = Happened(group_);
    return;
  }
  const auto end = waiting_.begin() + static_cast<ptrdiff_t>(places);
  group_.assign(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  for (const Waiting* const taken : group_) {
    waiting_entries_ -= taken->count;
    waiting_bytes_ -= taken->bytes;
  }
  texts_entries_ = Happened(group_);
  waiting_since_ = absl::InfiniteDuration();
}

size_t LedgerWriter::PlacesInCommit() const {
  size_t places = 1;
  size_t bytes = waiting_.front()->bytes;
  while (places < waiting_.size()) {
    bytes += waiting_[places]->bytes;
    if (bytes > options_.bytes_limit) break;
    ++places;
  }
  return places;
}

bool LedgerWriter::HasBacklog() const {
  return !waiting_.empty() && waiting_since_ == absl::InfiniteDuration();
}

LedgerWriter::Group LedgerWriter::TakeAllWaiting() {
  waiting_entries_ = 0;
  waiting_bytes_ = 0;
  return std::exchange(waiting_, {});
}

void LedgerWriter::TakeSetAside() {
  for (UnchainedEntry& entry : set_aside_) kept_.push_back(std::move(entry));
  set_aside_.clear();
}

void LedgerWriter::WriteGroup() {
  for (Waiting* const waiting : group_) {
    TakeEntries(*waiting, [this, waiting](UnchainedEntry entry) {
      taken_.push_back({std::move(entry), waiting->otherwise});
    });
  }
  MutexLock lock(mu_);
  committing_.swap(group_);
  writes_texts_ = false;
  texts_entries_ = 0;
  // Some of them have waited for the commits before as well.
  if (!committing_.empty() && committing_.front()->since < committing_since_) {
    watch_changed_.NotifyAll();
  }
}

template <typename Take>
void LedgerWriter::TakeEntries(Waiting& waiting, const Take& take) {
  for (const EntrySource* const source :
       std::exchange(waiting.sources, Sources())) {
    take(source->Write());
  }
  for (UnchainedEntry& entry :
       std::exchange(waiting.behind, absl::Span<UnchainedEntry>())) {
    take(std::move(entry));
  }
}

absl::StatusOr<bool> LedgerWriter::Settle() {
  const absl::StatusOr<bool> found = log_->Settle();
  if (const std::optional<LedgerLog::Cut> cut = log_->TakeCut()) {
    KeepCutEntry(*cut);
  }
  GATEWAY_ASSIGN_OR_RETURN(const bool there, found);
  EndDoubts(there);
  MutexLock lock(mu_);
  const size_t settled = std::exchange(uncertain_, 0);
  if (!there) return false;
  told_lost_ = uncertain_lost_;
  for (size_t i = 0; i < settled; ++i) {
    kept_bytes_ -= kept_.front().chained_bytes();
    kept_.pop_front();
    --counts_.kept;
  }
  return true;
}

absl::StatusOr<bool> LedgerWriter::KeepAndSettle(const absl::Status& why) {
  Keep(why);
  {
    MutexLock lock(mu_);
    uncertain_ = kept_.size();  // All of it was tried.
  }
  return Settle();
}

absl::Status LedgerWriter::Append() {
  std::vector<const UnchainedEntry*> entries;
  entries.reserve(kept_.size() + taken_.size() + 1);
  for (const UnchainedEntry& entry : kept_) entries.push_back(&entry);
  const Counts before = counts();
  const uint64_t lost = before.lost;
  std::optional<UnchainedEntry> loss;
  if (lost > told_lost_) {
    entries.push_back(&loss.emplace(LossEntry(lost - told_lost_)));
  }
  for (const Taken& taken : taken_) entries.push_back(&taken.entry);
  uncertain_lost_ = lost;
  {
    MutexLock lock(mu_);
    uncertain_ = kept_.size();
  }
  if (!entries.empty()) {
    GATEWAY_RETURN_IF_ERROR(log_->Append(entries, clock_.WallTime()));
  } else if (before.failing) {
    // Has its place again, and writes something, to see whether it can.
    GATEWAY_RETURN_IF_ERROR(log_->KeepAlive());
    return log_->KeepCheckpoint();
  } else {
    return log_->KeepAlive();
  }
  MutexLock lock(mu_);
  told_lost_ = lost;
  uncertain_ = 0;
  for (const UnchainedEntry& entry : kept_) {
    kept_bytes_ -= entry.chained_bytes();
  }
  counts_.kept -= kept_.size();
  kept_.clear();
  return absl::OkStatus();
}

UnchainedEntry LedgerWriter::LossEntry(uint64_t lost) const {
  LedgerEntry entry;
  entry.event_type = "ENTRIES_LOST";
  entry.decision = "LOST";
  entry.reason = absl::StrCat(
      lost,
      " entries could be neither written nor kept while the ledger "
      "could not be written");
  {
    MetadataWriter metadata(&entry.metadata);
    metadata.AddInt("entries", static_cast<int64_t>(lost));
  }
  entry.id = NewEntryId(SystemRandom());
  entry.time = clock_.WallTime();
  return UnchainedEntry(entry);
}

void LedgerWriter::KeepCutEntry(const LedgerLog::Cut& cut) {
  LedgerEntry entry;
  entry.event_type = "ENTRIES_LOST";
  entry.decision = "LOST";
  entry.reason = absl::StrCat(
      cut.entries,
      " entries that were committed are gone: a server has taken over that "
      "did not have them");
  {
    MetadataWriter metadata(&entry.metadata);
    metadata.AddInt("entries", cut.entries);
    metadata.AddInt("last_entry", cut.end.entries);
    metadata.AddText("last_hash", cut.end.hash);
  }
  entry.id = NewEntryId(SystemRandom());
  entry.time = clock_.WallTime();
  // As if it had been told already.
  const auto entries = static_cast<uint64_t>(cut.entries);
  uncertain_lost_ += entries;
  UnchainedEntry& kept = kept_.emplace_back(entry);
  MutexLock lock(mu_);
  told_lost_ += entries;
  counts_.lost += entries;
  counts_.last_loss = clock_.SteadyTime();
  logged_lost_ += entries;  // By who has found it out.
  ++counts_.kept;
  kept_bytes_ += kept.chained_bytes();
}

void LedgerWriter::Keep(const absl::Status& why) {
  MutexLock lock(mu_);
  for (Taken& taken : taken_) {
    if (IsForgotten(taken.otherwise)) continue;
    if (HasRoomFor(taken.entry, taken.otherwise, why)) {
      CountKept(taken.entry);
      kept_.push_back(std::move(taken.entry));
    }
  }
}

bool LedgerWriter::HasRoomFor(const UnchainedEntry& entry,
                              IfNotCommitted otherwise,
                              const absl::Status& why) {
  const size_t bytes = kept_bytes_ + entry.chained_bytes();
  if (HasRoom(counts_.kept, bytes, otherwise)) return true;
  CountLost(1, why);
  return false;
}

void LedgerWriter::CountLost(size_t entries, const absl::Status& why) {
  counts_.lost += entries;
  counts_.last_loss = clock_.SteadyTime();
  loss_why_ = why;
}

void LedgerWriter::CountKept(const UnchainedEntry& entry) {
  kept_bytes_ += entry.chained_bytes();
  ++counts_.kept;
}

void LedgerWriter::TellLost(bool at_once) {
  const absl::Duration now = clock_.SteadyTime();
  uint64_t lost = 0;
  absl::Status why;
  {
    MutexLock lock(mu_);
    lost = counts_.lost - logged_lost_;
    if (lost == 0 || (!at_once && now < next_loss_line_)) return;
    logged_lost_ = counts_.lost;
    next_loss_line_ = now + kLossLineInterval;
    why = loss_why_;
  }
  Log(LogLevel::kError, "ledger",
      "Entries are lost: the ledger cannot be written, and there is no more "
      "room to keep them; see to what `why` says, or raise "
      "ledger.queue_bytes_limit and ledger.queue_entries_limit",
      {{"entries", lost}, {"why", why}});
}

LedgerWriter::Group LedgerWriter::EndCommit(const absl::Status& committed,
                                            bool is_doubtful) {
  bool was_failing = false;
  bool is_news = false;
  Group told;
  {
    MutexLock lock(mu_);
    told.swap(committing_);
    left_entries_ = 0;
    committing_since_ = absl::InfiniteDuration();
    was_failing = std::exchange(counts_.failing, !committed.ok());
    is_news = !was_failing || std::exchange(tells_end_, false);
    counts_.stalled = false;
    if (!committed.ok()) ++counts_.failures;
    failure_ = committed;
    counts_.commits = log_->end().commits;
    counts_.entries = log_->end().entries;
  }
  if (!committed.ok()) {
    for (Waiting* const waiting : told) {
      waiting->may_be_there = is_doubtful;
      TellFailure(*waiting, committed);
    }
  }
  if (is_news && !committed.ok()) {
    Log(LogLevel::kError, "ledger", "The ledger cannot be written",
        {{"why", committed}});
  } else if (was_failing && committed.ok()) {
    Log(LogLevel::kInfo, "ledger", "The ledger is written again");
  }
  return told;
}

void LedgerWriter::LetGoOfBacklog(const absl::Status& why) {
  Group waiting;
  {
    MutexLock lock(mu_);
    if (!HasBacklog()) return;
    waiting = TakeAllWaiting();
  }
  LetGo(waiting, why, /*whatever_room=*/false);
}

void LedgerWriter::Tell(const Group& group) {
  std::vector<std::pair<EventLoop*, std::vector<std::coroutine_handle<>>>> told;
  for (const Waiting* const waiting : group) {
    auto of_loop = std::find_if(
        told.begin(), told.end(),
        [&](const auto& each) { return each.first == waiting->loop; });
    if (of_loop == told.end()) {
      of_loop = told.insert(told.end(), {waiting->loop, {}});
    }
    of_loop->second.push_back(waiting->handle);
  }
  for (auto& [loop, handles] : told) {
    loop->Post([loop = loop, handles = std::move(handles)] {
      for (const std::coroutine_handle<> handle : handles) loop->Resume(handle);
    });
  }
}

}  // namespace gateway
