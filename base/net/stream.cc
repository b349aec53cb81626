#include "base/net/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/turn_queue.h"
#include "base/net/tls_material.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// The payload of one TLS record. Small pieces are gathered into one, because
// each record costs 22 bytes and a cipher call.
constexpr size_t kTlsRecordBytes = 16 * 1024;

constexpr char kPeerClosed[] = "the peer closed the connection";

// How many handshake steps of servers are done in one turn of the loop: one
// takes about a millisecond, for the certificate's signature.
constexpr size_t kHandshakeStepsPerTurn = 2;

// The queue in which handshakes of this thread's loop wait for their turn.
TurnQueue& HandshakeTurns() {
  static thread_local TurnQueue turns(kHandshakeStepsPerTurn);
  return turns;
}

absl::Status HandshakeError(std::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("TLS handshake failed: ", ToAbsl(why)));
}

bool IsTransient(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// Removes `bytes` from the front of the pieces.
void Consume(iovec*& pieces, size_t& count, size_t bytes) {
  while (count > 0 && bytes >= pieces->iov_len) {
    bytes -= pieces->iov_len;
    ++pieces;
    --count;
  }
  if (bytes > 0) {
    pieces->iov_base = static_cast<char*>(pieces->iov_base) + bytes;
    pieces->iov_len -= bytes;
  }
}

// Copies the pieces' first bytes, at most `size`, to `out`.
size_t Gather(const iovec* pieces, size_t count, char* out, size_t size) {
  size_t gathered = 0;
  for (size_t i = 0; i < count && gathered < size; ++i) {
    const size_t n = std::min(pieces[i].iov_len, size - gathered);
    if (n == 0) continue;  // It may have no address.
    std::memcpy(out + gathered, pieces[i].iov_base, n);
    gathered += n;
  }
  return gathered;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stream>> Stream::Adopt(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::unique_ptr<Stream> stream(new Stream(fd));
  const absl::Status watched = stream->loop_.Watch(fd, stream.get());
  if (!watched.ok()) return watched;
  return stream;
}

Stream::Stream(int fd) : loop_(*EventLoop::Current()), fd_(fd) {}

Stream::~Stream() {
  assert(!reader_ && !connector_ && write_ == nullptr);
  Close();
}

Task<absl::Status> Stream::Connected() {
  while (!writable_ && !closed()) co_await Writable();
  if (closed()) co_return error_;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    Fail(error);
    co_return error_;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Stream::StartTls(const TlsContext& context,
                                    const std::string& peer_name) {
  absl::StatusOr<SSL*> session = context.NewSession(fd_, peer_name);
  if (!session.ok()) co_return session.status();
  ssl_ = *session;
  const bool serves = SSL_is_server(ssl_) == 1;
  // In TLS the client speaks first.
  if (serves && !readable_) co_await Readable();
  for (;;) {
    if (serves) {
      const bool waits = !HandshakeTurns().TryPass();
      if (waits) co_await HandshakeTurns().Pass();
      if (closed()) co_return error_;
      // A client that left before the server's first message will never finish.
      if (waits && hung_up_ && SSL_in_before(ssl_) == 1) {
        error_ = HandshakeError(kPeerClosed);
        co_return error_;
      }
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
      if (serves) peer_names_ = context.NamesOfPeer(ssl_);
      co_return absl::OkStatus();
    }
    const int want = SSL_get_error(ssl_, result);
    if (want == SSL_ERROR_WANT_READ) {
      readable_ = hung_up_;
      co_await Readable();
    } else if (want == SSL_ERROR_WANT_WRITE) {
      writable_ = false;
      co_await Writable();
    } else {
      const long verify = SSL_get_verify_result(ssl_);
      const std::string reason =
          verify != X509_V_OK
              ? absl::StrCat("the peer's certificate is not trusted: ",
                             X509_verify_cert_error_string(verify))
              : TakeTlsError(kPeerClosed);
      error_ = HandshakeError(reason);
      co_return error_;
    }
    if (closed()) co_return error_;
  }
}

std::string_view Stream::alpn() const {
  if (ssl_ == nullptr) return {};
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

IoResult Stream::TryRead(char* data, size_t size) {
  if (closed()) return {IoResult::Kind::kError};
  size = ShareOf(size);
  if (size == 0) {
    readable_ = false;
    paused_ = true;
    loop_.RunAtTurnEnd(*this);
    return {IoResult::Kind::kWouldBlock};
  }
  const IoResult got = ReadNow(data, size);
  share_bytes_ -= got.bytes;
  return got;
}

size_t Stream::ShareOf(size_t size) {
  if (share_turn_ != loop_.turn()) {
    share_turn_ = loop_.turn();
    share_bytes_ = kReadBytesPerTurn;
    share_reads_ = kReadsPerTurn;
  }
  if (share_reads_ == 0) return 0;
  --share_reads_;
  return std::min(size, share_bytes_);
}

void Stream::OnTurnEnd() {
  if (!std::exchange(paused_, false) || closed()) return;
  TellReadable();  // May destroy this stream.
}

IoResult Stream::ReadNow(char* data, size_t size) {
  if (ssl_ != nullptr) return TryTlsRead(data, size);
  for (;;) {
    const ssize_t n = recv(fd_, data, size, 0);
    if (n > 0) {
      // A short read has emptied the socket, and the next bytes make an edge.
      // The end makes none if it came with these bytes, so it is read at once.
      if (static_cast<size_t>(n) < size && !hung_up_) readable_ = false;
      return {IoResult::Kind::kBytes, static_cast<size_t>(n)};
    }
    if (n == 0) {
      hung_up_ = true;
      return {IoResult::Kind::kEnd};
    }
    if (errno == EINTR) continue;
    if (IsTransient(errno)) {
      readable_ = false;
      return {IoResult::Kind::kWouldBlock};
    }
    return Fail(errno);
  }
}

bool Stream::KnownDrained() {
  if (paused_) return false;
  if (!readable_) return true;
  char byte;
  return !closed() && ReadNow(&byte, 1).would_block();
}

IoResult Stream::TryTlsRead(char* data, size_t size) {
  ERR_clear_error();
  const int n =
      SSL_read(ssl_, data, static_cast<int>(std::min<size_t>(size, INT32_MAX)));
  if (n > 0) return {IoResult::Kind::kBytes, static_cast<size_t>(n)};
  return TlsFailure(n, /*reading=*/true);
}

IoResult Stream::TlsFailure(int result, bool reading) {
  const int error = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      if (reading) readable_ = false;
      return {IoResult::Kind::kWouldBlock};
    case SSL_ERROR_WANT_WRITE:
      writable_ = false;
      if (reading) {
        readable_ = false;
        read_wants_write_ = true;
      }
      return {IoResult::Kind::kWouldBlock};
    case SSL_ERROR_ZERO_RETURN:
      hung_up_ = true;
      return {IoResult::Kind::kEnd};
    case SSL_ERROR_SYSCALL:
      if (error != 0) return Fail(error);
      [[fallthrough]];
    default:
      // Also reached at an end without close_notify: somebody may have cut the
      // stream.
      hung_up_ = true;
      error_ = absl::UnavailableError(absl::StrCat(
          "TLS: ", TakeTlsError(kPeerClosed)));
      return {IoResult::Kind::kError};
  }
}

IoResult Stream::TryWrite(const iovec* pieces, size_t count) {
  if (closed()) return {IoResult::Kind::kError};
  const IoResult wrote = ssl_ != nullptr ? TryTlsWrite(pieces, count)
                                         : TryPlainWrite(pieces, count);
  bytes_written_ += wrote.bytes;
  return wrote;
}

IoResult Stream::TryPlainWrite(const iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = std::min<size_t>(count, IOV_MAX);
  for (;;) {
    const ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) return {IoResult::Kind::kBytes, static_cast<size_t>(n)};
    if (errno == EINTR) continue;
    if (IsTransient(errno)) {
      writable_ = false;
      return {IoResult::Kind::kWouldBlock};
    }
    return Fail(errno);
  }
}

IoResult Stream::TryTlsWrite(const iovec* pieces, size_t count) {
  ERR_clear_error();
  const void* data = pieces->iov_base;
  size_t size = pieces->iov_len;
  char record[kTlsRecordBytes];
  if (count > 1 && size < kTlsRecordBytes) {
    size = Gather(pieces, count, record, kTlsRecordBytes);
    data = record;
  }
  const int n = SSL_write(
      ssl_, data, static_cast<int>(std::min<size_t>(size, INT32_MAX)));
  if (n > 0) return {IoResult::Kind::kBytes, static_cast<size_t>(n)};
  return TlsFailure(n, /*reading=*/false);
}

bool Stream::WriteAwaiter::Advance() {
  Consume(pieces_, count_, 0);  // Skips empty pieces.
  while (count_ > 0) {
    const IoResult wrote = stream_->TryWrite(pieces_, count_);
    if (wrote.would_block()) return false;
    if (wrote.kind != IoResult::Kind::kBytes) {
      if (stream_->error_.ok()) {
        stream_->error_ = absl::UnavailableError("connection closed");
      }
      failed_ = true;
      return true;
    }
    Consume(pieces_, count_, wrote.bytes);
  }
  return true;
}

IoResult Stream::Fail(int error) {
  hung_up_ = true;
  error_ = absl::UnavailableError(strerror(error));
  return {IoResult::Kind::kError};
}

void Stream::ShutdownWrite() {
  if (closed()) return;
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ERR_clear_error();
  shutdown(fd_, SHUT_WR);
}

void Stream::Close(bool reset) {
  if (closed()) return;
  if (reset) {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  if (ssl_ != nullptr) {
    if (!reset && SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
    ERR_clear_error();
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  loop_.Unwatch(fd_, this);
  close(fd_);
  fd_ = -1;
  place_.Leave();
  if (error_.ok()) error_ = absl::CancelledError("connection closed");
  Wake(reader_);
  Wake(connector_);
  if (write_ != nullptr) {
    write_->failed_ = true;
    Wake(std::exchange(write_, nullptr)->handle_);
  }
}

std::string Stream::PeerAddress() const {
  sockaddr_storage storage;
  socklen_t size = sizeof(storage);
  sockaddr* const address = reinterpret_cast<sockaddr*>(&storage);
  if (closed() || getpeername(fd_, address, &size) != 0) return "";
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return absl::StrCat(text, ":", ntohs(v4->sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    return absl::StrCat("[", text, "]:", ntohs(v6->sin6_port));
  }
  return "";
}

void Stream::OnIo(uint32_t epoll_events) {
  if (epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  const bool output = epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR);
  bool input = epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
  const bool was_full = !writable_;
  if (output) {
    writable_ = true;
    Wake(connector_);
    if (read_wants_write_) {
      read_wants_write_ = false;
      input = true;
    }
  }
  if (write_ != nullptr && (output || ssl_ != nullptr) && write_->Advance()) {
    Wake(std::exchange(write_, nullptr)->handle_);
  }
  if (was_full && output && write_ == nullptr && observer_ != nullptr) {
    observer_->OnWritable();
  }
  if (input) TellReadable();  // May destroy this stream.
}

void Stream::TellReadable() {
  paused_ = false;
  readable_ = true;
  if (reader_) {
    Wake(reader_);
  } else if (observer_ != nullptr) {
    observer_->OnUnawaited(hung_up_);
  }
}

void Stream::Wake(std::coroutine_handle<>& waiter) {
  if (waiter) loop_.Resume(std::exchange(waiter, nullptr));
}

}  // namespace gateway
