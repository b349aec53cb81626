// BudgetTable knows what the scopes of budgets have spent and what calls under
// way have reserved of them, in this process, and, where budgets are shared,
// what other replicas have told of that (shared_scope.h).
//
//   std::vector<BudgetCharge> charges = ...;           // What is asked.
//   if (!table.Reserve(charges, now)) ...              // All, or nothing.
//   table.Grow(charges, amounts);                      // As a stream goes.
//   table.Settle(charges, amounts, now, &settled);     // Once, or Cancel.
//
// BudgetCharges is who does that for a call. What is spent is never forgotten
// for want of room: a scope gives its place to another only when its window is
// over, or, without a window, when nothing was charged to it for so long as
// scopes are remembered. Where no place is free, scopes that begin share one;
// of an asker who has begun many, which takes all places but the last, his do.
// But one that is to be its caller's alone is refused then.
//
// So much may be spent beyond a limit: a call is let in only if its estimate
// fits into what is left, what others have reserved counted. From then on each
// call under way may take more than it has reserved, and is seen to at latest
// BudgetCharges::kOutputStep tokens later; so a scope ends at most by the sum
// of what the calls that were under way have taken beyond their reservations
// above its limit.
//
// Where budgets are shared, a call for which this replica has to ask first is
// not let in, and NeedsToAsk says so: after the next exchange
// (service/budgets/budget_share.h) it may be.
//
// Times are wall time, in whole seconds since 1970.
//
// Thread-safe. Each of its operations takes a lock for each scope, that few
// share, for some hundred nanoseconds; ForEach one after the other.

#ifndef SERVICE_BUDGETS_BUDGET_TABLE_H_
#define SERVICE_BUDGETS_BUDGET_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/mutex.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_book.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_rule.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_settlement.h"
#include "service/budgets/budget_telling.h"
#include "service/budgets/shared_scope.h"
#include "service/limits/counter_key.h"

namespace gateway {

// What the table knows of one scope; of BudgetTable alone.
struct BudgetCell {
  // What charges have made of an account of which by now something is over, or
  // not to come. A clock may be wrong that says so: the next charge goes on
  // from here, as a replay of the ledger does.
  struct Charged {
    BudgetSpend spend;
    std::optional<BudgetBinding> binding;
    bool was_ahead = false;     // Some of it was more than a day ahead.
    bool is_forgotten = false;  // All of it, since nobody has called for long.
  };

  CounterKey key;
  // Its name, which never changes, and outlives it where a call was charged.
  std::shared_ptr<const BudgetScope> scope;
  // As it counts now. Only charges, and what operators say, move an account:
  // what else is of now is forgotten when the clock says otherwise.
  BudgetAccount account;
  std::unique_ptr<Charged> charged;  // Null if it is what `account` has.
  BudgetAmounts reserved;
  int64_t window_end = 0;  // Of the calendar's window that `account` is in.
  int64_t shown_time = 0;  // When that was found.
  int reservations = 0;    // That refer to it.
  std::unique_ptr<SharedScope> shared;  // Null where budgets are not shared.
  // Of the present window: told to the log.
  bool told_near = false;
  bool told_exceeded = false;
  uint64_t asker = 0;  // Who has begun it; 0 if that is not known.
  std::list<BudgetCell*>::iterator place;
};

// Why a scope does not let a call in.
enum class BudgetObstacle : uint8_t {
  kNone,
  kSpent,         // It asks for more than is left.
  kTurns,         // There were as many calls as there may be.
  kRequest,       // It asks for more than one call may.
  kNoPrice,       // What it will cost is not known.
  kExpired,       // The scope's time is over.
  kNotAllocated,  // Nothing is allocated to any scope of it.
  kOthers,        // The scope is another caller's.
  kNoPlace,       // There is no place left to know whose it is.
};

// How full a scope is.
enum class BudgetFilled : uint8_t {
  kNotNear,
  kNear,    // From the budget's `warn_threshold` on.
  kUsedUp,  // Its limit is spent: calls that come are refused, or warned.
};

// What a call is charged to one scope, or is to be.
struct BudgetCharge {
  enum class State : uint8_t {
    kAsked,
    kReserved,
    // Nothing is allocated to the scope, and the budget has no other limit.
    kSkipped,
    kOver,  // Settled, or given back.
  };

  const BudgetRule* rule = nullptr;  // Borrowed.
  CounterKey key;
  // What the key was made of. Borrowed until it is reserved or settled first.
  const LimitSubject* subject = nullptr;
  // Whose places are counted together; empty if nobody's. Borrowed likewise.
  std::string_view asker;
  // What the configuration says for this call.
  BudgetTerms terms;
  bool price_known = true;
  BudgetAmounts amounts;  // Reserved.

  // Set by Reserve.
  State state = State::kAsked;
  BudgetCell* cell = nullptr;
  BudgetObstacle obstacle = BudgetObstacle::kNone;
  // What counted, an allocation included.
  BudgetTerms in_force;
  int64_t remaining = 0;  // Before; of what has a limit.
  // When what keeps it out will have come back; kNever if it does not. 0 if
  // that is what other calls have reserved.
  int64_t reset_time = 0;
  int64_t expire_time = 0;  // Of a scope whose time is over.
  // Near its limit, or beyond it, and whether that is the first time in this
  // window.
  bool near = false;
  bool first_near = false;
  bool first_exceeded = false;
  // If it is near and the fuller by its calls: how many more there may be. Set
  // by Grow and Settle, too.
  std::optional<int64_t> turns_left;
  // It may fit: this replica has been promised too little of what is left, no
  // more than `room` of what is short.
  bool is_short = false;
  int64_t room = 0;
  // The scope is its caller's from now on.
  bool binds = false;
  // Nothing was known of the scope before.
  bool begins = false;

  // Set by Grow and Settle: what the call has made of the scope that Reserve
  // did not see, and whether it is the first of this window to do so.
  BudgetFilled filled = BudgetFilled::kNotNear;
  bool first_filled = false;
  // Whether any of them was the first: to be near, and to use the scope up.
  bool told_near = false;
  bool told_used_up = false;
  // Set by Settle: that it was, and what was left of the scope then; nothing if
  // it has no limit.
  bool is_settled = false;
  std::optional<int64_t> left;

  // Whether the budget has something for the scope, beside what is allocated.
  bool has_terms() const {
    return !rule->allocated_only() || terms.limit.has_value() ||
           terms.turn_limit.has_value();
  }
  // Whether it keeps the call from being let in.
  bool refuses() const {
    return obstacle == BudgetObstacle::kOthers ||
           obstacle == BudgetObstacle::kNoPlace ||
           (obstacle != BudgetObstacle::kNone &&
            rule->mode() == BudgetMode::kEnforce);
  }
};

// A scope as it stands, for operators: where budgets are shared, by what all
// replicas have told.
struct BudgetStanding {
  BudgetScope scope;
  BudgetAccount account;
  BudgetAmounts reserved;
  // What of it was spent here; nothing where that is all.
  std::optional<BudgetSpend> own = {};
};

// What the scope may spend in its window, without the multiplier of a role.
BudgetTerms TermsOf(const BudgetRule& rule, const BudgetStanding& standing);

// How much of its limit it has spent and reserved, in its unit or in calls,
// whichever is more. What is 0 is full; 0 without a limit.
double FilledRatio(const BudgetRule& rule, const BudgetStanding& standing);

// From when on the scope lets no call in; 0 if it always does.
int64_t ExpireTimeOf(const BudgetRule& rule, const BudgetAccount& account);

class BudgetTable {
 public:
  struct Options {
    size_t scopes_limit = 100'000;
    absl::Duration retention = absl::Hours(2160);
  };

  explicit BudgetTable(const KeySecret& secret) : BudgetTable(secret, {}) {}
  BudgetTable(const KeySecret& secret, const Options& options);
  BudgetTable(const BudgetTable&) = delete;
  BudgetTable& operator=(const BudgetTable&) = delete;

  const KeySecret& secret() const { return secret_; }

  // As another configuration says it.
  void SetOptions(const Options& options);
  int64_t retention_seconds() const { return retention_seconds_.load(); }

  // Reserves all that is asked, or nothing; returns whether it did. Of each
  // charge it is set how it stands: what keeps it out, or that it warns. With
  // `needs_session` it does not if none of them is of a scope of sessions.
  bool Reserve(absl::Span<BudgetCharge> charges, int64_t now,
               bool needs_session = false);

  // Whether charges that Reserve did not let in are to be asked for again, once
  // the other replicas have been told. They are as they were before it then.
  static bool NeedsToAsk(absl::Span<const BudgetCharge> charges);
  static void PrepareAgain(absl::Span<BudgetCharge> charges);

  // Makes what is reserved into `amounts` where that is more. REQUIRES: Reserve
  // returned true.
  void Grow(absl::Span<BudgetCharge> charges, const BudgetAmounts& amounts);

  // Makes what is reserved into what was really taken, and appends the scopes
  // that were charged to `settled`, unless that is null. What was not reserved
  // is charged all the same; what is over, is not charged again.
  void Settle(absl::Span<BudgetCharge> charges, const BudgetAmounts& amounts,
              int64_t now, BudgetSettlement* settled);

  // Gives back what is reserved.
  void Cancel(absl::Span<BudgetCharge> charges);

  // What is to be kept if the charge, which is reserved, takes so much now.
  BudgetChange IfTaken(const BudgetCharge& charge, const BudgetAmounts& amounts,
                       int64_t now);
  // The same of one that Settle will charge without a reservation; nothing if
  // the budget has nothing for its scope.
  std::optional<BudgetChange> IfTakenUnreserved(BudgetCharge& charge,
                                                const BudgetAmounts& amounts,
                                                int64_t now);

  // What is left of the charge's scope now; nothing if it has no limit.
  std::optional<int64_t> RemainingOf(const BudgetCharge& charge, int64_t now);

  // Takes in what the book knows, and what a change says that is of no call
  // here: an allocation, or that something is given back.
  void Load(const BudgetBook& book);
  void Apply(const BudgetChange& change);

  // Sees to it that there is a place for what is about to be applied. False if
  // all are taken.
  bool MakePlace(const BudgetScope& scope, int64_t now);

  // Returns how the scope stands; nothing if nothing is known of it.
  std::optional<BudgetStanding> Find(const BudgetScope& scope, int64_t now);

  // Visits each scope, under a lock that calls wait for.
  void ForEach(int64_t now,
               absl::FunctionRef<void(const BudgetStanding& standing)> visit);

  // What is to be added so that the scope has spent nothing in its window;
  // where it is shared, at any replica.
  static std::vector<BudgetChange> ChangesToReset(
      const BudgetStanding& standing, int64_t now);

  // --- Where budgets are shared (budget_table_sharing.cc); for BudgetShare.

  // From now on they are, or not any more. Borrows nothing.
  void SetShared(bool shared);
  bool is_shared() const { return shared_.load(std::memory_order_relaxed); }
  void SetSharing(const BudgetSharing& sharing);
  BudgetSharing sharing() const;

  // What is to be told: of at most so many scopes, whose keys are appended to
  // `keys`. To be followed by EndTelling.
  std::vector<BudgetTelling> BeginTelling(size_t scopes_max, int64_t now,
                                          std::vector<CounterKey>* keys);
  // Redis has it, or may not have it.
  void EndTelling(const std::vector<CounterKey>& keys, bool told);
  // All is to be told: Redis may not know it.
  void TellAll();
  size_t untold() const { return untold_.load(std::memory_order_relaxed); }
  // So many of them others have to hear of before they may take all that is
  // left by what they know: what was taken while Redis did not answer, and what
  // it may have lost.
  size_t owed() const { return owed_.load(std::memory_order_relaxed); }

  // Takes in what Redis has of a scope. Replicas of which `is_live` says false
  // reserve nothing any more. What `replica`, this one, has told before it was
  // restarted counts as spent here, if `adopts`. What is given back here, since
  // an operator has reset it at another, is appended to `resets`. False if
  // there is no place for it.
  bool Learn(const BudgetNews& news, std::string_view replica, bool adopts,
             absl::FunctionRef<bool(const std::string& replica)> is_live,
             int64_t now, std::vector<BudgetChange>* resets);

  // --- Where the ledger of other replicas can be read
  // (budget_table_recorded.cc).

  // What this process is called among the replicas.
  void SetReplica(const std::string& replica) LOCKS_EXCLUDED(recorded_mu_);

  // Takes in what the ledger says of another replica (replica_spend.h), all of
  // it; `is_closed` if nobody appends to its chain. What is given back here,
  // since it says that an operator has, is appended to `resets`. False, and
  // nothing has changed, if the replica is this one.
  bool LearnRecorded(const std::string& replica, const BudgetBook& book,
                     bool is_closed, int64_t now,
                     std::vector<BudgetChange>* resets)
      LOCKS_EXCLUDED(recorded_mu_);
  // Nobody knows any more whether somebody appends to a chain.
  void SetNoneClosed(int64_t now) LOCKS_EXCLUDED(recorded_mu_);

  // From now on this process is called `replica`, and goes on with what that
  // one has spent; `left` is what its ledger has of it under the name before,
  // and is another's from now on.
  void GoOnAs(const std::string& replica, const BudgetBook& left, int64_t now)
      LOCKS_EXCLUDED(recorded_mu_);

  size_t size() const { return size_.load(std::memory_order_relaxed); }
  // How often a scope had to share a place.
  int64_t overflows() const {
    return overflows_.load(std::memory_order_relaxed);
  }

  // The counts of the budget of this name, which outlast configurations.
  std::shared_ptr<BudgetCounts> CountsOf(const std::string& name)
      LOCKS_EXCLUDED(counts_mu_);

 private:
  struct Hash {
    // The bits are well mixed.
    size_t operator()(const CounterKey& key) const { return key.low; }
  };
  struct alignas(64) Shard {
    Mutex mu;
    absl::flat_hash_map<CounterKey, std::unique_ptr<BudgetCell>, Hash> cells
        GUARDED_BY(mu);
    // The one that was asked for last in front.
    std::list<BudgetCell*> order GUARDED_BY(mu);
    // To be told; those whose cells have gone since are passed over.
    std::vector<CounterKey> untold GUARDED_BY(mu);
  };

  static constexpr size_t kShards = 64;

  Shard& ShardOf(const CounterKey& key) { return shards_[key.high % kShards]; }

  // The cell of the key; null if there is none.
  static BudgetCell* FindCell(Shard& shard, const CounterKey& key)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  // As above, for who has asked for it: it is the last to give its place away.
  static BudgetCell* FindAsked(Shard& shard, const CounterKey& key)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    BudgetCell* const cell = FindCell(shard, key);
    // One that is asked for often is there already.
    if (cell != nullptr && cell->place != shard.order.begin()) {
      shard.order.splice(shard.order.begin(), shard.order, cell->place);
    }
    return cell;
  }
  // As above, but makes one, if there is room for it, or was made.
  BudgetCell* FindOrMake(Shard& shard, const CounterKey& key,
                         absl::FunctionRef<BudgetScope()> scope, int64_t now,
                         bool beyond_limit, std::string_view asker = {},
                         bool has_room = false)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  // Whether the asker has begun so many scopes that the last places are for
  // others; whether there is no place for another one of his.
  bool HasMany(uint64_t asker) const LOCKS_EXCLUDED(begun_mu_);
  bool IsFull(uint64_t asker) const LOCKS_EXCLUDED(begun_mu_);
  // Has a cell give its place away, of those that may; so many are looked at,
  // and of any shard the last. False if none does.
  bool MakeRoom(Shard& shard, int64_t now, int looks)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  bool MakeRoomAnywhere(int64_t now);
  void Drop(Shard& shard, BudgetCell& cell) EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  // The call is refused: of what began with it nothing is known, as before. Not
  // of what other replicas are to be told.
  void ForgetBegun(absl::Span<const BudgetCharge> charges);
  bool MayGo(const BudgetCell& cell, int64_t now) const;
  // Drops what is over by now. Nearly always nothing is, which is seen at once.
  void Renew(BudgetCell& cell, int64_t now) const {
    if (!IsOfNow(cell, now)) RenewLate(cell, now);
  }
  // Whether the clock is behind what was shown, and that is not a loop which
  // has read it before another one did: what one of these has ended stays so.
  static bool IsPutBack(const BudgetCell& cell, int64_t now) {
    constexpr int64_t kMomentSeconds = 2;
    return now + kMomentSeconds < cell.shown_time;
  }
  bool IsOfNow(const BudgetCell& cell, int64_t now) const {
    const BudgetSpend& spend = cell.account.spend;
    if (now >= cell.window_end || IsPutBack(cell, now) || spend.IsAhead(now)) {
      return false;
    }
    if (cell.window_end != BudgetWindow::kNever) return true;
    // Without a window it may be forgotten.
    return cell.reservations > 0 ||
           (cell.shared == nullptr && cell.charged == nullptr &&
            now - spend.last_time() <
                retention_seconds_.load(std::memory_order_relaxed));
  }
  void RenewLate(BudgetCell& cell, int64_t now) const;
  // Leaves of the account what counts now, and keeps what charges have made of
  // it. Returns whether that is of a clock that was ahead.
  bool Show(BudgetCell& cell, int64_t now) const;
  // The account is again what charges have made of it.
  static void TakeCharged(BudgetCell& cell);
  // It is what is shown of it.
  static void KeepShown(BudgetCell& cell) { cell.charged.reset(); }
  // Adds to what is shown of the account and to what charges have made of it.
  void Charge(BudgetCell& cell, int64_t start, const BudgetAmounts& amounts,
              int64_t now) const;
  // Since when nothing was charged to a scope, here or elsewhere.
  static int64_t LastTimeOf(const BudgetCell& cell);

  // Calls `use` with the charge's cell, or with that of all others, whose key
  // the charge has from then on; not if the budget is not for its scope.
  void UseCell(BudgetCharge& charge, int64_t now,
               absl::FunctionRef<void(BudgetCell& cell)> use);
  void Check(BudgetCell& cell, int64_t now, BudgetCharge* charge) const;
  // Sees to it that the scope is its first caller's, as it is to be.
  static void CheckCaller(BudgetCell& cell, int64_t now, BudgetCharge* charge);
  static void CheckAmounts(const BudgetCell& cell, BudgetCharge* charge);
  // Of one that fits into what is left by all replicas: whether this one may.
  void CheckClaim(BudgetCell& cell, BudgetCharge* charge) const;
  static void Warn(BudgetCell& cell, BudgetCharge* charge);
  // Sets what the charge, which is reserved or settled, has made of its scope.
  static void RecordFilled(BudgetCell& cell, BudgetCharge* charge);
  // What the charge has reserved is given back: what was told because of that,
  // and is not so any more, is told again when it is.
  static void TellAgain(BudgetCell& cell, const BudgetCharge& charge);
  // The call is refused: it binds nothing, and its warnings are the next one's.
  void TakeBack(absl::Span<BudgetCharge> charges);
  static void Release(BudgetCharge& charge, BudgetCell& cell);
  // What is left of the charge's budget. REQUIRES: the cell is of now.
  static std::optional<int64_t> LeftOf(const BudgetCell& cell,
                                       const BudgetCharge& charge);

  static BudgetStanding StandingOf(const BudgetCell& cell);
  // Has it told, if it is shared and has news.
  void MarkUntold(Shard& shard, BudgetCell& cell)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    if (cell.shared != nullptr && cell.shared->has_news) {
      AddUntold(shard, cell);
    }
  }
  void AddUntold(Shard& shard, BudgetCell& cell)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  // It is among `owed` until it is told. REQUIRES: the lock of its shard.
  void Owe(BudgetCell& cell);
  static BudgetTelling TellingOf(const BudgetCell& cell, int64_t now);
  // Applies a change, and forgets what was promised before a reset.
  void ApplyTo(BudgetCell& cell, const BudgetChange& change, int64_t now) const;
  void LearnAllocation(const BudgetNews& news, int64_t now);
  // Sees to it that the cell is of the window that the news is of. False if the
  // news is of another.
  static bool MoveTo(BudgetCell& cell, int64_t start, int64_t now);
  void LearnLines(BudgetCell& cell, const BudgetNews& news,
                  std::string_view replica,
                  absl::FunctionRef<bool(const std::string& replica)> is_live,
                  int64_t now) const;
  // Gives back what was spent here, since an operator has done so elsewhere.
  void GiveBack(Shard& shard, BudgetCell& cell, int64_t version, int64_t now,
                std::vector<BudgetChange>* resets)
      EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  // Sums up what others have spent.
  void SumUpOthers(BudgetCell& cell, int64_t now) const
      LOCKS_EXCLUDED(recorded_mu_);
  BudgetSpend CountingOf(const BudgetCell& cell, const ReplicaSpend& other,
                         int64_t now) const LOCKS_EXCLUDED(recorded_mu_);
  // The same of all scopes that it is known to have spent something of.
  void SumUpAgain(const std::vector<std::string>& replicas, int64_t now)
      LOCKS_EXCLUDED(recorded_mu_);
  void LearnRecordedOf(const std::string& replica, const BudgetScope& scope,
                       const BudgetAccount& account, int64_t now,
                       std::vector<BudgetChange>* resets)
      LOCKS_EXCLUDED(recorded_mu_);
  bool IsThis(const std::string& replica) const LOCKS_EXCLUDED(recorded_mu_);

  const KeySecret secret_;
  std::atomic<size_t> scopes_limit_;
  std::atomic<int64_t> retention_seconds_;
  std::atomic<bool> shared_ = false;
  std::atomic<bool> joined_ = false;
  std::atomic<bool> away_ = false;
  std::atomic<bool> settled_ = true;
  std::atomic<int64_t> replicas_ = 1;
  std::atomic<size_t> untold_ = 0;
  std::atomic<size_t> owed_ = 0;
  std::atomic<size_t> size_ = 0;
  std::atomic<int64_t> overflows_ = 0;
  std::vector<Shard> shards_;
  // When no shard had room to make.
  std::atomic<int64_t> no_room_time_ = -1;
  mutable Mutex begun_mu_;  // Behind that of a shard.
  // How many scopes there are that were begun by whom.
  absl::flat_hash_map<uint64_t, size_t> begun_ GUARDED_BY(begun_mu_);
  mutable Mutex recorded_mu_;  // Behind that of a shard.
  std::string replica_ GUARDED_BY(recorded_mu_);
  // Replicas whose chain nobody appends to.
  absl::flat_hash_set<std::string> closed_ GUARDED_BY(recorded_mu_);
  Mutex counts_mu_;
  absl::flat_hash_map<std::string, std::shared_ptr<BudgetCounts>> counts_
      GUARDED_BY(counts_mu_);
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_TABLE_H_
