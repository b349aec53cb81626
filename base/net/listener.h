// Listener accepts TCP connections for one event loop. Several loops listen on
// one address, and the kernel deals connections out to them.
//
//   GATEWAY_ASSIGN_OR_RETURN(ListenAddress at, BindAddress("127.0.0.1:0"));
//   // On each loop:
//   GATEWAY_ASSIGN_OR_RETURN(auto listener, Listener::Open(at, on_accept));
//
// A listener with a quota closes at once whoever finds no place in it. One that
// cannot accept, because the process has no descriptor left or for any other
// reason, tries again soon.
//
// Thread contract: BindAddress from any thread; a listener belongs to the loop
// on whose thread it was opened.

#ifndef BASE_NET_LISTENER_H_
#define BASE_NET_LISTENER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/net/connection_quota.h"
#include "base/net/stream.h"

namespace gateway {

// An address that was found free, with its port chosen. While it lives the
// port stays taken, though nothing is accepted on it.
class ListenAddress {
 public:
  ListenAddress(ListenAddress&& other) noexcept;
  ~ListenAddress();

  // The address as `host:port`, with the chosen port.
  const std::string& text() const { return text_; }
  uint16_t port() const;

 private:
  friend absl::StatusOr<ListenAddress> BindAddress(std::string_view);
  friend class Listener;
  ListenAddress(int fd, std::string text);

  int fd_;
  std::string text_;
};

// Finds out whether `address` (`host:port`, numeric host, port 0 for any) can
// be listened on. ALREADY_EXISTS if somebody else does, this process included.
absl::StatusOr<ListenAddress> BindAddress(std::string_view address);

class Listener final : public IoWatcher {
 public:
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;

  // Listens on the calling thread's loop. `quota`, which may be null, must
  // outlive all connections.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(
      const ListenAddress& address, OnAccept on_accept,
      ConnectionQuota* quota = nullptr);
  ~Listener();

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  Listener(int fd, OnAccept on_accept, ConnectionQuota* quota);
  void OnIo(uint32_t epoll_events) override;
  void Take(int fd);
  void LogRefused();

  EventLoop& loop_;
  const int fd_;
  const OnAccept on_accept_;
  ConnectionQuota* const quota_;
  // Accepts what waits after a failure, since no edge tells of it any more.
  Timer retry_;
  absl::Duration refusal_told_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // BASE_NET_LISTENER_H_
