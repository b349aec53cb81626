// A StreamRecording gathers what a stream says, so that it can be said again:
// to who asks the same, or comes with the same idempotency key.
//
//   StreamRecording recording(bytes_max);
//   recording.Add(batch);                      // Each, before it is sent.
//   ...
//   KeptAnswerPtr answer = recording.Keep(call, attempt);  // It has ended
//   well.
//
// Where the stream is longer than it may be, nothing of it is kept, and the
// memory goes back at once.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_STREAM_RECORDING_H_
#define SERVICE_PIPELINE_STREAM_RECORDING_H_

#include <cstddef>
#include <memory>

#include "providers/provider.h"
#include "service/cache/kept_answer.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"

namespace gateway {

class StreamRecording {
 public:
  explicit StreamRecording(size_t bytes_max)
      : bytes_max_(bytes_max), answer_(std::make_shared<KeptAnswer>()) {}

  // Adds what has come, as it came.
  void Add(const StreamBatch& batch);

  // Keeps nothing of it.
  void GiveUp() { answer_ = nullptr; }

  // How much it holds.
  size_t held_bytes() const {
    return answer_ == nullptr ? 0 : answer_->body.capacity();
  }

  // Of events that were read: another choice than the first was not ended by
  // the model itself.
  bool other_choice_cut() const { return other_choice_cut_; }

  // Returns the stream of `attempt`, which has ended well; null if not all of
  // it is there. To be called once.
  KeptAnswerPtr Keep(const Call& call, const Attempt& attempt);

 private:
  void AddEvent(const v1::GenerateEvent& event);

  const size_t bytes_max_;
  std::shared_ptr<KeptAnswer> answer_;  // Null once it has been given up.
  bool other_choice_cut_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_STREAM_RECORDING_H_
