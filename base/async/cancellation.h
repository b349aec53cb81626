// CancelSignal tells everyone who works on a call that it is over: the client
// hung up, the deadline passed, the server drains. It fires once; whoever
// listens after that is told at once.
//
//   CancelSignal signal;
//   CancelListener close_socket(signal, [&] { stream.Close(); });
//   ...
//   signal.Cancel(absl::CancelledError("the client hung up"));
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_CANCELLATION_H_
#define BASE_ASYNC_CANCELLATION_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace gateway {

class CancelListener;

class CancelSignal {
 public:
  CancelSignal() = default;
  CancelSignal(const CancelSignal&) = delete;
  CancelSignal& operator=(const CancelSignal&) = delete;
  ~CancelSignal();

  // Tells all listeners, once; later calls do nothing. REQUIRES: !why.ok().
  void Cancel(absl::Status why);

  bool cancelled() const { return !status_.ok(); }

  // Says why the call was cancelled; OK until then.
  const absl::Status& status() const { return status_; }

 private:
  friend class CancelListener;

  absl::Status status_;
  CancelListener* first_ = nullptr;
};

// Listens to a signal while it lives.
class CancelListener {
 public:
  // Calls `on_cancel` at most once, at once if `signal` has been cancelled.
  CancelListener(CancelSignal& signal, std::function<void()> on_cancel);
  ~CancelListener();

  CancelListener(const CancelListener&) = delete;
  CancelListener& operator=(const CancelListener&) = delete;

 private:
  friend class CancelSignal;
  void Unlink();

  CancelSignal* signal_;  // Null when not linked into a signal's list.
  std::function<void()> on_cancel_;
  CancelListener* previous_ = nullptr;
  CancelListener* next_ = nullptr;
};

}  // namespace gateway

#endif  // BASE_ASYNC_CANCELLATION_H_
