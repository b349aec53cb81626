// ProviderHealthBoard remembers how each provider is doing, by the attempts
// that went to it: how many, how many failed by its own fault, how many of the
// latest in a row, and when one last went well or badly.
//
//   ProviderHealthBoard board;
//   ProviderHealthShard& shard = board.AddShard();  // One for each event loop.
//   const InflightAttempt inflight = shard.StartAttempt("openai");
//   ...
//   shard.Count("openai", outcome, ended);
//   ...
//   board.Read("openai").consecutive_failures;  // From any thread.
//
// What a failure is blamed on, errors/verdict.h decides. One that blames the
// caller, or the credential - a rate limit, an empty account, a key that is not
// taken - ends a row of failures, since the provider answered; one by
// cancellation or the caller's deadline says nothing about it.
// What is known of a provider outlives the configuration that named it, and
// goes by its name wherever that leads. It is never forgotten, and there is a
// limit: providers after the first kProvidersLimit names are not counted.
//
// The log tells once that a provider has begun to fail, at the third failure in
// a row, and why, and once that it is well again; a provider that comes and
// goes is told of at most once in kWarningInterval. That a credential is
// limited, or refused, it tells at once, and each at most once in that time.
//
// Thread-safe; a shard is for one thread at a time. Counting takes no lock and
// allocates nothing once the shard has met the provider; what loops share is
// written only when an attempt fails, or is the first to succeed after that.

#ifndef SERVICE_OBSERVABILITY_PROVIDER_HEALTH_H_
#define SERVICE_OBSERVABILITY_PROVIDER_HEALTH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "errors/verdict.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// How a provider is doing at one moment.
struct ProviderHealth {
  int64_t attempts = 0;
  int64_t failures = 0;  // Those that are the provider's fault.
  int64_t consecutive_failures = 0;
  int64_t attempts_in_flight = 0;
  std::optional<absl::Time> last_success;
  std::optional<absl::Time> last_failure;  // Precise to the millisecond.
  v1::ErrorReason last_failure_reason = v1::ERROR_REASON_UNSPECIFIED;
};

class InflightAttempt;
class ProviderHealthBoard;

// What one loop has seen of the providers.
class ProviderHealthShard {
 public:
  // REQUIRES: `provider` is a configured name.
  [[nodiscard]] InflightAttempt StartAttempt(std::string_view provider);
  // `credential` is the name of the one that was sent, if any.
  void Count(std::string_view provider, const absl::Status& outcome,
             absl::Time ended, std::string_view credential = {});

  // The same for an attempt that StartAttempt, of this shard, has begun.
  void Count(const InflightAttempt& attempt, std::string_view provider,
             const absl::Status& outcome, absl::Time ended,
             std::string_view credential);

 private:
  friend class InflightAttempt;
  friend class ProviderHealthBoard;

  // What all loops have seen of one provider together.
  struct Shared {
    std::atomic<int64_t> consecutive_failures = 0;
    // Milliseconds since 1970 times 256, plus the reason; 0 if none has failed.
    std::atomic<int64_t> last_failure = 0;
    // When the log was last told that the provider fails, in milliseconds since
    // 1970, and whether that still holds.
    std::atomic<int64_t> warned_ms = 0;
    std::atomic<bool> warned = false;
    // When the log was last told that a credential is limited, and that one is
    // refused.
    std::atomic<int64_t> limited_ms = 0;
    std::atomic<int64_t> refused_ms = 0;
  };

  // What this loop alone has seen of it. On cache lines of its own.
  struct alignas(64) Slot {
    explicit Slot(Shared& shared) : shared(shared) {}

    Shared& shared;
    std::atomic<int64_t> attempts = 0;
    std::atomic<int64_t> failures = 0;
    std::atomic<int64_t> in_flight = 0;
    // Since 1970; 0 if there was none.
    std::atomic<int64_t> last_success_nanos = 0;
  };

  explicit ProviderHealthShard(ProviderHealthBoard& board) : board_(board) {}

  // Returns null if the board is full.
  Slot* SlotOf(std::string_view provider);
  static void CountAt(Slot& slot, std::string_view provider,
                      const absl::Status& outcome, absl::Time ended,
                      std::string_view credential);
  static void CountFailure(Slot& slot, std::string_view provider,
                           Verdict verdict, const absl::Status& outcome,
                           absl::Time ended);
  static void TellCredential(Shared& shared, std::string_view provider,
                             std::string_view credential, Verdict verdict,
                             const absl::Status& outcome, absl::Time ended);

  ProviderHealthBoard& board_;
  absl::flat_hash_map<std::string, Slot*> slots_;
};

// Counts an attempt as going on while it lives, until its End. To be destroyed
// on the thread that began it.
class InflightAttempt {
 public:
  InflightAttempt() = default;
  InflightAttempt(InflightAttempt&& other) noexcept
      : slot_(other.slot_), counts_(std::exchange(other.counts_, false)) {}
  InflightAttempt& operator=(InflightAttempt&& other) noexcept {
    std::swap(slot_, other.slot_);
    std::swap(counts_, other.counts_);
    return *this;
  }
  ~InflightAttempt() { End(); }

  void End() {
    if (std::exchange(counts_, false)) Add(-1);
  }

 private:
  friend class ProviderHealthShard;

  explicit InflightAttempt(ProviderHealthShard::Slot* slot)
      : slot_(slot), counts_(slot != nullptr) {
    if (counts_) Add(1);
  }

  void Add(int64_t amount) {
    std::atomic<int64_t>& count = slot_->in_flight;
    count.store(count.load(std::memory_order_relaxed) + amount,
                std::memory_order_relaxed);
  }

  ProviderHealthShard::Slot* slot_ = nullptr;  // Null if nothing is counted.
  bool counts_ = false;
};

class ProviderHealthBoard {
 public:
  // How often at most the log is warned of a provider.
  static constexpr absl::Duration kWarningInterval = absl::Minutes(1);

  // The most providers; of others nothing is recorded.
  static constexpr size_t kProvidersLimit = 4096;

  ProviderHealthBoard() = default;
  ProviderHealthBoard(const ProviderHealthBoard&) = delete;
  ProviderHealthBoard& operator=(const ProviderHealthBoard&) = delete;

  // A new shard, valid as long as this object.
  ProviderHealthShard& AddShard() LOCKS_EXCLUDED(mu_);

  // Returns zeros for a provider to which nothing has gone.
  ProviderHealth Read(std::string_view provider) const LOCKS_EXCLUDED(mu_);

 private:
  friend class ProviderHealthShard;

  struct Provider {
    ProviderHealthShard::Shared shared;
    std::deque<ProviderHealthShard::Slot> slots;  // One for each shard.
  };

  ProviderHealthShard::Slot* AddSlot(std::string_view provider)
      LOCKS_EXCLUDED(mu_);

  mutable Mutex mu_;
  std::vector<std::unique_ptr<ProviderHealthShard>> shards_ GUARDED_BY(mu_);
  std::map<std::string, Provider, std::less<>> providers_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_PROVIDER_HEALTH_H_
