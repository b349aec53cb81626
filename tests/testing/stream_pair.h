// ConnectedPair makes the two ends of one TCP connection over loopback, both
// on the loop of the test, for tests of what speaks a protocol over a Stream.
//
//   StreamPair pair = co_await ConnectedPair();
//
// Thread contract: an event loop's thread. Ends the test process on failure.

#ifndef TESTS_TESTING_STREAM_PAIR_H_
#define TESTS_TESTING_STREAM_PAIR_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/listener.h"
#include "base/net/stream.h"

namespace gateway {

struct StreamPair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

inline std::unique_ptr<Stream> BeginConnectTo(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int connected =
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  if (connected != 0 && errno != EINPROGRESS) std::abort();
  return *Stream::Adopt(fd);
}

inline Task<StreamPair> ConnectedPair() {
  StreamPair pair;
  WakeUp accepted;
  const ListenAddress address = *BindAddress("127.0.0.1:0");
  const auto listener =
      Listener::Open(address, [&](std::unique_ptr<Stream> stream) {
        pair.server = std::move(stream);
        accepted.Set();
      });
  pair.client = BeginConnectTo(address.port());
  const absl::Status connected = co_await pair.client->Connected();
  if (!connected.ok()) std::abort();
  co_await accepted.Wait();
  co_return std::move(pair);
}

}  // namespace gateway

#endif  // TESTS_TESTING_STREAM_PAIR_H_
