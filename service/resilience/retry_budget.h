// RetryBudget bounds how many retries and hedges are under way at once, by how
// many calls are: so that a provider that fails is not asked several times as
// much by those who retry. To go on to a target that is well takes no place:
// nobody who fails is asked more for it (service/pipeline/next_attempt.h).
//
//   retries in flight
//       <= max(min_concurrency, percent of the active calls without a retry)
//
// So of a provider that fails for everybody at most so many percent more is
// asked: were the calls that retry counted too, 20 percent let it be asked 1.25
// times as much.
//
//   const RetryBudget::ActiveCall active = budget.StartCall(loop_number);
//   ...
//   std::optional<RetryBudget::Permit> retry =
//       budget.TryAcquire(RetryBudget::Purpose::kRetry);
//   if (!retry.has_value()) return failure;  // Of the attempt before.
//   co_await Sleep(...);                     // The back-off.
//   ...                                      // The attempt.
//
// A permit is taken before the back-off and held until the attempt has ended.
// A call counts as one, however many attempts it makes. Where fewer calls go on
// than when they were given, permits are not taken back.
//
// Thread-safe and lock-free; one for all loops, which outlives configurations.
// A call that does not retry writes one counter of its shard at its begin and
// at its end.

#ifndef SERVICE_RESILIENCE_RETRY_BUDGET_H_
#define SERVICE_RESILIENCE_RETRY_BUDGET_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace gateway {

class RetryBudget {
 public:
  // What a place is taken for.
  enum class Purpose {
    kRetry,     // A target is asked again.
    kFallback,  // Another is asked, which fails itself.
    kHedge,     // Another is asked beside one that takes long.
  };
  static constexpr size_t kPurposes = 3;

  struct Options {
    // So many there may always be. 0 to 10000.
    int min_concurrency = 3;
    // Of the active calls without a retry in flight, rounded down. 0 to 100.
    int percent = 20;
  };

  // Counts as one while it lives.
  class [[nodiscard]] Counted {
   public:
    explicit Counted(std::atomic<int64_t>* count) : count_(count) {}
    Counted(Counted&& other) noexcept
        : count_(std::exchange(other.count_, nullptr)) {}
    Counted& operator=(Counted&& other) noexcept {
      std::swap(count_, other.count_);
      return *this;
    }
    ~Counted() {
      if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::atomic<int64_t>* count_;
  };
  using ActiveCall = Counted;
  using Permit = Counted;

  struct Snapshot {
    int64_t active_calls = 0;
    int64_t in_flight = 0;
    int64_t limit = 0;    // As of now.
    int64_t refused = 0;  // How often there was no permit.
    // The same by Purpose.
    std::array<int64_t, kPurposes> refused_by_purpose = {};
  };

  explicit RetryBudget(const Options& options) { SetOptions(options); }
  RetryBudget(const RetryBudget&) = delete;
  RetryBudget& operator=(const RetryBudget&) = delete;

  // Counts a call as active while the result lives, which must not outlive this
  // object. Loops with shards of their own, such as their numbers, do not
  // disturb each other.
  ActiveCall StartCall(size_t shard) {
    std::atomic<int64_t>& count = active_[shard % kShards].count;
    count.fetch_add(1, std::memory_order_relaxed);
    return ActiveCall(&count);
  }

  // Returns nothing if as many retries are under way as may be. The permit must
  // not outlive this object.
  std::optional<Permit> TryAcquire(Purpose purpose = Purpose::kRetry);

  // Takes effect with the next TryAcquire.
  void SetOptions(const Options& options);

  Snapshot Read() const;

 private:
  static constexpr size_t kShards = 16;

  struct alignas(64) Shard {
    std::atomic<int64_t> count = 0;
  };

  int64_t ActiveCalls() const;
  int64_t Limit(int64_t active_calls, int64_t in_flight) const;

  std::array<Shard, kShards> active_;
  alignas(64) std::atomic<int64_t> in_flight_ = 0;
  std::array<std::atomic<int64_t>, kPurposes> refused_ = {};
  std::atomic<int> min_concurrency_;
  std::atomic<int> percent_;
};

// Returns the name for logs and metrics: `retry`, `fallback`, `hedge`.
std::string_view RetryPurposeName(RetryBudget::Purpose purpose);

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_BUDGET_H_
