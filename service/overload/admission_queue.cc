#include "service/overload/admission_queue.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace gateway {

AdmissionQueue::~AdmissionQueue() {
  assert(size_ == 0 && late_.empty() && "a call still waits in the queue");
}

AdmissionQueue::Entry* AdmissionQueue::Add(Entry& entry, absl::Duration now) {
  assert(!entry.waits());
  Entry* const leaves = WhoMakesRoom(entry, now);
  if (leaves == &entry) return leaves;
  // Before the other goes, so that a caller whose only call is replaced keeps
  // its turn.
  Insert(entry, now);
  if (leaves != nullptr) Unlink(*leaves);
  return leaves;
}

AdmissionQueue::Entry* AdmissionQueue::Take(absl::Duration now) {
  while (Class* const from = NextClass()) {
    Entry* const entry = TakeFrom(*from, now);
    if (entry == nullptr) continue;
    RecordTurn(now);
    // Before the other classes are told that they were passed over, since one
    // that has nobody left begins anew.
    if (from->size > 0) from->passed_over = 0;
    for (Class* each = from + 1; each < classes_.data() + served_classes_;
         ++each) {
      if (each->size > 0) ++each->passed_over;
    }
    return entry;
  }
  return nullptr;
}

AdmissionQueue::Entry* AdmissionQueue::TakeLate(absl::Duration now) {
  if (late_.empty()) {
    const Entry* const oldest = by_arrival_.first();
    if (oldest == nullptr || now - oldest->arrived_ < options_.wait_limit) {
      return nullptr;
    }
  }
  return TakeAny();
}

AdmissionQueue::Entry* AdmissionQueue::TakeAny() {
  Entry* const late = late_.first();
  Entry* const taken = late != nullptr ? late : by_arrival_.first();
  if (taken != nullptr) Remove(*taken);
  return taken;
}

void AdmissionQueue::Remove(Entry& entry) {
  assert(entry.waits());
  if (!entry.is_late_) return Unlink(entry);
  late_.Remove(entry);
  entry.is_late_ = false;
}

void AdmissionQueue::ServeDownTo(CallerPriority lowest, absl::Duration now) {
  const bool served_none = CountServed() == 0;
  served_classes_ = static_cast<size_t>(lowest) + 1;
  if (served_none) waits_since_ = now;
}

size_t AdmissionQueue::CountServed() const {
  size_t served = 0;
  for (size_t i = 0; i < served_classes_; ++i) served += classes_[i].size;
  return served;
}

AdmissionQueue::Class* AdmissionQueue::NextClass() {
  Class* next = nullptr;
  for (size_t i = 0; i < served_classes_; ++i) {
    Class& each = classes_[i];
    if (each.size == 0) continue;
    if (each.passed_over >= kPassedOverMax) return &each;
    if (next == nullptr) next = &each;
  }
  return next;
}

AdmissionQueue::Entry* AdmissionQueue::TakeFrom(Class& from,
                                                absl::Duration now) {
  const bool newest_first = IsOverloaded(now);
  while (Line* const line = from.NextLine()) {
    Entry& entry =
        newest_first ? *line->entries.last() : *line->entries.first();
    const bool is_late = entry.deadline_ <= now;
    if (!is_late) {
      line->served_in = from.round;
      ++from.turns_in_round;
      from.MoveTo(from.rounds[(from.round + 1) % 2], *line);
    }
    Unlink(entry);
    if (!is_late) return &entry;
    entry.is_late_ = true;
    late_.PushBack(entry);
  }
  return nullptr;
}

AdmissionQueue::Line* AdmissionQueue::Class::NextLine() {
  if (callers == 0) return nullptr;
  if (Line* const next = rounds[round % 2].first()) return next;
  ++round;
  turns_in_round = 0;
  while (Line* const line = served.first()) {
    served.Remove(*line);
    lines.erase(line->caller);
  }
  return rounds[round % 2].first();
}

void AdmissionQueue::Class::MoveTo(LinesByTurn& turns, Line& line) {
  if (line.turns != nullptr) line.turns->Remove(line);
  turns.PushBack(line);
  line.turns = &turns;
}

AdmissionQueue::Entry* AdmissionQueue::WhoMakesRoom(Entry& entry,
                                                    absl::Duration now) {
  const auto own_class = static_cast<size_t>(entry.priority_);
  Class& own = classes_[own_class];
  const auto found = own.lines.find(entry.caller_);
  const size_t own_length =
      found == own.lines.end() ? 0 : found->second->length;
  // The new call would be the last in turn, unless the newest go first.
  Entry* const last_of_own = own_length == 0 || !IsOverloaded(now)
                                 ? &entry
                                 : LastInTurn(*found->second, now);
  if (!ComesInTime(TurnsUntil(entry, own_length), now)) return last_of_own;
  if (size_ < options_.waiting_limit) return nullptr;
  for (size_t i = kCallerPriorities; i-- > own_class + 1;) {
    Class& lower = classes_[i];
    if (lower.size > 0) {
      return LastInTurn(*lower.by_length[lower.longest].first(), now);
    }
  }
  if (own.longest >= own_length + 2) {
    return LastInTurn(*own.by_length[own.longest].first(), now);
  }
  return last_of_own;
}

size_t AdmissionQueue::TurnsUntil(const Entry& entry, size_t own_length) const {
  const auto own_class = static_cast<size_t>(entry.priority_);
  size_t turns = 0;
  for (size_t i = 0; i < own_class; ++i) turns += classes_[i].size;
  const Class& own = classes_[own_class];
  const size_t callers = own.callers + (own_length == 0 ? 1 : 0);
  return turns + std::min(callers * (own_length + 1), own.size + 1);
}

// Of one turn nobody knows: it may be the next moment's.
bool AdmissionQueue::ComesInTime(size_t turns, absl::Duration now) const {
  if (turns <= 1) return true;
  const absl::Duration since_last =
      CountServed() > 0 ? now - std::max(last_turn_, waits_since_)
                        : absl::ZeroDuration();
  const absl::Duration expected = turn_time_ * static_cast<int64_t>(turns);
  if (std::max(expected, since_last) > options_.wait_limit) return false;
  return turns <= kOverloadedTurns || expected <= kOverloadedWait ||
         !IsOverloaded(now);
}

void AdmissionQueue::RecordTurn(absl::Duration now) {
  // Of a turn before which nobody waited it is not known how long it would have
  // taken.
  if (waits_since_ <= last_turn_) {
    const absl::Duration taken =
        std::min(now - last_turn_, options_.wait_limit);
    turns_known_ = std::min(turns_known_ + 1, kTurnsRemembered);
    turn_time_ += (taken - turn_time_) / turns_known_;
  }
  last_turn_ = now;
}

AdmissionQueue::Entry* AdmissionQueue::LastInTurn(const Line& line,
                                                  absl::Duration now) const {
  return IsOverloaded(now) ? line.entries.first() : line.entries.last();
}

void AdmissionQueue::Insert(Entry& entry, absl::Duration now) {
  Class& own = ClassOf(entry);
  std::unique_ptr<Line>& line = own.lines[entry.caller_];
  if (line == nullptr) line = std::make_unique<Line>(entry.caller_);
  if (line->length == 0) {
    const bool in_next_round =
        line->served_in == own.round || own.turns_in_round >= kRoundTurnsMax;
    own.MoveTo(own.rounds[(own.round + (in_next_round ? 1 : 0)) % 2], *line);
    ++own.callers;
  }
  const bool served_none = CountServed() == 0;
  ++size_;
  ++own.size;
  if (served_none) waits_since_ = now;
  entry.arrived_ = now;
  entry.line_ = line.get();
  line->entries.PushBack(entry);
  by_arrival_.PushBack(entry);
  SetLength(own, *line, line->length + 1);
}

void AdmissionQueue::Unlink(Entry& entry) {
  Class& own = ClassOf(entry);
  Line& line = *std::exchange(entry.line_, nullptr);
  line.entries.Remove(entry);
  by_arrival_.Remove(entry);
  --size_;
  // A class in which nobody waits is not passed over.
  if (--own.size == 0) own.passed_over = 0;
  SetLength(own, line, line.length - 1);
  if (line.length > 0) return;
  --own.callers;
  if (line.served_in == own.round) return own.MoveTo(own.served, line);
  line.turns->Remove(line);
  own.lines.erase(line.caller);
}

void AdmissionQueue::SetLength(Class& of, Line& line, size_t length) {
  if (line.length > 0) of.by_length[line.length].Remove(line);
  line.length = length;
  if (length > 0) {
    if (of.by_length.size() <= length) of.by_length.resize(length + 1);
    of.by_length[length].PushBack(line);
  }
  if (length > of.longest) of.longest = length;
  // One at a time, since lengths change by one.
  if (of.longest > 0 && of.by_length[of.longest].empty()) --of.longest;
}

}  // namespace gateway
