// KeyRegistry knows all keys that operators have issued, by what is kept of
// them: whoever finds out who calls asks it, and nothing else.
//
//   KeyRegistry keys(SystemClock());
//   GATEWAY_RETURN_IF_ERROR(keys.Take(record, /*version=*/1));
//   ...
//   if (KeyRegistry::HasForm(shown)) {
//     GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller, keys.Find(shown));
//   }
//
// Of what it is told about a key the highest version counts, in whatever order
// it comes: who changes a key tells it at once, and so does who follows the
// store (service/identity/issued_key_store.h), perhaps later. What it was told
// is in force for the next Find, on any thread.
//
// A look-up takes a lock for as long as a pointer is copied, one of kShards,
// and costs the same however many keys there are; the secret is hashed outside.
// An unknown id and a wrong secret take the same path. Of 100,000 keys one is
// found by 6,648 instructions in 1.4 us, 2,900 of them for the hash and 3,000
// for the form; where the loop remembers the caller (remembered_callers.h), by
// 352 in 49 ns (tests/bench/micro/identity_bench.cc, 2026-11-22).
//
// Thread-safe.

#ifndef SERVICE_IDENTITY_KEY_REGISTRY_H_
#define SERVICE_IDENTITY_KEY_REGISTRY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/sha256.h"
#include "llmgateway/v1/keys.pb.h"
#include "service/identity/caller.h"
#include "service/identity/issued_key.h"
#include "service/identity/issued_key_record.pb.h"

namespace gateway {

class KeyRegistry {
 public:
  using Record = llmgateway::kept::IssuedKeyRecord;

  // Borrows `clock`, by whose wall time keys expire.
  explicit KeyRegistry(Clock& clock);

  KeyRegistry(const KeyRegistry&) = delete;
  KeyRegistry& operator=(const KeyRegistry&) = delete;

  // Whether what is shown begins as issued keys do: others are none of them.
  static bool HasForm(std::string_view shown) {
    return shown.starts_with(kIssuedKeyPrefix);
  }

  // Whom the key stands for. The caller's expire_time is that of the secret
  // that was shown, which a rotation may end before the key. API_KEY_INVALID
  // for what is no key that is known; to who shows the right secret
  // API_KEY_EXPIRED, and API_KEY_DISABLED for keys that are disabled or
  // revoked. The clock is read for secrets that expire only.
  absl::StatusOr<CallerRef> Find(std::string_view shown) const;

  // Whom the key of this id stands for, whatever its state; null if there is
  // none.
  std::shared_ptr<const Caller> CallerOf(std::string_view id) const;

  // Takes what is kept of a key, unless a later version is known. It may be
  // forgotten from `forget_time` on, which is meant for revoked ones.
  // INVALID_ARGUMENT, which names the field, for a record that is none: what
  // was known stays, until it is dropped.
  absl::Status Take(const Record& record, int64_t version,
                    absl::Time forget_time = absl::InfiniteFuture());

  // There is no such key any more.
  void Drop(std::string_view id);

  // Between the two all keys that there are are taken anew, whatever was known;
  // what was not is dropped. One at a time.
  void BeginAnew();
  void EndAnew();

  // Forgets some of what may be forgotten. Of all after kShards calls.
  void ForgetSome();

  // How many keys there are that are not revoked.
  size_t size() const;
  // How many there are of a state; of those that are revoked, as long as their
  // records are kept.
  size_t size(llmgateway::v1::Key::State state) const {
    return static_cast<size_t>(sizes_[state].load());
  }

  // Grows with each change, after that is in force: what was found out under
  // another one is to be found out anew.
  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  static constexpr size_t kShards = 64;

 private:
  using Id = std::array<char, kIssuedKeyIdBytes>;

  // What is known of a key; never changes.
  struct Kept {
    llmgateway::v1::Key::State state;
    Sha256Digest digest;
    std::optional<Sha256Digest> previous;
    Caller caller;
    // As who shows the secret that was rotated away.
    Caller previous_caller;
  };
  struct Entry {
    std::shared_ptr<const Kept> kept;
    int64_t version = 0;
    absl::Time forget_time;
    // The last taking anew that has told of it.
    uint64_t round = 0;
  };
  struct alignas(64) Shard {
    mutable Mutex mu;
    absl::flat_hash_map<Id, Entry> entries GUARDED_BY(mu);
  };

  // Whom the key stands for, whomever the loop remembers.
  absl::StatusOr<CallerRef> FindOut(std::string_view shown) const;
  static std::optional<Id> IdOf(std::string_view id);
  static absl::StatusOr<std::shared_ptr<const Kept>> Read(const Record& record);
  void Count(const Entry& entry, int64_t by);

  Shard& ShardOf(const Id& id);
  const Shard& ShardOf(const Id& id) const;
  std::shared_ptr<const Kept> KeptOf(std::string_view id) const;
  template <typename Condition>
  void DropIf(Shard& shard, const Condition& condition);
  void Changed() { generation_.fetch_add(1, std::memory_order_release); }

  Clock& clock_;
  std::array<Shard, kShards> shards_;
  std::array<std::atomic<int64_t>, llmgateway::v1::Key::State_ARRAYSIZE>
      sizes_ = {};  // By state.
  std::atomic<uint64_t> generation_ = 1;
  std::atomic<uint64_t> round_ = 0;
  std::atomic<size_t> next_to_forget_ = 0;
};

// One that knows none, until the process ends.
const KeyRegistry& NoIssuedKeys();

}  // namespace gateway

#endif  // SERVICE_IDENTITY_KEY_REGISTRY_H_
