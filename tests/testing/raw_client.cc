#include "tests/testing/raw_client.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gateway {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void Prepare(int fd, int timeout_seconds) {
  const timeval timeout{timeout_seconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

std::string RawAnswer::Find(std::string_view name) const {
  size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    at += 2;
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const size_t colon = head.find(':', at);
    if (colon < end && colon - at == name.size() &&
        strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
      const size_t value =
          std::min(head.find_first_not_of(' ', colon + 1), end);
      return head.substr(value, end - value);
    }
    at = head.find("\r\n", at);
  }
  return "";
}

RawClient RawClient::Connect(uint16_t port) { return Connect(port, Options()); }

RawClient RawClient::Connect(uint16_t port, const Options& options) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  if (options.receive_buffer_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_bytes,
               sizeof(options.receive_buffer_bytes));
  }
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    Die("connect");
  }
  Prepare(fd, options.timeout_seconds);
  return RawClient(fd);
}

RawClient& RawClient::operator=(RawClient&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  received_ = std::move(other.received_);
  ended_ = other.ended_;
  reset_ = other.reset_;
  timed_out_ = other.timed_out_;
  return *this;
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool RawClient::Fill() {
  if (ended_) return false;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n > 0) {
      received_.append(buffer, static_cast<size_t>(n));
      return true;
    }
    if (n < 0 && errno == EINTR) continue;
    ended_ = true;
    reset_ = n < 0 && errno == ECONNRESET;
    timed_out_ = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return false;
  }
}

std::string RawClient::Receive() {
  if (received_.empty()) Fill();
  return std::exchange(received_, {});
}

std::string RawClient::ReceiveUntil(std::string_view marker) {
  size_t from = 0;
  for (;;) {
    const size_t at = received_.find(marker, from);
    if (at != std::string::npos) {
      return ReceiveExactly(at + marker.size());
    }
    from = received_.size() - std::min(received_.size(), marker.size());
    if (!Fill()) return std::exchange(received_, {});
  }
}

std::string RawClient::ReceiveExactly(size_t size) {
  while (received_.size() < size && Fill()) {
  }
  const size_t n = std::min(size, received_.size());
  std::string taken = received_.substr(0, n);
  received_.erase(0, n);
  return taken;
}

std::string RawClient::ReceiveAll() {
  while (Fill()) {
  }
  return std::exchange(received_, {});
}

RawAnswer RawClient::ReceiveAnswer(bool to_head) {
  RawAnswer answer;
  const std::string head = ReceiveUntil("\r\n\r\n");
  if (head.size() < 16 || head.compare(head.size() - 4, 4, "\r\n\r\n") != 0) {
    return answer;
  }
  answer.head = head.substr(0, head.size() - 4);
  answer.status = std::atoi(answer.head.c_str() + sizeof("HTTP/1.1"));
  const std::string length = answer.Find("content-length");
  if (to_head || answer.status < 200 || answer.status == 204 ||
      answer.status == 304) {
    answer.complete = true;
  } else if (answer.Find("transfer-encoding") == "chunked") {
    answer.complete = ReceiveChunks(&answer.body);
  } else if (!length.empty()) {
    const size_t size = std::strtoull(length.c_str(), nullptr, 10);
    answer.body = ReceiveExactly(size);
    answer.complete = answer.body.size() == size;
  } else {
    answer.body = ReceiveAll();
    answer.complete = !reset_ && !timed_out_;
  }
  return answer;
}

bool RawClient::ReceiveChunks(std::string* body) {
  for (;;) {
    const std::string line = ReceiveUntil("\r\n");
    char* end = nullptr;
    const size_t size = std::strtoull(line.c_str(), &end, 16);
    if (end == line.c_str() || std::strcmp(end, "\r\n") != 0) return false;
    body->append(ReceiveExactly(size));
    if (ReceiveExactly(2) != "\r\n") return false;
    if (size == 0) return true;
  }
}

bool RawClient::AtEnd() { return received_.empty() && !Fill() && !timed_out_; }

void RawClient::HalfClose() { shutdown(fd_, SHUT_WR); }

void RawClient::Reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  Close();
}

void RawClient::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
  ended_ = true;
}

uint16_t RawClient::local_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

uint32_t RawClient::segments_received() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    Die("getsockopt");
  }
  return info.tcpi_data_segs_in;
}

RawListener::RawListener(int backlog)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address);
  if (fd_ < 0 || bind(fd_, generic, size) != 0 || listen(fd_, backlog) != 0 ||
      getsockname(fd_, generic, &size) != 0) {
    Die("listen");
  }
  port_ = ntohs(address.sin_port);
}

bool RawListener::SomebodyConnects(int timeout_ms) {
  pollfd watched{fd_, POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

RawClient RawListener::Accept() {
  constexpr int kTimeoutMs = 10'000;
  const int fd = SomebodyConnects(kTimeoutMs)
                     ? accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)
                     : -1;
  RawClient client(fd);
  if (fd >= 0) {
    Prepare(fd, kTimeoutMs / 1000);
  } else {
    client.Close();
  }
  return client;
}

void RawListener::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

}  // namespace gateway
