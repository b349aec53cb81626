#include "base/net/listener.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(BindAddressTest, ChoosesAPort) {
  const absl::StatusOr<ListenAddress> address = BindAddress("127.0.0.1:0");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_GT(address->port(), 0);
  EXPECT_EQ(address->text(), absl::StrCat("127.0.0.1:", address->port()));
}

TEST(BindAddressTest, SaysThatSomebodyElseListens) {
  const RawListener other;
  const std::string text = absl::StrCat("127.0.0.1:", other.port());
  const absl::Status status = BindAddress(text).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(text));
}

TEST(BindAddressTest, SaysWhatIsWrongWithTheAddress) {
  for (const std::string text :
       {"", "127.0.0.1", "127.0.0.1:x", "256.1.1.1.1:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(BindAddress(text).status())) << text;
  }
  EXPECT_FALSE(BindAddress("192.0.2.1:0").ok()) << "not an address of ours";
}

Task<void> AcceptSome(const ListenAddress* address) {
  std::vector<std::unique_ptr<Stream>> streams;
  WakeUp accepted;
  auto listener = Listener::Open(*address, [&](std::unique_ptr<Stream> s) {
    streams.push_back(std::move(s));
    accepted.Set();
  });
  EXPECT_TRUE(listener.ok()) << listener.status();
  std::vector<RawClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(RawClient::Connect(address->port()));
  }
  while (streams.size() < clients.size()) co_await accepted.Wait();
  for (size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(streams[i]->PeerAddress(),
              absl::StrCat("127.0.0.1:", clients[i].local_port()));
  }
}

TEST(ListenerTest, AcceptsConnectionsInOrder) {
  LoopRunner runner;
  const absl::StatusOr<ListenAddress> address = BindAddress("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  runner.Run(AcceptSome(&*address));
}

Task<void> OpenTwice(const ListenAddress* address) {
  int accepted = 0;
  WakeUp changed;
  const auto on_accept = [&](std::unique_ptr<Stream>) {
    ++accepted;
    changed.Set();
  };
  const auto one = Listener::Open(*address, on_accept);
  const auto two = Listener::Open(*address, on_accept);
  EXPECT_TRUE(one.ok() && two.ok());
  const absl::Status another = BindAddress(address->text()).status();
  EXPECT_TRUE(absl::IsAlreadyExists(another)) << another;
  std::vector<RawClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(RawClient::Connect(address->port()));
  }
  while (accepted < 50) co_await changed.Wait();
}

TEST(ListenerTest, SeveralShareOneAddress) {
  LoopRunner runner;
  const absl::StatusOr<ListenAddress> address = BindAddress("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  runner.Run(OpenTwice(&*address));
}

}  // namespace
}  // namespace gateway
