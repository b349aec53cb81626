// AdmissionQueue says whose turn it is among calls that wait for a place, and
// who goes without one. It is a pure state machine: time is handed in, and
// nobody is told here (concurrency_limit.h does that).
//
//   AdmissionQueue queue(options);
//   AdmissionQueue::Entry entry(CallerPriority::kNormal, caller, deadline);
//   if (Entry* const left_out = queue.Add(entry, now)) ...  // Full.
//   if (Entry* const next = queue.Take(now)) ...            // Has a place.
//   while (Entry* const late = queue.TakeLate(now)) ...     // Goes without.
//
// Whose turn it is:
//
//   class     The one that matters most, but that a class which waits has at
//             least one of kTurnsMax turns.
//   caller    In rounds within a class, whoever asks how much. Who comes to
//             wait and has had no turn in this round still has one; so before
//             its turn no other caller has more than two.
//   call      The oldest of its caller's; but the newest, while the queue is
//             overloaded: whoever made it is the likeliest to wait still.
//
// The queue is overloaded when it has not been empty for longer than
// `overload_time`. Calls of classes that are held back do not count.
//
// Nobody waits who will hardly be served: by how long turns have taken lately,
// one whose turn would not come within `wait_limit` goes without at once. Nor
// does a call of another have to go for it, but for an older one of its own
// caller's, where the newest go first. So what a caller asks for above its
// share fills no queue, and who asks for little is not kept from waiting.
//
// When as many wait as may, the least that waits makes room: the last in turn
// of the caller with the most calls in the lowest class, if that class is lower
// than the new call's, or if, in the same class, that caller has at least two
// calls more.
//
// Thread-compatible. Each operation takes the same short time however many
// wait, and memory is taken only for a caller of whom none waited.

#ifndef SERVICE_OVERLOAD_ADMISSION_QUEUE_H_
#define SERVICE_OVERLOAD_ADMISSION_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "service/identity/caller.h"
#include "service/overload/linked_list.h"

namespace gateway {

class AdmissionQueue {
  struct Line;

 public:
  struct Options {
    // So many calls may wait. 0 for none.
    size_t waiting_limit = 100;
    // So long each.
    absl::Duration wait_limit = absl::Seconds(5);
    // From so long on a queue that is not empty is overloaded.
    absl::Duration overload_time = absl::Milliseconds(500);
  };

  // Out of so many turns a class that waits has one.
  static constexpr int kTurnsMax = 20;
  // So many calls are enough for each place that gets free to find one.
  static constexpr size_t kOverloadedTurns = 16;
  static constexpr absl::Duration kOverloadedWait = absl::Milliseconds(50);

  // One call that waits, which stays where it is until it has left the queue.
  class Entry {
   public:
    // `caller` is the same number for all calls of one caller. `deadline` is
    // steady.
    Entry(CallerPriority priority, uint64_t caller, absl::Duration deadline)
        : priority_(priority), caller_(caller), deadline_(deadline) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    CallerPriority priority() const { return priority_; }
    uint64_t caller() const { return caller_; }
    absl::Duration deadline() const { return deadline_; }
    // When it was added.
    absl::Duration arrived() const { return arrived_; }
    // It is in the queue.
    bool waits() const { return line_ != nullptr || is_late_; }

   private:
    friend class AdmissionQueue;

    const CallerPriority priority_;
    const uint64_t caller_;
    const absl::Duration deadline_;
    absl::Duration arrived_;
    Links<Entry> by_arrival_;
    Links<Entry> in_line_;
    Line* line_ = nullptr;  // Null if in none.
    bool is_late_ = false;  // Its deadline passed before its turn came.
  };

  explicit AdmissionQueue(const Options& options) : options_(options) {}
  ~AdmissionQueue();
  AdmissionQueue(const AdmissionQueue&) = delete;
  AdmissionQueue& operator=(const AdmissionQueue&) = delete;

  // Lets `entry` wait. Returns who has to go for it, which is out of the queue
  // then: `entry` itself, another, or null for nobody. REQUIRES: it does not
  // wait yet.
  Entry* Add(Entry& entry, absl::Duration now);

  // Takes out the one whose turn it is; null if nobody waits who may be served.
  Entry* Take(absl::Duration now);

  // Takes out one who has waited for as long as it may, or whose deadline
  // was found to have passed when its turn came; null if there is none.
  Entry* TakeLate(absl::Duration now);

  // Takes out one of those who wait, whoever it is; null if nobody does.
  Entry* TakeAny();

  // Takes out one that gives up. REQUIRES: it waits.
  void Remove(Entry& entry);

  // Classes after `lowest` are held back: they wait, and Take leaves them.
  void ServeDownTo(CallerPriority lowest, absl::Duration now);

  // Those who wait already stay, even if fewer may.
  void SetOptions(const Options& options) { options_ = options; }

  bool IsOverloaded(absl::Duration now) const {
    return CountServed() > 0 && now - waits_since_ > options_.overload_time;
  }

  size_t size() const { return size_; }
  // How many of a class wait.
  size_t size(CallerPriority priority) const {
    return classes_[static_cast<size_t>(priority)].size;
  }

 private:
  // The calls of one caller in one class, the oldest first.
  struct Line {
    explicit Line(uint64_t of_caller) : caller(of_caller) {}

    const uint64_t caller;
    LinkedList<Entry, &Entry::in_line_> entries;
    size_t length = 0;
    uint64_t served_in = 0;  // The round in which it last had a turn.
    Links<Line> by_turn;
    Links<Line> by_length;
    LinkedList<Line, &Line::by_turn>* turns = nullptr;  // Where it is.
  };
  using LinesByTurn = LinkedList<Line, &Line::by_turn>;
  using LinesByLength = LinkedList<Line, &Line::by_length>;

  struct Class {
    // Null if nobody waits.
    Line* NextLine();
    void MoveTo(LinesByTurn& turns, Line& line);

    size_t size = 0;     // Of entries.
    size_t callers = 0;  // Of whom somebody waits.
    // So many turns went to others before it since it last had one.
    int passed_over = 0;
    uint64_t round = 1;
    int turns_in_round = 0;
    // Those whose turn comes in rounds of even and of odd numbers: this one and
    // the next.
    std::array<LinesByTurn, 2> rounds;
    // Those of whom nobody waits, and who have had a turn in this round.
    LinesByTurn served;
    // At [n] those with n entries, and how long the longest is.
    std::vector<LinesByLength> by_length;
    size_t longest = 0;
    absl::flat_hash_map<uint64_t, std::unique_ptr<Line>> lines;
  };

  // After so many turns those who come to wait have theirs in the next round,
  // so that each round ends.
  static constexpr int kRoundTurnsMax = 128;

  // Turns of others after which a class comes first. So many fewer than
  // kTurnsMax, as each other class may be there at the same time.
  static constexpr int kPassedOverMax =
      kTurnsMax - static_cast<int>(kCallerPriorities);

  // Of the last turns, so many, roughly, say how long one takes.
  static constexpr int kTurnsRemembered = 64;

  Class& ClassOf(const Entry& entry) {
    return classes_[static_cast<size_t>(entry.priority_)];
  }
  // Counts those who wait in classes that are served.
  size_t CountServed() const;
  // How many turns it is until a call of this class and caller would be served
  // that came last.
  size_t TurnsUntil(const Entry& entry, size_t own_length) const;
  bool ComesInTime(size_t turns, absl::Duration now) const;
  void RecordTurn(absl::Duration now);
  Class* NextClass();
  // Null if all of them were late.
  Entry* TakeFrom(Class& from, absl::Duration now);
  // Null if there is room for it.
  Entry* WhoMakesRoom(Entry& entry, absl::Duration now);
  Entry* LastInTurn(const Line& line, absl::Duration now) const;
  void Insert(Entry& entry, absl::Duration now);
  // Takes it out of its line, which goes with the last of its entries.
  void Unlink(Entry& entry);
  static void SetLength(Class& of, Line& line, size_t length);

  Options options_;
  std::array<Class, kCallerPriorities> classes_;
  size_t served_classes_ = kCallerPriorities;  // The first so many.
  size_t size_ = 0;
  // Since when somebody waits who may be served; of no meaning if nobody does.
  absl::Duration waits_since_;
  absl::Duration last_turn_ = -absl::InfiniteDuration();
  // How long it is from one turn to the next while somebody waits: the average
  // of so many turns. Zero while nothing is known.
  absl::Duration turn_time_;
  int turns_known_ = 0;
  LinkedList<Entry, &Entry::by_arrival_> by_arrival_;
  // Those whose deadline passed before their turn, in no line any more.
  LinkedList<Entry, &Entry::in_line_> late_;
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_ADMISSION_QUEUE_H_
