// What Http1Client's tests do not show of it: they cover timeouts,
// cancellation in every phase, proxies that refuse and certificates.

#include "base/http/http_dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http_client.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"
#include "base/net/tcp_dial.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

IpAddress Loopback(uint32_t number) {
  IpAddress address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
  address.size = sizeof(sockaddr_in);
  return address;
}

// An address at which connections are neither taken nor refused, as behind a
// router that drops them: a listener that takes nothing, its queue full.
class SilentAddress {
 public:
  SilentAddress(uint32_t number, uint16_t port) {
    IpAddress address = Loopback(number);
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_port = htons(port);
    auto* const generic = reinterpret_cast<sockaddr*>(&address.storage);
    fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(fds_[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    EXPECT_EQ(bind(fds_[0], generic, address.size), 0);
    EXPECT_EQ(listen(fds_[0], /*backlog=*/0), 0);
    // The first of these is queued, the others are what fills.
    for (int i = 0; i < 4; ++i) {
      fds_.push_back(
          socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      // It is not answered.
      if (connect(fds_.back(), generic, address.size) != 0) {
        EXPECT_EQ(errno, EINPROGRESS);
      }
    }
  }
  ~SilentAddress() {
    for (const int fd : fds_) close(fd);
  }

 private:
  std::vector<int> fds_;
};

class HttpDialTest : public testing::Test {
 protected:
  // One of many addresses of this machine's, then that of the listeners.
  HttpDialTest()
      : resolver_([](const std::string&) {
          return absl::StatusOr<IpAddresses>({Loopback(1), Loopback(0)});
        }) {}

  using Dialled = std::function<void(absl::StatusOr<std::unique_ptr<Stream>>)>;

  // Dials and shows what comes of it, on the loop.
  void Dial(const HttpDestination& to, Dialled dialled) {
    runner_.Run([](Resolver& resolver, const HttpDestination& to,
                   Dialled dialled) -> Task<void> {
      LoopResolver names(resolver);
      HttpDial dial(names, to);
      absl::StatusOr<std::unique_ptr<Stream>> stream =
          co_await dial.Connect();
      dialled(std::move(stream));
    }(resolver_, to, dialled));
  }

  LoopRunner runner_;
  Resolver resolver_;
};

TEST_F(HttpDialTest, TriesTheNextAddressWhenNobodyListensAtTheFirst) {
  RawListener listener;
  HttpDestination to;
  to.host = "many.test";
  to.port = listener.port();
  Dial(to, [&](absl::StatusOr<std::unique_ptr<Stream>> stream) {
    ASSERT_TRUE(stream.ok()) << stream.status();
    const std::string peer = (*stream)->PeerAddress();
    EXPECT_EQ(peer.substr(0, 10), "127.0.0.1:");
    EXPECT_EQ((*stream)->alpn(), "");
  });
}

// Else the call would wait for it until its time is up, which is for ever here.
TEST_F(HttpDialTest, AnAddressThatKeepsSilentIsNotWaitedForAndTriedLastThen) {
  RawListener listener;
  const SilentAddress silent(1, listener.port());
  HttpDestination to;
  to.host = "many.test";
  to.port = listener.port();
  runner_.Run([](Resolver& resolver, const HttpDestination& to) -> Task<void> {
    LoopResolver names(resolver);
    IpAddresses addresses = {Loopback(1), Loopback(0)};
    names.Order(&addresses);
    EXPECT_TRUE(addresses[0] == Loopback(1));
    HttpDial dial(names, to);
    const absl::StatusOr<std::unique_ptr<Stream>> stream =
        co_await dial.Connect();
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) co_return;
    EXPECT_EQ((*stream)->PeerAddress().substr(0, 10), "127.0.0.1:");
    addresses = {Loopback(1), Loopback(0)};
    names.Order(&addresses);
    EXPECT_TRUE(addresses[0] == Loopback(0));
  }(resolver_, to));
}

TEST_F(HttpDialTest, AbandonedWhileAnAddressKeepsSilentItEnds) {
  RawListener listener;
  const SilentAddress silent(1, listener.port());
  const SilentAddress other(2, listener.port());
  Resolver resolver([](const std::string&) {
    return absl::StatusOr<IpAddresses>({Loopback(1), Loopback(2)});
  });
  HttpDestination to;
  to.host = "many.test";
  to.port = listener.port();
  runner_.Run([](Resolver& resolver, const HttpDestination& to) -> Task<void> {
    LoopResolver names(resolver);
    HttpDial dial(names, to);
    Timer enough([&] { dial.Abandon(absl::AbortedError("enough")); });
    EventLoop::Current()->ArmTimer(
        enough, TcpDial::kStagger + absl::Milliseconds(100));
    const absl::StatusOr<std::unique_ptr<Stream>> stream =
        co_await dial.Connect();
    EXPECT_EQ(stream.status(), absl::AbortedError("enough"));
  }(resolver, to));
}

TEST_F(HttpDialTest, SaysWhyTheLastAddressFailed) {
  HttpDestination to;
  to.host = "many.test";
  {
    RawListener listener;
    to.port = listener.port();
  }
  Dial(to, [&](absl::StatusOr<std::unique_ptr<Stream>> stream) {
    EXPECT_EQ(stream.status(),
              absl::UnavailableError("connect: Connection refused"));
  });
}

TEST_F(HttpDialTest, ReadsNothingThatFollowsTheTunnelsHead) {
  ScriptedServer proxy([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("\r\n\r\n");
    client.Send("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(client.ReceiveExactly(2), "hi");
  });
  HttpDestination to;
  to.host = "far.test";
  to.port = 443;
  to.proxy = HostPort{"127.0.0.1", proxy.port()};
  Dial(to, [&](absl::StatusOr<std::unique_ptr<Stream>> stream) {
    ASSERT_TRUE(stream.ok()) << stream.status();
    iovec piece{const_cast<char*>("hi"), 2};
    EXPECT_EQ((*stream)->TryWrite(&piece, 1).bytes, 2u);
  });
}

TEST_F(HttpDialTest, ConnectsToNobodyOnceAbandoned) {
  RawListener listener;
  HttpDestination to;
  to.host = "127.0.0.1";
  to.port = listener.port();
  runner_.Run([](Resolver& resolver, const HttpDestination& to) -> Task<void> {
    LoopResolver names(resolver);
    HttpDial dial(names, to);
    dial.Abandon(absl::AbortedError("enough"));
    dial.Abandon(absl::InternalError("too late"));
    const absl::StatusOr<std::unique_ptr<Stream>> stream =
        co_await dial.Connect();
    EXPECT_EQ(stream.status(), absl::AbortedError("enough"));
  }(resolver_, to));
  EXPECT_FALSE(listener.SomebodyConnects(0));
}

}  // namespace
}  // namespace gateway
