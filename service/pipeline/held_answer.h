// HeldAnswer counts what the gateway has of a stream among the answers of its
// loop (EventLoop::answer_bytes), beside the bytes that came, which the
// exchange with the provider counts (HttpExchange::Keep): a caller who does not
// read has them stay.
//
//   GATEWAY_CO_RETURN_IF_ERROR(
//       call.held.Count(HeldAnswer::Kind::kWritten, out.size()));
//   ... wait for the caller ...
//   call.held.Release(HeldAnswer::Kind::kWritten);
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_HELD_ANSWER_H_
#define SERVICE_PIPELINE_HELD_ANSWER_H_

#include <array>
#include <cstddef>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/memory/byte_budget.h"

namespace gateway {

class HeldAnswer {
 public:
  // So much of each kind is not counted: a stream costs about as much anyway.
  static constexpr size_t kUncountedBytesMax = 64 * 1024;

  enum class Kind {
    kEvents,    // Those that are being sent, as they were read.
    kWritten,   // The same in the caller's format.
    kRepeated,  // What that format says once more at the end.
    kGathered,  // What is checked, or remembered, at the end.
  };

  explicit HeldAnswer(EventLoop& loop) : share_(loop.answer_bytes()) {}

  // Counts `bytes` of this kind in place of those before. OVERLOADED, and those
  // before stay counted, if there is no room.
  absl::Status Count(Kind kind, size_t bytes) {
    const size_t counted = bytes > kUncountedBytesMax ? bytes : 0;
    if (Of(kind).Resize(counted)) return absl::OkStatus();
    return NoRoom();
  }

  // Called when they are gone.
  void Release(Kind kind) { Of(kind).Resize(0); }

 private:
  static absl::Status NoRoom();
  ByteBudget::Charge& Of(Kind kind) {
    return charges_[static_cast<size_t>(kind)];
  }

  ByteBudget::Share share_;
  std::array<ByteBudget::Charge, 4> charges_{
      ByteBudget::Charge(share_), ByteBudget::Charge(share_),
      ByteBudget::Charge(share_), ByteBudget::Charge(share_)};
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_HELD_ANSWER_H_
