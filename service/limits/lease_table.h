// LeaseTable has what this process knows of each counter that replicas share,
// and what it has leased of it: units that were taken in advance and that calls
// are served from without asking anybody.
//
//   leases.Use(key, now, [&] { return NewLease(rule, subject); },
//              [&](Lease& lease) { lease.units -= 1; });
//
// It is bounded. A lease that nothing is owed for gives way to another; what is
// left of it comes back by time, since it counts as taken. If none can, there
// is none for the other, which a process then counts by its share.
//
// Thread-safe; what is called with a lease holds a lock that few share.

#ifndef SERVICE_LIMITS_LEASE_TABLE_H_
#define SERVICE_LIMITS_LEASE_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "base/os/mutex.h"
#include "service/limits/counter_key.h"
#include "service/limits/gcra.h"
#include "service/limits/limit_counters.h"
#include "service/limits/limit_rule.h"

namespace gateway {

struct Lease {
  // Of the rule and the subject.
  SharedCounterName name;
  Gcra gcra;
  std::shared_ptr<LimitCounters> counters;
  std::string subject;  // For operators.
  bool exact = false;   // Nothing is leased in advance.
  bool counts_calls = false;

  // Times are nanoseconds of the steady clock.
  int64_t touched = 0;  // When a call last asked for it.
  // Redis has told of it.
  bool known = false;
  // It is being told, or asked for more.
  bool telling = false;
  // Something was taken by this process's share, which Redis does not know; of
  // calls at once, that it may have another number.
  bool away = false;
  // All that was taken is to be given back.
  bool forgiven = false;

  // Of a limit in time: what is leased and left; negative, what was taken and
  // Redis has not been told.
  int64_t units = 0;
  // The TAT as Redis told it last.
  int64_t tat = 0;
  // Until then so many units do not conform, as it said.
  int64_t refused_until = 0;
  int64_t refused_units = 0;
  // Before then it is not asked again.
  int64_t ask_time = 0;
  // How fast it is used, for how much is leased next.
  int64_t used = 0;
  int64_t leased_time = 0;
  int64_t part = 1;

  // Of calls at once: how many Redis counts for this process, the number of the
  // message that says so, and when it was sent. Calls up to it need not ask,
  // unless all replicas together have more than may be.
  bool over = false;
  int64_t claim = 0;
  int64_t claim_sequence = 0;
  int64_t claim_time = 0;
};

class LeaseTable {
 public:
  static constexpr size_t kShards = 64;

  // Has places for so many leases, spread over shards. REQUIRES: leases > 0.
  explicit LeaseTable(size_t leases)
      : shard_leases_((leases + kShards - 1) / kShards), shards_(kShards) {}

  // Calls `use` with the lease of the key, which `make` makes if there is none.
  // Returns false if there is no place.
  bool Use(const CounterKey& key, absl::FunctionRef<Lease()> make,
           absl::FunctionRef<void(Lease&)> use);

  // The same if there is one; false if not.
  bool Find(const CounterKey& key, absl::FunctionRef<void(Lease&)> use);

  // Visits each; those for which `keep` returns false go.
  void ForEach(
      absl::FunctionRef<bool(const CounterKey& key, Lease& lease)> keep);

  size_t size();

 private:
  struct Hash {
    // The bits are well mixed.
    size_t operator()(const CounterKey& key) const { return key.low; }
  };
  struct alignas(64) Shard {
    Mutex mu;
    absl::flat_hash_map<CounterKey, std::unique_ptr<Lease>, Hash> leases
        GUARDED_BY(mu);
  };

  Shard& ShardOf(const CounterKey& key) { return shards_[key.high % kShards]; }
  // Has the lease that nobody has asked for longest give way, of those that
  // can. False if none can.
  static bool MakeRoom(Shard& shard) EXCLUSIVE_LOCKS_REQUIRED(shard.mu);

  const size_t shard_leases_;
  std::vector<Shard> shards_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LEASE_TABLE_H_
