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

}  // namespace

LedgerWriter::LedgerWriter(std::unique_ptr<LedgerLog> log,
                           const Options& options, Clock& clock)
    : options_(options),
      clock_(clock),
      log_(std::move(log)),
      counts_{.commits = log_->end().commits, .entries = log_->end().entries},
      thread_("ledger", [this] { Run(); }) {}

LedgerWriter::LedgerWriter(std::unique_ptr<LedgerLog> log,
                           const Options& options, Clock& clock,
                           std::function<void()> wake)
    : options_(options),
      clock_(clock),
      wake_(std::move(wake)),
      log_(std::move(log)),
      counts_{.commits = log_->end().commits, .entries = log_->end().entries} {}

LedgerWriter::~LedgerWriter() { Close(); }

size_t LedgerWriter::Close() {
  {
    MutexLock lock(mu_);
    // Whoever has closed one without a thread closes it again with his life.
    if (std::exchange(ends_, true) && wake_ != nullptr) return kept_.size();
    changed_.NotifyAll();
  }
  if (wake_ != nullptr) Run();
  thread_.Join();
  return kept_.size();
}

LedgerWriter::Committing LedgerWriter::Commit(UnchainedEntry entry,
                                              IfNotCommitted otherwise) {
  Committing committing(*this, otherwise);
  committing.waiting_.entries.push_back(std::move(entry));
  return committing;
}

LedgerWriter::Committing LedgerWriter::Commit(
    Sources sources, std::vector<UnchainedEntry> behind,
    IfNotCommitted otherwise) {
  Committing committing(*this, otherwise);
  committing.waiting_.sources = std::move(sources);
  committing.waiting_.entries.assign(std::make_move_iterator(behind.begin()),
                                     std::make_move_iterator(behind.end()));
  return committing;
}

LedgerWriter::Counts LedgerWriter::counts() const {
  MutexLock lock(mu_);
  Counts counts = counts_;
  counts.waiting = waiting_entries_;
  return counts;
}

bool LedgerWriter::Add(Waiting& waiting) {
  size_t bytes = 0;
  for (const UnchainedEntry& entry : waiting.entries) {
    bytes += entry.chained_bytes();
  }
  for (const EntrySource* const source : waiting.sources) {
    bytes += source->bytes();
  }
  const size_t entries = waiting.entries.size() + waiting.sources.size();
  const bool is_kept = waiting.otherwise != IfNotCommitted::kForget;
  {
    MutexLock lock(mu_);
    if (!is_kept || !counts_.failing) {
      if (HasRoom(waiting_entries_, waiting_bytes_ + bytes,
                  waiting.otherwise)) {
        waiting_.push_back(&waiting);
        waiting_entries_ += entries;
        waiting_bytes_ += bytes;
        if (waiting_.size() == 1) Wake();
        return true;
      }
      if (is_kept) counts_.lost += entries;
      if (waiting.otherwise == IfNotCommitted::kKeepAndGoOn) return false;
      waiting.outcome = absl::ResourceExhaustedError(
          absl::StrCat("the ledger is written too slowly: ", waiting_entries_,
                       " entries wait"));
      return false;
    }
  }
  SetAside(waiting);
  return false;
}

void LedgerWriter::Wake() {
  if (wake_ == nullptr) {
    changed_.NotifyAll();
  } else {
    wake_();
  }
}

void LedgerWriter::SetAside(Waiting& waiting) {
  WriteTexts(waiting);
  MutexLock lock(mu_);
  if (waiting.otherwise != IfNotCommitted::kKeepAndGoOn) {
    waiting.outcome = failure_;
  }
  for (UnchainedEntry& entry : waiting.entries) {
    if (MakeRoom(entry, waiting.otherwise)) {
      set_aside_.push_back(std::move(entry));
    }
  }
}

bool LedgerWriter::HasRoom(size_t entries, size_t bytes,
                           IfNotCommitted otherwise) const {
  const bool must_not_be_lost = otherwise == IfNotCommitted::kKeep ||
                                otherwise == IfNotCommitted::kKeepAndGoOn;
  const size_t share = must_not_be_lost ? 2 : 1;
  return entries < share * options_.entries_limit &&
         bytes <= share * options_.bytes_limit;
}

void LedgerWriter::Run() {
  while (TakeGroup()) {
    for (Waiting* const waiting : group_) WriteTexts(*waiting);
    EndTurn();
  }
  if (!kept_.empty()) {
    Log(LogLevel::kError, "ledger",
        "Entries that could not be written are lost",
        {{"entries", static_cast<int64_t>(kept_.size())}});
  }
  // Without one the next start takes longer, and no more than that.
  if (log_->end().entries > 0) log_->KeepCheckpoint().IgnoreError();
}

void LedgerWriter::BeginTurn() {
  {
    MutexLock lock(mu_);
    TakeWaiting();
  }
  for (Waiting* const waiting : group_) WriteTexts(*waiting);
}

void LedgerWriter::EndTurn() {
  const absl::Status settled = Settle();
  const absl::Status committed = settled.ok() ? Append(group_) : settled;
  if (!committed.ok()) {
    Keep(group_, committed);
    // All of it was tried.
    if (settled.ok()) uncertain_ = kept_.size();
  }
  CountOutcome(committed);
  // The loops need not free what was made here.
  for (Waiting* const waiting : group_) waiting->entries.clear();
  Tell(group_);
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
  group_.swap(waiting_);
  waiting_entries_ = 0;
  waiting_bytes_ = 0;
}

void LedgerWriter::TakeSetAside() {
  for (UnchainedEntry& entry : set_aside_) kept_.push_back(std::move(entry));
  set_aside_.clear();
}

void LedgerWriter::WriteTexts(Waiting& waiting) {
  if (waiting.sources.empty()) return;
  auto behind = std::exchange(waiting.entries, {});
  for (const EntrySource* const source : waiting.sources) {
    waiting.entries.push_back(source->Write());
  }
  for (UnchainedEntry& entry : behind) {
    waiting.entries.push_back(std::move(entry));
  }
}

absl::Status LedgerWriter::Settle() {
  const absl::StatusOr<bool> found = log_->Settle();
  if (const std::optional<LedgerLog::Cut> cut = log_->TakeCut()) {
    KeepCutEntry(*cut);
  }
  GATEWAY_ASSIGN_OR_RETURN(const bool there, found);
  const size_t settled = std::exchange(uncertain_, 0);
  if (!there) return absl::OkStatus();
  told_lost_ = uncertain_lost_;
  MutexLock lock(mu_);
  for (size_t i = 0; i < settled; ++i) {
    kept_bytes_ -= kept_.front().chained_bytes();
    kept_.pop_front();
    --counts_.kept;
  }
  return absl::OkStatus();
}

absl::Status LedgerWriter::Append(const Group& group) {
  std::vector<const UnchainedEntry*> entries;
  entries.reserve(kept_.size() + group.size() + 1);
  for (const UnchainedEntry& entry : kept_) entries.push_back(&entry);
  const Counts before = counts();
  const uint64_t lost = before.lost;
  std::optional<UnchainedEntry> loss;
  if (lost > told_lost_) {
    entries.push_back(&loss.emplace(LossEntry(lost - told_lost_)));
  }
  for (const Waiting* const waiting : group) {
    for (const UnchainedEntry& entry : waiting->entries) {
      entries.push_back(&entry);
    }
  }
  uncertain_lost_ = lost;
  if (!entries.empty()) {
    GATEWAY_RETURN_IF_ERROR(log_->Append(entries, clock_.WallTime()));
  } else if (before.failing) {
    // Has its place again, and writes something, to see whether it can.
    GATEWAY_RETURN_IF_ERROR(log_->KeepAlive());
    return log_->KeepCheckpoint();
  } else {
    return log_->KeepAlive();
  }
  told_lost_ = lost;
  MutexLock lock(mu_);
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
  told_lost_ += entries;
  uncertain_lost_ += entries;
  UnchainedEntry& kept = kept_.emplace_back(entry);
  MutexLock lock(mu_);
  counts_.lost += entries;
  ++counts_.kept;
  kept_bytes_ += kept.chained_bytes();
}

void LedgerWriter::Keep(const Group& group, const absl::Status& why) {
  MutexLock lock(mu_);
  for (Waiting* const waiting : group) {
    if (waiting->otherwise != IfNotCommitted::kKeepAndGoOn) {
      waiting->outcome = why;
    }
    if (waiting->otherwise == IfNotCommitted::kForget) continue;
    for (UnchainedEntry& entry : waiting->entries) {
      if (MakeRoom(entry, waiting->otherwise)) {
        kept_.push_back(std::move(entry));
      }
    }
  }
}

bool LedgerWriter::MakeRoom(const UnchainedEntry& entry,
                            IfNotCommitted otherwise) {
  const size_t bytes = entry.chained_bytes();
  if (!HasRoom(counts_.kept, kept_bytes_ + bytes, otherwise)) {
    ++counts_.lost;
    return false;
  }
  kept_bytes_ += bytes;
  ++counts_.kept;
  return true;
}

void LedgerWriter::CountOutcome(const absl::Status& committed) {
  bool was_failing = false;
  {
    MutexLock lock(mu_);
    was_failing = std::exchange(counts_.failing, !committed.ok());
    if (!committed.ok()) ++counts_.failures;
    failure_ = committed;
    counts_.commits = log_->end().commits;
    counts_.entries = log_->end().entries;
  }
  if (!was_failing && !committed.ok()) {
    Log(LogLevel::kError, "ledger", "The ledger cannot be written",
        {{"why", committed}});
  } else if (was_failing && committed.ok()) {
    Log(LogLevel::kInfo, "ledger", "The ledger is written again");
  }
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
