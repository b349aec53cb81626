#include "service/audit/audit_log.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/timestamp.h"

namespace gateway {
namespace {

// The clock is looked at so often, if no entry comes.
constexpr absl::Duration kLookAgain = absl::Minutes(1);
// After a failure it is tried again so often.
constexpr absl::Duration kWriteAgain = absl::Seconds(1);
// So many entries are one transaction, and one piece of a deletion.
constexpr size_t kBatchEntries = 512;
constexpr int kDeletedAtOnce = 1000;
// More than the time of day and the steady time differ by themselves.
constexpr absl::Duration kJump = absl::Minutes(30);

constexpr char kNoRoom[] =
    "the queue of the audit log had no room for it; see "
    "audit.queue_bytes_limit";

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(
    const Options& options, std::shared_ptr<const AuditPolicy> policy,
    Clock& clock) {
  GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<AuditStore> store,
                           AuditStore::Open(options.store));
  return std::unique_ptr<AuditLog>(
      new AuditLog(options, std::move(store), std::move(policy), clock));
}

AuditLog::AuditLog(const Options& options, std::unique_ptr<AuditStore> store,
                   std::shared_ptr<const AuditPolicy> policy, Clock& clock)
    : options_(options),
      clock_(clock),
      store_(std::move(store)),
      last_id_(store_->last_id()),
      policy_(std::move(policy)),
      thread_("audit", [this] { Run(); }) {}

AuditLog::~AuditLog() { Close().IgnoreError(); }

absl::Status AuditLog::Close() {
  {
    MutexLock lock(mu_);
    ends_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
  const size_t unwritten = counts().unwritten;
  if (unwritten == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      unwritten, " entries of the audit log could not be written"));
}

void AuditLog::Add(AuditEntry entry) {
  MutexLock lock(mu_);
  if (ends_) return;
  if (waiting_.size() >= options_.queue_entries_limit) return DropOne();
  const bool has_bodies = entry.request.is_kept || entry.response.is_kept;
  if (has_bodies && !HasRoom(entry)) {
    ++counts_.bodiless;
    for (AuditBody* const body : {&entry.request, &entry.response}) {
      if (body->is_kept) body->GiveUp(kNoRoom);
    }
  }
  if (!HasRoom(entry)) return DropOne();
  dropping_ = false;
  waiting_bytes_ += entry.held_bytes();
  waiting_.push_back(std::move(entry));
  if (idle_) changed_.NotifyAll();
}

bool AuditLog::HasRoom(const AuditEntry& entry) const {
  return waiting_bytes_ + entry.held_bytes() <= options_.queue_bytes_limit;
}

Task<absl::Status> AuditLog::RecordDisclosure(std::string_view operation,
                                              std::string_view reader,
                                              int64_t entries,
                                              CancelSignal& cancel) {
  AuditEntry entry =
      OwnEntry(AuditKind::kDisclosure, "bodies were shown to an operator");
  entry.texts.Replace(AuditText::kOperation, operation);
  entry.texts.Replace(AuditText::kCaller, reader);
  entry.entries = entries;
  return store_->AppendOne(std::move(entry), cancel);
}

void AuditLog::LeaveOut(bool caller_known) {
  MutexLock lock(mu_);
  ++(caller_known ? counts_.left_out : counts_.unknown_left_out);
}

void AuditLog::DropOne() {
  ++counts_.dropped;
  counts_.last_drop = clock_.SteadyTime();
  if (std::exchange(dropping_, true)) return;
  Log(LogLevel::kError, "audit",
      counts_.failing
          ? "The audit log cannot be written: entries are dropped"
          : "The audit log is written too slowly: entries are dropped",
      {{"waiting", static_cast<int64_t>(waiting_.size())},
       {"dropped", static_cast<int64_t>(counts_.dropped)}});
}

void AuditLog::Use(std::shared_ptr<const AuditPolicy> policy) {
  if (policy == nullptr) return;
  MutexLock lock(mu_);
  policy_ = std::move(policy);
}

std::shared_ptr<const AuditPolicy> AuditLog::policy() const {
  MutexLock lock(mu_);
  return policy_;
}

AuditLog::Counts AuditLog::counts() const {
  MutexLock lock(mu_);
  Counts counts = counts_;
  counts.waiting = waiting_.size();
  counts.unwritten =
      waiting_.size() + being_written_ + (counts_.dropped - written_dropped_);
  return counts;
}

void AuditLog::Run() {
  Batch batch;
  while (TakeBatch(&batch)) {
    Prepare(&batch);
    Write();
    // Also if the file is full, which has room once old entries are deleted.
    SweepIfDue();
  }
  TellUnwritten();
}

void AuditLog::TellUnwritten() const {
  const size_t unwritten = counts().unwritten;
  if (unwritten == 0) return;
  Log(LogLevel::kError, "audit",
      "Entries of the audit log that could not be written are lost",
      {{"entries", static_cast<int64_t>(unwritten)}});
}

bool AuditLog::TakeBatch(Batch* batch) {
  batch->clear();
  MutexLock lock(mu_);
  // What could not be written comes first: nothing else is taken meanwhile.
  if (!prepared_.empty() && !ends_) {
    changed_.WaitFor(lock, kWriteAgain);
    if (!ends_) return true;
  }
  const bool is_free =
      looked_ && !sweep_.has_value() && counts_.dropped == told_dropped_;
  idle_ = true;
  while (waiting_.empty() && !ends_) {
    if (!is_free || !changed_.WaitFor(lock, kLookAgain)) break;
  }
  idle_ = false;
  const bool is_last = ends_ && (waiting_.empty() || counts_.failing);
  const bool has_any = !waiting_.empty() || !prepared_.empty() ||
                       counts_.dropped != told_dropped_;
  // What cannot be written is tried once more, and no longer.
  if (is_last && (tried_at_end_ || !has_any)) return false;
  tried_at_end_ = is_last;
  if (is_last || waiting_.size() <= kBatchEntries) {
    batch->swap(waiting_);
    waiting_bytes_ = 0;
    being_written_ += batch->size();
    return true;
  }
  const auto end = waiting_.begin() + kBatchEntries;
  batch->assign(std::make_move_iterator(waiting_.begin()),
                std::make_move_iterator(end));
  for (const AuditEntry& entry : *batch) waiting_bytes_ -= entry.held_bytes();
  waiting_.erase(waiting_.begin(), end);
  being_written_ += batch->size();
  return true;
}

void AuditLog::Prepare(Batch* batch) {
  const std::shared_ptr<const AuditPolicy> policy = this->policy();
  const bool is_retry = !prepared_.empty();
  for (AuditEntry& entry : *batch) {
    entry.id = ++last_id_;
    if (const std::string_view message = entry.texts[AuditText::kMessage];
        !message.empty()) {
      const RedactedText redacted = policy->redactor.RedactText(message);
      if (redacted.redactions > 0) {
        entry.texts.Replace(AuditText::kMessage, redacted.text);
      }
    }
    PrepareBody(*policy, entry.id, /*is_response=*/false, &entry.request);
    PrepareBody(*policy, entry.id, /*is_response=*/true, &entry.response);
    prepared_.push_back(std::move(entry));
  }
  batch->clear();
  if (!is_retry || tried_at_end_) AddLoss();
}

void AuditLog::PrepareBody(const AuditPolicy& policy, int64_t entry,
                           bool is_response, AuditBody* body) {
  if (!body->is_kept || !body->unavailable.empty()) return;
  if (body->to_text != nullptr) {
    body->bytes = std::exchange(body->to_text, nullptr)(body->bytes);
  }
  RedactedText redacted =
      policy.redactor.Redact(body->bytes, body->bytes_limit);
  body->redactions = redacted.redactions;
  body->truncated = body->truncated || redacted.truncated;
  body->kept_bytes = static_cast<int64_t>(redacted.text.size());
  if (policy.cipher == nullptr) {
    body->bytes = std::move(redacted.text);
    return;
  }
  absl::StatusOr<BodyCipher::Encrypted> encrypted =
      policy.cipher->Encrypt(redacted.text, BodyContext(entry, is_response));
  if (!encrypted.ok()) {
    // Rather nothing than what anybody can read.
    return body->GiveUp(ToStd(encrypted.status().message()));
  }
  body->key_id = std::move(encrypted->key_id);
  body->bytes = std::move(encrypted->bytes);
}

AuditEntry AuditLog::OwnEntry(AuditKind kind, std::string_view message) {
  AuditEntry entry;
  entry.id = ++last_id_;
  entry.kind = kind;
  entry.time = clock_.WallTime();
  entry.texts.Replace(AuditText::kMessage, message);
  return entry;
}

void AuditLog::AddLoss() {
  uint64_t dropped = 0;
  {
    MutexLock lock(mu_);
    dropped = counts_.dropped;
  }
  if (dropped == told_dropped_) return;
  const uint64_t lost = dropped - told_dropped_;
  AuditEntry loss =
      OwnEntry(AuditKind::kLoss,
               absl::StrCat(lost,
                            " entries of calls had no room in the queue "
                            "of the audit log"));
  loss.entries = static_cast<int64_t>(lost);
  prepared_.push_back(std::move(loss));
  told_dropped_ = dropped;
}

void AuditLog::Write() {
  if (prepared_.empty()) return;
  const absl::Status written = store_->Append(prepared_);
  if (written.ok()) return EndWrite();
  bool was_failing = false;
  {
    MutexLock lock(mu_);
    was_failing = std::exchange(counts_.failing, true);
    ++counts_.failures;
  }
  if (was_failing) return;
  Log(LogLevel::kError, "audit",
      "The audit log cannot be written: what comes waits, and is dropped "
      "where it has no room. If the file is as large as "
      "audit.file_bytes_limit, raise that, or lower audit.retention_days",
      {{"why", written}});
}

void AuditLog::EndWrite() {
  const auto calls = static_cast<uint64_t>(std::count_if(
      prepared_.begin(), prepared_.end(),
      [](const AuditEntry& one) { return one.kind == AuditKind::kCall; }));
  prepared_.clear();
  bool was_failing = false;
  uint64_t dropped = 0;
  {
    MutexLock lock(mu_);
    was_failing = std::exchange(counts_.failing, false);
    counts_.written += calls;
    being_written_ = 0;
    dropped = told_dropped_ - std::exchange(written_dropped_, told_dropped_);
  }
  if (dropped > 0) {
    Log(LogLevel::kError, "audit",
        "Entries of the audit log were dropped, which it tells itself by now",
        {{"entries", static_cast<int64_t>(dropped)}});
  }
  if (was_failing) {
    Log(LogLevel::kInfo, "audit", "The audit log is written again");
  }
}

void AuditLog::BeginSweeps() {
  const absl::Duration now = clock_.SteadyTime();
  const absl::Time wall = clock_.WallTime();
  const absl::Duration since = wall - store_->looked_at();
  if (since < absl::ZeroDuration() || since > kSweepInterval + kJump) {
    return KeepLook(now, wall);
  }
  looked_ = true;
  looked_at_ = now - since;
  looked_at_wall_ = wall - since;
}

void AuditLog::KeepLook(absl::Duration now, absl::Time wall) {
  looked_ = true;
  looked_at_ = now;
  looked_at_wall_ = wall;
  // Where it cannot be kept, the next process waits before it deletes.
  store_->KeepLook(wall).IgnoreError();
}

void AuditLog::SweepIfDue() {
  if (sweep_.has_value()) return SweepOn();
  if (!looked_) BeginSweeps();
  const absl::Duration now = clock_.SteadyTime();
  const absl::Duration since = now - looked_at_;
  if (since < kSweepInterval) return;
  const absl::Time wall = clock_.WallTime();
  const absl::Duration jump = wall - looked_at_wall_ - since;
  KeepLook(now, wall);
  if (jump > kJump || jump < -kJump) {
    Log(LogLevel::kWarn, "audit",
        "The time of day has jumped: nothing of the audit log is deleted for "
        "an hour",
        {{"seconds", absl::ToInt64Seconds(jump)}});
    return;
  }
  const absl::Time before = wall - policy()->retention;
  std::string time;
  AppendTimestamp(before, &time);
  sweep_.emplace(
      Sweep{.before = before,
            .record = OwnEntry(
                AuditKind::kDeletion,
                absl::StrCat("entries from before ", time,
                             " were deleted: audit.retention_days is over"))});
  SweepOn();
}

void AuditLog::SweepOn() {
  const absl::StatusOr<int64_t> deleted =
      store_->Delete(sweep_->before, kDeletedAtOnce, sweep_->record);
  if (!deleted.ok()) {
    Log(LogLevel::kError, "audit",
        "Entries of the audit log that are too old cannot be deleted",
        {{"why", deleted.status()}});
    sweep_.reset();
    return;
  }
  sweep_->deleted += *deleted;
  {
    MutexLock lock(mu_);
    counts_.deleted += static_cast<uint64_t>(*deleted);
  }
  // What has come meanwhile is written before the next piece.
  if (*deleted == kDeletedAtOnce) return;
  if (sweep_->deleted > 0) {
    Log(LogLevel::kInfo, "audit", "Old entries of the audit log were deleted",
        {{"entries", sweep_->deleted}});
  }
  sweep_.reset();
}

}  // namespace gateway
