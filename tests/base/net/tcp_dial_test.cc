// What tests of HttpDial do not show of it: they have addresses that keep
// silent and addresses that refuse.

#include "base/net/tcp_dial.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

Task<absl::Status> ConnectToNone(Resolver* resolver, bool abandoned) {
  LoopResolver names(*resolver);
  TcpDial dial(names);
  if (abandoned) dial.Abandon();
  const absl::StatusOr<std::unique_ptr<Stream>> stream =
      co_await dial.Connect({}, 80);
  co_return stream.status();
}

TEST(TcpDialTest, WithoutAnAddressThereIsNoConnection) {
  LoopRunner runner;
  Resolver resolver;
  EXPECT_EQ(runner.Run(ConnectToNone(&resolver, /*abandoned=*/false)),
            absl::UnavailableError("no address"));
  EXPECT_TRUE(absl::IsCancelled(
      runner.Run(ConnectToNone(&resolver, /*abandoned=*/true))));
}

}  // namespace
}  // namespace gateway
