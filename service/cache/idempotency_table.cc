#include "service/cache/idempotency_table.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/cache/idempotency_fault.h"

namespace gateway {
namespace {

// What a fault takes beside its message, about.
constexpr size_t kFaultBytes = 512;

bool IsPrintableAscii(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

absl::Status CheckIdempotencyKey(std::string_view field, std::string_view key) {
  if (key.empty()) return InvalidField(field, "must not be empty");
  if (key.size() > kIdempotencyKeyBytesMax) {
    return InvalidField(
        field, absl::StrCat("must have at most ", kIdempotencyKeyBytesMax,
                            " characters"));
  }
  if (!IsPrintableAscii(key)) {
    return InvalidField(field, "must be printable ASCII");
  }
  return absl::OkStatus();
}

absl::StatusOr<AnswerShare> IdempotencyTable::JoinEntry(
    const Entry& known, const RequestKey& fingerprint) {
  if (!(known.fingerprint == fingerprint)) {
    ++counts_.mismatches;
    return KeyMismatch(known.answer->request_id());
  }
  std::optional<AnswerShare> share = SharedAnswer::Join(known.answer);
  if (!share) {
    return MakeFault(v1::ERROR_REASON_DRAINING,
                     "the call with this idempotency key was told to stop, "
                     "since the gateway is shutting down");
  }
  ++counts_.replayed;
  if (!known.ended) ++counts_.waited;
  return *std::move(share);
}

absl::StatusOr<std::optional<AnswerShare>> IdempotencyTable::Join(
    std::string_view caller, std::string_view key,
    const RequestKey& fingerprint) {
  const absl::Duration now = clock_.SteadyTime();
  const Key whose(caller, key);
  Dropped dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, SIZE_MAX, &dropped);
  const Entry* const known = FindEntry(whose);
  std::optional<AnswerShare> joined;
  if (known == nullptr) return joined;
  GATEWAY_ASSIGN_OR_RETURN(joined, JoinEntry(*known, fingerprint));
  return joined;
}

absl::StatusOr<IdempotencyTable::Call> IdempotencyTable::Begin(
    std::string_view caller, std::string_view key,
    const RequestKey& fingerprint, std::string_view request_id) {
  const absl::Duration now = clock_.SteadyTime();
  Key whose(caller, key);
  Dropped dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, SIZE_MAX, &dropped);
  if (const Entry* const known = FindEntry(whose); known != nullptr) {
    GATEWAY_ASSIGN_OR_RETURN(AnswerShare share, JoinEntry(*known, fingerprint));
    return Call{.share = std::move(share)};
  }
  // Twice the texts: the map's and the entry's, as the node and its slots.
  const size_t bytes = sizeof(Entry) + sizeof(SharedAnswer) + sizeof(Audience) +
                       2 * (sizeof(Key) + sizeof(void*)) +
                       2 * (HeldBytes(whose.first) + HeldBytes(whose.second)) +
                       4 * (2 * sizeof(void*) + kAllocationBytes);
  const bool has_entry = HasRoomForKey(whose.first);
  if (!has_entry || !MakeRoom(whose.first, bytes, &dropped)) {
    ++counts_.refused;
    return NoRoomForKey(has_entry ? "idempotency.size_bytes_limit"
                                  : "idempotency.entries_limit");
  }
  auto entry = std::make_unique<Entry>();
  entry->key = whose;
  entry->fingerprint = fingerprint;
  entry->answer = std::make_shared<SharedAnswer>(request_id);
  entry->size_bytes = bytes;
  const std::shared_ptr<SharedAnswer> answer = entry->answer;
  if (closed_) answer->audience().Close();
  Use& use = uses_[whose.first];
  ++use.entries;
  size_bytes_ += bytes;
  entries_.emplace(whose, std::move(entry));
  Call call{.share = *SharedAnswer::Join(answer)};
  call.run.emplace(Run(*this, std::move(whose), answer));
  return call;
}

void IdempotencyTable::SetLimits(const Limits& limits) {
  MutexLock lock(mu_);
  limits_ = limits;
}

void IdempotencyTable::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  for (const auto& [key, entry] : entries_) {
    if (!entry->ended) entry->answer->audience().Close();
  }
}

IdempotencyTable::Stats IdempotencyTable::stats() const {
  MutexLock lock(mu_);
  Stats stats = counts_;
  stats.ended = ended_.size();
  stats.running = entries_.size() - stats.ended;
  stats.size_bytes = size_bytes_;
  return stats;
}

void IdempotencyTable::Finish(const std::shared_ptr<SharedAnswer>& answer,
                              const Key& key, SharedOutcome outcome) {
  const absl::Duration now = clock_.SteadyTime();
  const bool is_good = outcome.status.ok();
  const bool has_answer = outcome.answer != nullptr;
  const size_t bytes = has_answer ? HeldBytes(*outcome.answer) : 0;
  Dropped dropped;
  {
    MutexLock lock(mu_);
    // What runs is not dropped.
    Entry& entry = *FindEntry(key);
    entry.ended = true;
    entry.expiry = now + limits_.ttl;
    entry.place = ended_.insert(ended_.end(), &entry);
    if (!is_good) {
      // Small, and all that there is to tell.
      const size_t fault_bytes = outcome.status.message().size() + kFaultBytes;
      entry.size_bytes += fault_bytes;
      size_bytes_ += fault_bytes;
    } else if (has_answer && bytes <= AnswerBytesMax(limits_) &&
               MakeRoom(key.first, bytes, &dropped)) {
      KeepAnswer(entry, bytes);
    } else {
      // For those who come later; who waits gets the answer.
      TellNotKept(entry, &dropped);
    }
  }
  if (is_good && !has_answer)
    outcome.status = KeyedAnswerNotKept(answer->request_id());
  answer->Finish(std::move(outcome));
}

void IdempotencyTable::Forget(const std::shared_ptr<SharedAnswer>& answer,
                              const Key& key, SharedOutcome outcome) {
  Dropped dropped;
  {
    MutexLock lock(mu_);
    Drop(*FindEntry(key), &dropped);
  }
  if (outcome.status.ok() && outcome.answer == nullptr) {
    outcome.status = KeyedAnswerNotKept(answer->request_id());
  }
  answer->Finish(std::move(outcome));
}

IdempotencyTable::Entry* IdempotencyTable::FindEntry(const Key& key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}

void IdempotencyTable::KeepAnswer(Entry& entry, size_t bytes) {
  Use& use = uses_[entry.key.first];
  entry.answer_bytes = bytes;
  use.answer_bytes += bytes;
  size_bytes_ += bytes;
  entry.answer_place = answers_.insert(answers_.end(), &entry);
  entry.answer_place_of_caller = use.answers.insert(use.answers.end(), &entry);
}

void IdempotencyTable::ForgetAnswer(Entry& entry) {
  if (entry.answer_bytes == 0) return;
  Use& use = uses_[entry.key.first];
  use.answers.erase(entry.answer_place_of_caller);
  answers_.erase(entry.answer_place);
  use.answer_bytes -= entry.answer_bytes;
  size_bytes_ -= entry.answer_bytes;
  entry.answer_bytes = 0;
}

void IdempotencyTable::TellNotKept(Entry& entry, Dropped* dropped) {
  const std::string request_id = entry.answer->request_id();
  dropped->answers.push_back(std::move(entry.answer));
  entry.answer = std::make_shared<SharedAnswer>(request_id);
  entry.answer->Finish({.status = KeyedAnswerNotKept(request_id)});
}

void IdempotencyTable::Drop(Entry& entry, Dropped* dropped) {
  ForgetAnswer(entry);
  if (entry.ended) ended_.erase(entry.place);
  const auto use = uses_.find(entry.key.first);
  if (--use->second.entries == 0) uses_.erase(use);
  size_bytes_ -= entry.size_bytes;
  const auto found = entries_.find(entry.key);
  dropped->entries.push_back(std::move(found->second));
  entries_.erase(found);
}

void IdempotencyTable::FreeExpired(size_t entries_max) {
  const absl::Duration now = clock_.SteadyTime();
  Dropped dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, entries_max, &dropped);
}

void IdempotencyTable::DropExpired(absl::Duration now, size_t entries_max,
                                   Dropped* dropped) {
  for (size_t i = 0;
       i < entries_max && !ended_.empty() && ended_.front()->expiry <= now;
       ++i) {
    Drop(*ended_.front(), dropped);
  }
}

bool IdempotencyTable::HasRoomForKey(const std::string& caller) {
  if (entries_.size() >= limits_.entries) return false;
  const auto use = uses_.find(caller);
  const bool has_many = use != uses_.end() &&
                        use->second.entries >= limits_.entries / kCallerShare;
  return !has_many ||
         entries_.size() < limits_.entries - limits_.entries / kReserve;
}

bool IdempotencyTable::MakeRoom(const std::string& caller, size_t bytes,
                                Dropped* dropped) {
  while (size_bytes_ + bytes > limits_.size_bytes) {
    if (answers_.empty()) return false;
    const auto use = uses_.find(caller);
    const bool has_many =
        use != uses_.end() && !use->second.answers.empty() &&
        use->second.answer_bytes >= limits_.size_bytes / kCallerShare;
    Entry& oldest = has_many ? *use->second.answers.front() : *answers_.front();
    ++counts_.answers_dropped;
    ForgetAnswer(oldest);
    TellNotKept(oldest, dropped);
  }
  return true;
}

IdempotencyTable::Run::~Run() {
  if (answer_ == nullptr || ended_) return;
  Finish({.status = MakeFault(v1::ERROR_REASON_INTERNAL,
                              "the call ended without an outcome")});
}

void IdempotencyTable::Run::Finish(SharedOutcome outcome) {
  if (std::exchange(ended_, true)) return;
  if (begun_) answer_->audience().End();
  table_->Finish(answer_, key_, std::move(outcome));
}

void IdempotencyTable::Run::Forget(SharedOutcome outcome) {
  if (std::exchange(ended_, true)) return;
  if (begun_) answer_->audience().End();
  table_->Forget(answer_, key_, std::move(outcome));
}

void IdempotencyTable::Run::Release(absl::Status status) {
  Forget({.status = std::move(status)});
}

}  // namespace gateway
