#include "service/ledger/ledger_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/status_macros.h"

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

LedgerWriter::~LedgerWriter() {
  {
    MutexLock lock(mu_);
    ends_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
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
  MutexLock lock(mu_);
  if (!HasRoom(waiting_entries_, waiting_bytes_ + bytes, waiting.otherwise)) {
    const bool is_lost = waiting.otherwise != IfNotCommitted::kForget;
    if (is_lost) counts_.lost += entries;
    if (waiting.otherwise == IfNotCommitted::kKeepAndGoOn) return false;
    waiting.outcome = absl::ResourceExhaustedError(
        absl::StrCat("the ledger is written too slowly: ", waiting_entries_,
                     " entries wait"));
    return false;
  }
  waiting_.push_back(&waiting);
  waiting_entries_ += entries;
  waiting_bytes_ += bytes;
  if (waiting_.size() == 1) changed_.NotifyAll();
  return true;
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
  Group group;
  while (TakeGroup(&group)) {
    WriteTexts(group);
    const absl::Status settled = Settle();
    const absl::Status committed = settled.ok() ? Append(group) : settled;
    if (!committed.ok()) {
      Keep(group, committed);
      // All of it was tried.
      if (settled.ok()) uncertain_ = kept_.size();
    }
    CountOutcome(committed);
    Tell(group);
  }
  if (!kept_.empty()) {
    Log(LogLevel::kError, "ledger",
        "Entries that could not be written are lost",
        {{"entries", static_cast<int64_t>(kept_.size())}});
  }
  // Without one the next start takes longer, and no more than that.
  if (log_->end().entries > 0) log_->KeepCheckpoint().IgnoreError();
}

bool LedgerWriter::TakeGroup(Group* group) {
  group->clear();
  MutexLock lock(mu_);
  while (waiting_.empty()) {
    // Once more, and no longer.
    if (ends_) return !kept_.empty() && !std::exchange(tried_at_end_, true);
    const absl::Duration pause =
        kept_.empty() ? log_->keep_alive_interval() : kTryAgain;
    if (!changed_.WaitFor(lock, pause)) return true;
  }
  group->swap(waiting_);
  waiting_entries_ = 0;
  waiting_bytes_ = 0;
  return true;
}

void LedgerWriter::WriteTexts(const Group& group) {
  for (Waiting* const waiting : group) {
    if (waiting->sources.empty()) continue;
    auto behind = std::exchange(waiting->entries, {});
    for (const EntrySource* const source : waiting->sources) {
      waiting->entries.push_back(source->Write());
    }
    for (UnchainedEntry& entry : behind) {
      waiting->entries.push_back(std::move(entry));
    }
  }
}

absl::Status LedgerWriter::Settle() {
  GATEWAY_ASSIGN_OR_RETURN(const bool there, log_->Settle());
  const size_t settled = std::exchange(uncertain_, 0);
  for (size_t i = 0; there && i < settled; ++i) {
    kept_bytes_ -= kept_.front().chained_bytes();
    kept_.pop_front();
  }
  return absl::OkStatus();
}

absl::Status LedgerWriter::Append(const Group& group) {
  std::vector<const UnchainedEntry*> entries;
  entries.reserve(kept_.size() + group.size());
  for (const UnchainedEntry& entry : kept_) entries.push_back(&entry);
  for (const Waiting* const waiting : group) {
    for (const UnchainedEntry& entry : waiting->entries) {
      entries.push_back(&entry);
    }
  }
  if (entries.empty()) return log_->KeepAlive();
  GATEWAY_RETURN_IF_ERROR(log_->Append(entries, clock_.WallTime()));
  kept_.clear();
  kept_bytes_ = 0;
  return absl::OkStatus();
}

void LedgerWriter::Keep(const Group& group, const absl::Status& why) {
  for (Waiting* const waiting : group) {
    if (waiting->otherwise != IfNotCommitted::kKeepAndGoOn) {
      waiting->outcome = why;
    }
    if (waiting->otherwise == IfNotCommitted::kForget) continue;
    for (UnchainedEntry& entry : waiting->entries) {
      KeepOne(std::move(entry), waiting->otherwise);
    }
  }
}

void LedgerWriter::KeepOne(UnchainedEntry entry, IfNotCommitted otherwise) {
  const size_t bytes = entry.chained_bytes();
  if (!HasRoom(kept_.size(), kept_bytes_ + bytes, otherwise)) {
    MutexLock lock(mu_);
    ++counts_.lost;
    return;
  }
  kept_bytes_ += bytes;
  kept_.push_back(std::move(entry));
}

void LedgerWriter::CountOutcome(const absl::Status& committed) {
  bool was_failing = false;
  {
    MutexLock lock(mu_);
    was_failing = std::exchange(counts_.failing, !committed.ok());
    if (!committed.ok()) ++counts_.failures;
    counts_.commits = log_->end().commits;
    counts_.entries = log_->end().entries;
    counts_.kept = kept_.size();
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
