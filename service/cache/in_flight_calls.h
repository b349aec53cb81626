// InFlightCalls lets identical calls share one answer while the first of them
// runs: one call upstream, one bill.
//
//   InFlightCalls::Joined joined = calls.Join(key, request_id);
//   if (joined.lead) {
//     // Make it, for all: with the signal of joined.lead->Begin(loop).
//     joined.lead->Finish({.status = status, .answer = answer});
//   }
//   ... co_await joined.share->Wait(loop, cancel) ...
//
// Whoever leads waits as all others do: the call that makes the answer belongs
// to the group, and ends early only when nobody waits for it any more. Whoever
// comes then begins another.
//
// What is shared is what happens at one time: who comes after the end asks
// anew. What is kept for later is a ResponseCache's (response_cache.h).
//
// Thread-safe: parts with a lock each.

#ifndef SERVICE_CACHE_IN_FLIGHT_CALLS_H_
#define SERVICE_CACHE_IN_FLIGHT_CALLS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/os/mutex.h"
#include "service/cache/request_key.h"
#include "service/cache/shared_answer.h"

namespace gateway {

class InFlightCalls {
 public:
  class Lead;
  struct Joined;

  // At most so many groups at once.
  explicit InFlightCalls(size_t groups_limit)
      : part_groups_limit_((groups_limit + kParts - 1) / kParts) {}

  InFlightCalls(const InFlightCalls&) = delete;
  InFlightCalls& operator=(const InFlightCalls&) = delete;

  // `request_id` is that of who asks, and of the group if it is the first.
  Joined Join(const RequestKey& key, std::string_view request_id);

  // How many groups there are.
  size_t size() const;

  // How many calls were not the first of their group, since the start.
  uint64_t joined() const;

 private:
  static constexpr size_t kParts = 16;

  struct Part {
    mutable Mutex mu;
    absl::flat_hash_map<RequestKey, std::shared_ptr<SharedAnswer>> groups
        GUARDED_BY(mu);
    uint64_t joined GUARDED_BY(mu) = 0;
  };

  Part& PartOf(const RequestKey& key) {
    return parts_[key.digest.back() % kParts];
  }
  void Remove(const RequestKey& key, const SharedAnswer& answer);

  const size_t part_groups_limit_;
  std::array<Part, kParts> parts_;
};

// Makes the answer of a group. One that is destroyed before Finish has failed,
// as a mistake of the gateway. Must outlive whatever listens to its signal, and
// not the InFlightCalls.
class InFlightCalls::Lead {
 public:
  Lead(Lead&& other) noexcept
      : calls_(other.calls_),
        key_(other.key_),
        answer_(std::move(other.answer_)),
        finished_(other.finished_) {}
  Lead& operator=(Lead&&) = delete;
  ~Lead();

  // Returns the signal that the call has to obey, on `loop`.
  CancelSignal& Begin(EventLoop& loop) {
    return answer_->audience().Begin(loop, absl::ZeroDuration());
  }

  // Hands the outcome to all. Who comes from now on is the first of another
  // group. On the loop of Begin.
  void Finish(SharedOutcome outcome);

 private:
  friend class InFlightCalls;
  Lead(InFlightCalls& calls, const RequestKey& key,
       std::shared_ptr<SharedAnswer> answer)
      : calls_(&calls), key_(key), answer_(std::move(answer)) {}

  InFlightCalls* const calls_;
  const RequestKey key_;
  std::shared_ptr<SharedAnswer> answer_;  // Null once moved from.
  bool finished_ = false;
};

struct InFlightCalls::Joined {
  // Nothing if there are as many groups as may be: the call then goes alone.
  std::optional<AnswerShare> share;
  std::optional<Lead> lead;  // For the first of a group.
};

}  // namespace gateway

#endif  // SERVICE_CACHE_IN_FLIGHT_CALLS_H_
