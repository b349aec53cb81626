// BudgetShare keeps a BudgetTable in step with what its replicas have told
// Redis, by one exchange after the other: it says what is to be told, and takes
// in the answer. Who carries both is BudgetSharer.
//
//   BudgetShare share(table, {.replica = id});
//   const BudgetMessage message = share.Begin(now);
//   ... share.End(*reply, now, &resets) or, without an answer, share.Lose() ...
//
// Each exchange has a number, and what Redis says of the last one that it has
// carried out shows what it has lost: then all is told, and read, again. A
// process is an incarnation of its replica: a later one takes the place of an
// earlier, whose messages mean nothing any more. It reads all before it tells
// something, and finds there what it had told itself.
//
// When Redis has not answered, or has lost something, the others may have taken
// what they have not told. So from then on this replica keeps to its part
// (shared_scope.h) until it is settled: each that was there before has told,
// since Redis answers this one again, all that it had to; or kSilence has
// passed, after which it counts as gone.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_BUDGET_SHARE_H_
#define SERVICE_BUDGETS_BUDGET_SHARE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/budget_telling.h"
#include "service/limits/counter_key.h"

namespace gateway {

// What one replica says in one exchange.
struct BudgetMessage {
  int64_t incarnation = 0;  // 0 before Redis has given one.
  int64_t sequence = 0;
  int64_t since = 0;  // Up to where what was told is known.
  // With it all is told that others have to hear of (BudgetTable::owed).
  bool tells_all = false;
  std::vector<BudgetTelling> tellings;
};

struct BudgetReply {
  enum class Outcome : uint8_t {
    kTaken,
    kUnknown,     // Redis knows nothing of this incarnation.
    kSuperseded,  // There is a later one.
    kLate,        // A later message was there before.
  };

  Outcome outcome = Outcome::kTaken;
  int64_t incarnation = 0;
  int64_t last_sequence = 0;  // Before this one.
  int64_t latest = 0;         // The number of the last change.
  int64_t read = 0;           // Up to where `news` has all changes.
  absl::Duration time;        // By Redis's clock.
  // All that have told something lately.
  struct Seen {
    std::string replica;
    absl::Duration silence;   // How long ago that was.
    absl::Duration told_all;  // When it did last; 0 if never.
  };
  std::vector<Seen> replicas;
  std::vector<BudgetNews> news;
};

class BudgetShare {
 public:
  // What a replica that says nothing for so long has reserved counts no more.
  static constexpr absl::Duration kSilence = absl::Seconds(15);
  // So many scopes are told at once, and so many read.
  static constexpr size_t kScopesMax = 50;

  struct Options {
    // Names this process among the replicas. One that has a ledger has the same
    // name again after a restart. No spaces or line breaks.
    std::string replica;
    int64_t replicas = 1;  // So many there are at least.
    // Whether what it has told before counts if its ledger has lost that. Not
    // where others read its ledger, too: then that is what counts.
    bool adopts = true;
  };

  // Borrows `table`.
  BudgetShare(BudgetTable& table, Options options)
      : table_(table), options_(std::move(options)) {
    table_.SetReplica(options_.replica);
  }

  const std::string& replica() const { return options_.replica; }
  void SetReplicas(int64_t replicas) { options_.replicas = replicas; }
  // Goes on under another name, as BudgetTable::GoOnAs has it. Between
  // exchanges.
  void GoOnAs(const std::string& replica, const BudgetBook& left, int64_t now);

  // Begins an exchange, to be ended by one of those below.
  BudgetMessage Begin(int64_t now);
  // What is to be kept of what an operator has given back elsewhere is appended
  // to `resets`.
  void End(const BudgetReply& reply, int64_t now,
           std::vector<BudgetChange>* resets);
  // Redis does not answer; it may have been told.
  void Lose();

  // Whether another exchange is due at once.
  bool has_more() const { return has_more_; }
  // Whether it has read all that was told before it began.
  bool is_joined() const { return joined_; }
  // Whether what all others had to tell is known.
  bool is_settled() const { return settled_; }
  // Whether another process tells under this one's name: more often than that
  // may be an earlier message of this name, to join, that came late.
  static constexpr int kLateJoinsMax = 3;
  bool is_superseded() const { return superseded_; }
  int64_t live_replicas() const { return static_cast<int64_t>(live_.size()); }
  // Scopes of others that there was no place for.
  int64_t unplaced() const { return unplaced_; }

 private:
  int64_t count() const {
    return std::max(options_.replicas, 1 + live_replicas());
  }
  void Join();
  void GiveUp();
  // From now on it is not settled.
  void Unsettle();
  void Hear(const BudgetReply& reply);
  void SetLive(const BudgetReply& reply);
  void SetSharing(bool away = false);

  BudgetTable& table_;
  Options options_;
  int64_t incarnation_ = 0;
  int64_t sequence_ = 0;
  int64_t answered_ = 0;  // The last number that Redis has answered.
  int64_t since_ = 0;
  bool joined_ = false;
  bool superseded_ = false;
  int supersessions_ = 0;
  bool has_more_ = false;
  std::set<std::string> live_;  // Others.
  bool has_joined_ = false;     // Once.
  bool settled_ = true;
  // While it is not: since when Redis answers again, by its clock; who has not
  // told all since; and how many are to have, whoever they are.
  std::optional<absl::Duration> back_since_;
  std::set<std::string> unheard_;
  int64_t heard_min_ = 0;
  std::vector<CounterKey> keys_;
  int64_t unplaced_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SHARE_H_
