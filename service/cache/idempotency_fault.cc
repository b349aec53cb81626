#include "service/cache/idempotency_fault.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

// By then a Redis that was started anew is there, most often.
constexpr absl::Duration kComeAgain = absl::Seconds(1);

// As where a call is shed otherwise: a key or an answer may be gone by then.
constexpr absl::Duration kRoomWait = absl::Seconds(5);

absl::Status KeyConflict(std::string_view message) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_CONFLICT, message);
  AddFaultMetadata(fault, "resource", "idempotency_key");
  return fault;
}

}  // namespace

absl::Status KeyMismatch(std::string_view request_id) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_IDEMPOTENCY_MISMATCH,
      "the idempotency key was used before, with another request: a new "
      "request needs a new key");
  AddFaultMetadata(fault, "request_id", request_id);
  return fault;
}

absl::Status KeyedAnswerNotKept(std::string_view request_id) {
  return KeyConflict(
      absl::StrCat("the call with this idempotency key, ", ToAbsl(request_id),
                   ", has ended well, and there was no room to keep its "
                   "answer: to make the call again, take another key"));
}

absl::Status KeyedCallLost(std::string_view request_id) {
  return KeyConflict(
      absl::StrCat("the gateway that made the call with this idempotency key, ",
                   ToAbsl(request_id),
                   ", has gone before its end: it may have been made, and "
                   "billed; to make the call again, take another key"));
}

absl::Status KeyedCallCut(std::string_view request_id) {
  return KeyConflict(absl::StrCat(
      "the call with this idempotency key, ", ToAbsl(request_id),
      ", was cut off when its gateway was shut down: it may have been made, "
      "and billed; to make the call again, take another key"));
}

absl::Status NoRoomForKey(std::string_view limit) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_OVERLOADED,
      absl::StrCat("as many idempotency keys are known as ", ToAbsl(limit),
                   " lets: later, or without a key, the call can be "
                   "made"));
  AddFaultMetadata(fault, "limit", limit);
  SetRetryDelay(fault, kRoomWait);
  return fault;
}

absl::Status KeysUnavailable() {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_STORE_UNAVAILABLE,
                "idempotency keys are in redis, which does not answer or has "
                "no room: later, or without a key, the call can be made");
  SetRetryDelay(fault, kComeAgain);
  return fault;
}

}  // namespace gateway
