#include "base/net/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/os/logging.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr int kBacklog = 4096;
constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

// How many connections are accepted before other sockets of the loop get their
// turn.
constexpr int kAcceptsPerTurn = 64;

// The log says at most this often that connections are refused.
constexpr absl::Duration kRefusalLogInterval = absl::Minutes(1);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

absl::StatusOr<SocketAddress> Resolve(const HostPort& where) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(where.host.empty() ? nullptr : where.host.c_str(),
                  absl::StrCat(where.port).c_str(), &hints, &found);
  if (error != 0) return absl::InvalidArgumentError(gai_strerror(error));
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

absl::StatusOr<int> BoundSocket(SocketAddress& address, bool share_port) {
  const int fd = socket(address.storage.ss_family,
                        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (share_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (bind(fd, address.get(), address.size) != 0) {
    const int error = errno;
    close(fd);
    if (error == EADDRINUSE) {
      return absl::AlreadyExistsError("the address is in use");
    }
    return absl::ErrnoToStatus(error, "bind");
  }
  return fd;
}

absl::Status AtAddress(std::string_view address, const absl::Status& status) {
  return absl::Status(
      status.code(), absl::StrCat("cannot listen on ", ToAbsl(address), ": ",
                                  status.message()));
}

}  // namespace

ListenAddress::ListenAddress(int fd, std::string text)
    : fd_(fd), text_(std::move(text)) {}

ListenAddress::ListenAddress(ListenAddress&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), text_(std::move(other.text_)) {}

ListenAddress::~ListenAddress() {
  if (fd_ >= 0) close(fd_);
}

uint16_t ListenAddress::port() const { return ParseHostPort(text_)->port; }

absl::StatusOr<ListenAddress> BindAddress(std::string_view text) {
  absl::StatusOr<HostPort> where = ParseHostPort(text);
  if (!where.ok()) return AtAddress(text, where.status());
  absl::StatusOr<SocketAddress> address = Resolve(*where);
  if (!address.ok()) return AtAddress(text, address.status());

  // Without SO_REUSEPORT, binding and listening fail if anybody listens.
  absl::StatusOr<int> probe = BoundSocket(*address, /*share_port=*/false);
  if (!probe.ok()) return AtAddress(text, probe.status());
  const bool free = listen(*probe, 1) == 0;
  const int error = errno;
  getsockname(*probe, address->get(), &address->size);
  close(*probe);
  if (!free) {
    return AtAddress(text, error == EADDRINUSE
                               ? absl::AlreadyExistsError(
                                     "the address is in use")
                               : absl::ErrnoToStatus(error, "listen"));
  }

  absl::StatusOr<int> fd = BoundSocket(*address, /*share_port=*/true);
  if (!fd.ok()) return AtAddress(text, fd.status());
  char port[NI_MAXSERV];
  getnameinfo(address->get(), address->size, nullptr, 0, port, sizeof(port),
              NI_NUMERICSERV);
  return ListenAddress(*fd, JoinHostPort(where->host, port));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(
    const ListenAddress& address, OnAccept on_accept, ConnectionQuota* quota) {
  SocketAddress socket_address;
  socket_address.size = sizeof(socket_address.storage);
  getsockname(address.fd_, socket_address.get(), &socket_address.size);
  absl::StatusOr<int> fd = BoundSocket(socket_address, /*share_port=*/true);
  if (!fd.ok()) return AtAddress(address.text(), fd.status());
  std::unique_ptr<Listener> listener(
      new Listener(*fd, std::move(on_accept), quota));
  if (listen(*fd, kBacklog) != 0) {
    return AtAddress(address.text(), absl::ErrnoToStatus(errno, "listen"));
  }
  const absl::Status watched = listener->loop_.Watch(*fd, listener.get());
  if (!watched.ok()) return AtAddress(address.text(), watched);
  return listener;
}

Listener::Listener(int fd, OnAccept on_accept, ConnectionQuota* quota)
    : loop_(*EventLoop::Current()),
      fd_(fd),
      on_accept_(std::move(on_accept)),
      quota_(quota),
      retry_([this] { OnIo(EPOLLIN); }) {}

Listener::~Listener() {
  loop_.Unwatch(fd_, this);
  close(fd_);
}

void Listener::OnIo(uint32_t) {
  for (int accepted = 0; accepted < kAcceptsPerTurn; ++accepted) {
    const int fd =
        accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Take(fd);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    // Accepting failed for want of something - a descriptor, a network - and
    // the connections that wait already will make no new edge: so they are
    // accepted by a timer.
    loop_.ArmTimer(retry_, kRetryDelay);
    return;
  }
  loop_.ArmTimer(retry_, absl::ZeroDuration());
}

void Listener::Take(int fd) {
  ConnectionQuota::Place place;
  if (quota_ != nullptr) {
    place = quota_->Take();
    if (!place.taken()) {
      close(fd);
      return LogRefused();
    }
  }
  absl::StatusOr<std::unique_ptr<Stream>> stream = Stream::Adopt(fd);
  if (!stream.ok()) return;
  (*stream)->Hold(std::move(place));
  on_accept_(*std::move(stream));
}

void Listener::LogRefused() {
  if (loop_.Now() - refusal_told_ < kRefusalLogInterval) return;
  refusal_told_ = loop_.Now();
  Log(LogLevel::kWarn, "net",
      "connections are refused: the process has as many as its descriptors "
      "allow; raise the limit of open files (ulimit -n)",
      {{"connections", quota_->limit()}});
}

}  // namespace gateway
