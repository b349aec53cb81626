// A SharedAnswer is made once and waited for by any number of callers, each on
// its own event loop.
//
//   auto shared = std::make_shared<SharedAnswer>(request_id);
//   std::optional<AnswerShare> share = SharedAnswer::Join(shared);
//   ...
//   absl::StatusOr<SharedOutcome> outcome = co_await share->Wait(loop, cancel);
//
//   CancelSignal& cancel = shared->audience().Begin(loop,
//   absl::ZeroDuration()); shared->Finish({.status = ..., .answer = ...});  //
//   Who makes it, once.
//
// A caller who gives up leaves the others alone: the call that makes the answer
// has a signal of its own, which fires when nobody waits any more (audience.h).
// So whoever came first may leave as any other.
//
// Thread-safe. Coroutines are resumed on the loops that they wait on, and
// nowhere else.

#ifndef SERVICE_CACHE_SHARED_ANSWER_H_
#define SERVICE_CACHE_SHARED_ANSWER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "service/cache/audience.h"
#include "service/cache/kept_answer.h"
#include "service/cache/wait_list.h"

namespace gateway {

// How the call that made it ended: its answer, or else why there is none.
struct SharedOutcome {
  absl::Status status;
  KeptAnswerPtr answer;  // Null unless `status` is OK.
};

class AnswerShare;

class SharedAnswer {
 public:
  // `request_id` is that of the call that makes it.
  explicit SharedAnswer(std::string_view request_id)
      : request_id_(request_id), audience_(std::make_shared<Audience>()) {}

  SharedAnswer(const SharedAnswer&) = delete;
  SharedAnswer& operator=(const SharedAnswer&) = delete;

  // Nothing if it has been given up, since nobody waited any more: it is to be
  // made anew.
  static std::optional<AnswerShare> Join(std::shared_ptr<SharedAnswer> answer);

  const std::string& request_id() const { return request_id_; }
  Audience& audience() { return *audience_; }

  // Hands the outcome to all who wait and who will. Later calls do nothing.
  void Finish(SharedOutcome outcome) LOCKS_EXCLUDED(mu_);

  bool finished() const LOCKS_EXCLUDED(mu_);

 private:
  friend class AnswerShare;

  // Constant after construction.
  const std::string request_id_;
  const std::shared_ptr<Audience> audience_;

  mutable Mutex mu_;
  std::optional<SharedOutcome> outcome_ GUARDED_BY(mu_);
  WaitList waiting_ GUARDED_BY(mu_);
};

// One caller's part in it. While it lives, the answer is being made. May be
// destroyed on any thread.
class AnswerShare {
 public:
  AnswerShare(AnswerShare&&) noexcept = default;
  AnswerShare& operator=(AnswerShare&&) noexcept = default;

  SharedAnswer& answer() const { return *answer_; }

  // Waits on `loop`, where it is called, until the answer is there. Fails with
  // what `cancel` fired with, if that is first; the share then still counts.
  // Must outlive the task.
  Task<absl::StatusOr<SharedOutcome>> Wait(EventLoop& loop,
                                           CancelSignal& cancel);

 private:
  friend class SharedAnswer;
  AnswerShare(std::shared_ptr<SharedAnswer> answer, Audience::Seat seat)
      : answer_(std::move(answer)), seat_(std::move(seat)) {}

  std::shared_ptr<SharedAnswer> answer_;
  Audience::Seat seat_;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_SHARED_ANSWER_H_
