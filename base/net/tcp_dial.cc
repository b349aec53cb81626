#include "base/net/tcp_dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"

namespace gateway {
namespace {

// How long a connection may be silent before the system asks whether the server
// is still there, and how often it asks. A server that died without a word is
// given up after two minutes, however long an answer is waited for.
constexpr int kKeepaliveIdleSeconds = 60;
constexpr int kKeepaliveIntervalSeconds = 10;
constexpr int kKeepaliveProbes = 6;

// Turns keep-alive on. Errors are ignored: a connection without it works, too.
void KeepAlive(int fd) {
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof(value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

absl::StatusOr<std::unique_ptr<Stream>> BeginConnect(IpAddress address,
                                                     uint16_t port) {
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address.storage);
  if (generic->sa_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(generic)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(generic)->sin6_port = htons(port);
  }
  const int fd = socket(generic->sa_family,
                        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  KeepAlive(fd);
  if (connect(fd, generic, address.size) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    return absl::UnavailableError(std::strerror(error));
  }
  return Stream::Adopt(fd);
}

}  // namespace

// What Connect and its attempts share. It outlives the attempts: Connect waits
// for the end of each.
struct TcpDial::Race {
  // Closes all sockets that are still connecting; their attempts then end by
  // themselves.
  void End() {
    over = true;
    for (Stream* const stream : connecting) stream->Close(/*reset=*/true);
  }

  bool over = false;
  int running = 0;
  // An attempt has failed since the last one was begun.
  bool failed = false;
  std::vector<Stream*> connecting;
  // The addresses of attempts that were begun and have not failed, in that
  // order.
  std::vector<IpAddress> begun;
  std::unique_ptr<Stream> winner;
  IpAddress winners_address;
  // Addresses that have failed and that the resolver was not told of yet.
  std::vector<IpAddress> bad;
  absl::Status last = absl::UnavailableError("no address");
  WakeUp changed;
};

TcpDial::TcpDial(LoopResolver& names)
    : names_(names), race_(std::make_unique<Race>()) {}

TcpDial::~TcpDial() { assert(race_->running == 0); }

void TcpDial::Abandon() {
  race_->End();
  race_->changed.Set();
}

Task<void> TcpDial::Attempt(Race& race, IpAddress address, uint16_t port) {
  absl::StatusOr<std::unique_ptr<Stream>> stream = BeginConnect(address, port);
  absl::Status connected = stream.status();
  if (stream.ok()) {
    race.connecting.push_back(stream->get());
    connected = co_await (*stream)->Connected();
    race.connecting.erase(std::find(race.connecting.begin(),
                                    race.connecting.end(), stream->get()));
  }
  --race.running;
  race.changed.Set();
  if (race.over) co_return;
  if (!connected.ok()) {
    race.begun.erase(std::find(race.begun.begin(), race.begun.end(), address));
    race.failed = true;
    race.bad.push_back(address);
    race.last = absl::UnavailableError(
        absl::StrCat("connect: ", connected.message()));
  } else if (race.winner == nullptr) {
    race.winner = *std::move(stream);
    race.winners_address = address;
  }
}

Task<absl::StatusOr<std::unique_ptr<Stream>>> TcpDial::Connect(
    IpAddresses addresses, uint16_t port) {
  Race& race = *race_;
  names_.Order(&addresses);
  size_t next = 0;
  bool silence = false;  // The last attempt has been silent for kStagger.
  Timer stagger([&] {
    silence = true;
    race.changed.Set();
  });
  while (!race.over && race.winner == nullptr) {
    const bool due = race.running == 0 || race.failed || silence;
    if (next < addresses.size() && due) {
      race.failed = false;
      silence = false;
      ++race.running;
      race.begun.push_back(addresses[next]);
      Spawn(Attempt(race, addresses[next], port));
      ++next;
      EventLoop::Current()->ArmTimer(stagger, kStagger);
      continue;
    }
    if (race.running == 0) break;
    co_await race.changed.Wait();
  }
  const bool abandoned = race.over;
  race.End();
  while (race.running > 0) co_await race.changed.Wait();
  if (abandoned) co_return absl::CancelledError("abandoned");
  OnOutcome();
  if (race.winner == nullptr) co_return race.last;
  co_return std::move(race.winner);
}

void TcpDial::OnOutcome() {
  for (const IpAddress& address : race_->bad) names_.MarkBad(address);
  if (race_->winner == nullptr) return;
  // Addresses that were begun before the winner and lost count as bad as those
  // that failed.
  for (const IpAddress& address : race_->begun) {
    if (address == race_->winners_address) break;
    names_.MarkBad(address);
  }
  names_.MarkGood(race_->winners_address);
}

}  // namespace gateway
