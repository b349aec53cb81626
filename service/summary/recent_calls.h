// RecentCalls remembers the latest calls, as many as there is place for.
//
//   RecentCalls recent({.calls_limit = 1000});
//   RecentCalls::Shard& shard = recent.AddShard();  // One for each event loop.
//
//   RecentCall call;
//   call.numbers.start_us = absl::ToUnixMicros(start);
//   call.SetText(RecentText::kProvider, "anthropic");
//   shard.Remember(call);                           // On the loop.
//
//   for (const RecentCall& call : recent.List(filter).calls) Show(call);
//
// Each loop has a ring of its own, with places of one size, so that to remember
// a call allocates nothing and takes no lock; who reads copies place by place,
// and leaves out those that are written meanwhile.
//
// Thread-safe; a shard is for one thread at a time.

#ifndef SERVICE_SUMMARY_RECENT_CALLS_H_
#define SERVICE_SUMMARY_RECENT_CALLS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/os/mutex.h"

namespace gateway {

// The texts of a call, the ones that matter most first: they get what place
// there is.
enum class RecentText : uint8_t {
  kRequestId,
  kProvider,
  kModelServed,
  kCaller,
  kOperation,
  kRouteReason,
  kModelAsked,
  kAgentType,
  kProjectId,
  kAgentId,
  kUserId,
  kSessionId,
};
inline constexpr size_t kRecentTexts = 12;

// Of one call. Texts are cut, each and together.
class RecentCall {
 public:
  static constexpr size_t kTextBytesMax = 96;
  static constexpr size_t kTextsBytesMax = 512;

  // Stands for a time that is not known.
  static constexpr int64_t kUnset = -1;

  // What is not said is 0. Times are microseconds.
  struct Numbers {
    int64_t start_us = 0;  // Since 1970.
    int64_t duration_us = 0;
    int64_t overhead_us = kUnset;
    int64_t upstream_first_byte_us = kUnset;
    int64_t time_to_first_token_us = kUnset;
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    int64_t cached_input_tokens = 0;
    int64_t cache_write_tokens = 0;
    int64_t reasoning_tokens = 0;
    int64_t cost_usd_nanos = 0;
    int64_t request_bytes = 0;
    int64_t response_bytes = 0;
    int32_t status_code = 0;
    int32_t error_reason = 0;
    int32_t finish_reason = 0;
    int32_t http_status = 0;
    bool stream = false;
    bool cost_known = false;
    bool estimated = false;
    bool caller_has_key = false;
  };

  int64_t end_us() const { return numbers.start_us + numbers.duration_us; }

  // Once for each text, in the order of RecentText; those that are left out are
  // empty.
  void SetText(RecentText which, std::string_view text);
  // Valid as long as this object.
  std::string_view Text(RecentText which) const;

  // The bytes at its front that say something.
  size_t used_bytes() const {
    return sizeof(RecentCall) - kTextsBytesMax + TextBytes();
  }

  Numbers numbers;

 private:
  size_t TextBytes() const { return set_ == 0 ? 0 : ends_[set_ - 1]; }

  // Where each text ends; it begins where the one before ends.
  std::array<uint16_t, kRecentTexts> ends_ = {};
  size_t set_ = 0;                               // So many of them are known.
  std::array<char, kTextsBytesMax> texts_ = {};  // The last field.
};

class RecentCalls {
 public:
  struct Options {
    // How many calls are remembered; none if 0.
    size_t calls_limit = 1000;
  };

  // The ring of one loop.
  class Shard {
   public:
    explicit Shard(size_t calls_limit);

    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    // Whether calls are remembered at all.
    bool enabled() const { return !places_.empty(); }
    void Remember(const RecentCall& call);

   private:
    friend class RecentCalls;

    static constexpr size_t kWordBytes = 8;
    static constexpr size_t kWords =
        (sizeof(RecentCall) + kWordBytes - 1) / kWordBytes;

    // A call in a form that may be read while it is written: then its version
    // tells.
    struct alignas(64) Place {
      // Of the call number n, from 0: 2n + 1 while it is written, then 2n + 2.
      std::atomic<uint64_t> version = 0;
      std::array<std::atomic<uint64_t>, kWords> words;
    };

    // Copies the call of this number; false if it is there no more.
    bool Read(uint64_t number, RecentCall* call) const;

    // A call takes 0.7 KB.
    std::vector<std::unique_ptr<Place>> places_;
    std::atomic<uint64_t> next_ = 0;  // The number of the next call.
    // Calls before it are forgotten. Changed by those who forget.
    std::atomic<uint64_t> first_ = 0;
  };

  struct Found {
    // The latest to end first.
    std::vector<RecentCall> calls;
    // How many would be found without a limit.
    size_t matched = 0;
  };
  using Filter = absl::FunctionRef<bool(const RecentCall&)>;

  explicit RecentCalls(const Options& options) : options_(options) {}

  RecentCalls(const RecentCalls&) = delete;
  RecentCalls& operator=(const RecentCalls&) = delete;

  // A new shard, valid as long as this object.
  Shard& AddShard() LOCKS_EXCLUDED(mu_);

  // Returns the latest calls that `matches` says yes to, of those that are
  // remembered. Takes a millisecond for each loop or less.
  Found List(size_t limit, Filter matches) const LOCKS_EXCLUDED(mu_);

  // Forgets all calls until now.
  void Forget() LOCKS_EXCLUDED(mu_);

 private:
  template <typename Visit>
  void ForEach(Visit visit) const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // When the last call that is remembered has ended.
  int64_t FirstEnd() const EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;

  mutable Mutex mu_;  // Not taken to remember.
  std::vector<std::unique_ptr<Shard>> shards_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_RECENT_CALLS_H_
