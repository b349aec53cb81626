// LoopClient is a real HTTP client on an event loop that runs in the test's own
// thread, for tests that call servers in other processes or threads.
//
//   LoopClient client;
//   const absl::Status status = client.Run([&]() -> Task<absl::Status> {
//     co_return co_await provider.Generate(call, &answer);
//   });
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_LOOP_CLIENT_H_
#define TESTS_TESTING_LOOP_CLIENT_H_

#include <memory>
#include <utility>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/net/resolver.h"
#include "tests/testing/loop_runner.h"

namespace gateway {

class LoopClient {
 public:
  LoopClient() { runner_.Run(MakeClient()); }
  ~LoopClient() { runner_.Run(DropClient()); }

  EventLoop& loop() { return runner_.loop(); }
  Http1Client& http() { return *client_; }

  // Waits until streams that finish in the background have given their
  // connections back.
  void Settle() { runner_.Run(client_->AwaitIdle()); }

  // Runs the coroutine that `body` makes. `body` lives until its end, so it may
  // capture.
  template <typename Body>
  auto Run(Body body) {
    return runner_.Run(body());
  }

 private:
  Task<void> MakeClient() {
    client_ = std::make_unique<Http1Client>(resolver_);
    co_return;
  }

  // Streams that are being drained in the background go first.
  Task<void> DropClient() {
    co_await client_->AwaitIdle();
    client_.reset();
  }

  LoopRunner runner_;
  Resolver resolver_;
  std::unique_ptr<Http1Client> client_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_LOOP_CLIENT_H_
