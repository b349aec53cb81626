// Stream is one connected TCP socket, plain or under TLS, on one event loop.
// What can be done at once is done at once, without a coroutine frame; what
// must wait suspends the caller.
//
//   for (;;) {
//     const IoResult got = stream.TryRead(block.data(), block.capacity());
//     if (got.would_block()) { co_await stream.Readable(); continue; }
//     ...
//   }
//   const absl::Status written = co_await stream.Write(pieces, count);
//
// A peer that goes away while nobody reads is reported to the observer at
// once, which costs nothing per request: the socket is watched for it all its
// life.
//
// A peer that sends faster than it is read would hold the loop for as long as
// it likes. So a stream reads its share of one turn (kReadBytesPerTurn and
// kReadsPerTurn), then has nothing more until the next turn, in which timers,
// other sockets and what was posted have had theirs. Whoever reads in a loop
// over TryRead and Readable need not care.
//
// Close may be called at any time, also while others wait: they wake up and
// see an error. TCP_NODELAY is set on every socket.
//
// Thread contract: one event loop.

#ifndef BASE_NET_STREAM_H_
#define BASE_NET_STREAM_H_

#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/memory/recycler.h"
#include "base/net/connection_quota.h"
#include "base/net/tls_context.h"

namespace gateway {

// Describes bytes as writev wants them; they are not written to.
inline iovec ToIovec(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

// What a read or write could do without waiting.
struct IoResult {
  enum class Kind { kBytes, kWouldBlock, kEnd, kError };
  Kind kind;
  size_t bytes = 0;  // Set with kBytes; at least 1.

  bool would_block() const { return kind == Kind::kWouldBlock; }
};

class Stream final : public IoWatcher,
                     private TurnEndTask,
                     public Recycled {
 public:
  // The most that is read of one stream in one turn of the loop.
  static constexpr size_t kReadBytesPerTurn = 256 * 1024;
  static constexpr int kReadsPerTurn = 16;

  // Is told what happens to the socket while no coroutine waits for it to
  // become readable. The call may close or destroy the stream.
  class Observer {
   public:
    // Called when bytes or the end arrived. `hung_up` if the peer closed or
    // reset the connection.
    virtual void OnUnawaited(bool hung_up) = 0;

    // Called when the socket takes bytes again, after TryWrite returned
    // kWouldBlock, and no coroutine is in Write. Must not destroy the stream.
    virtual void OnWritable() {}

   protected:
    ~Observer() = default;
  };

  // Takes over a connected or connecting non-blocking socket, and closes it
  // on failure.
  static absl::StatusOr<std::unique_ptr<Stream>> Adopt(int fd);
  ~Stream();

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Waits until a connecting socket is connected.
  Task<absl::Status> Connected();

  // Puts TLS over the connection. `peer_name` as in TlsContext::NewSession.
  Task<absl::Status> StartTls(const TlsContext& context,
                              const std::string& peer_name);

  // What the TLS context calls the peer by its certificate; empty without one
  // (TlsContext::ServerOptions::names_of_client).
  const std::string& peer_names() const { return peer_names_; }

  // The protocol that ALPN chose; empty without TLS or ALPN.
  std::string_view alpn() const;

  // Reads what is there, at most `size` bytes, and no more than is left of the
  // turn's share; kWouldBlock when that is used up, too.
  IoResult TryRead(char* data, size_t size);

  // TryRead may return something else than kWouldBlock.
  bool readable() const { return readable_ && !closed(); }

  // Suspends until TryRead may return something else than kWouldBlock. One
  // coroutine may wait at a time.
  auto Readable() { return Awaiter{this, &reader_, &readable_}; }

  // Wakes the coroutine in Readable, though there may be nothing to read.
  void InterruptRead() { Wake(reader_); }

  // Writes all of the pieces, waiting as often as it takes. The array and the
  // bytes stay valid until it returns; the array is changed. One writer at a
  // time.
  auto Write(iovec* pieces, size_t count) {
    return WriteAwaiter(this, pieces, count);
  }

  // Writes what can be written at once. REQUIRES: nobody is in Write, and the
  // pieces hold at least one byte.
  IoResult TryWrite(const iovec* pieces, size_t count);

  // Counts the bytes handed to the kernel since the stream began, before
  // encryption.
  uint64_t bytes_written() const { return bytes_written_; }

  // True if nothing is left to read that the observer would not be told of:
  // neither bytes nor the end. REQUIRES: no coroutine is in Readable.
  bool KnownDrained();

  // Replaces the observer. Null for none.
  void SetObserver(Observer* observer) { observer_ = observer; }

  // Says that nothing more will be written. Reading goes on, so that a peer
  // that still writes gets to read what was written.
  void ShutdownWrite();

  // Closes at once; with `reset`, without delivering what is unsent.
  void Close(bool reset = false);
  bool closed() const { return fd_ < 0; }

  // The peer closed or reset the connection, as far as is known here.
  bool hung_up() const { return hung_up_ || closed(); }

  // Why the last operation returned kError.
  const absl::Status& error() const { return error_; }

  // Keeps the connection's place in a quota until it is closed.
  void Hold(ConnectionQuota::Place place) { place_ = std::move(place); }

  // `address:port` of the peer; empty if unknown.
  std::string PeerAddress() const;

 private:
  struct Awaiter {
    Stream* stream;
    std::coroutine_handle<>* waiter;
    bool* ready;
    bool await_ready() const noexcept { return *ready || stream->closed(); }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
      *waiter = handle;
    }
    void await_resume() const noexcept {}
  };

  class WriteAwaiter {
   public:
    WriteAwaiter(Stream* stream, iovec* pieces, size_t count)
        : stream_(stream), pieces_(pieces), count_(count) {}
    WriteAwaiter(const WriteAwaiter&) = delete;

    bool await_ready() { return Advance(); }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      stream_->write_ = this;
    }
    absl::Status await_resume() {
      return failed_ ? stream_->error_ : absl::OkStatus();
    }

   private:
    friend class Stream;
    // Writes what can be written without waiting. Returns true when all is
    // written or the stream has failed.
    bool Advance();

    Stream* stream_;
    iovec* pieces_;
    size_t count_;
    bool failed_ = false;
    std::coroutine_handle<> handle_;
  };

  explicit Stream(int fd);

  void OnIo(uint32_t epoll_events) override;
  // Called in a turn after the one whose share was used up: reading may go on.
  void OnTurnEnd() override;
  // Returns how many of `size` bytes may still be read in this turn.
  size_t ShareOf(size_t size);
  IoResult ReadNow(char* data, size_t size);
  // Wakes the reader, or else tells the observer.
  void TellReadable();
  void Wake(std::coroutine_handle<>& waiter);
  IoResult TryPlainWrite(const iovec* pieces, size_t count);
  IoResult TryTlsRead(char* data, size_t size);
  IoResult TryTlsWrite(const iovec* pieces, size_t count);
  IoResult TlsFailure(int result, bool reading);
  IoResult Fail(int error);
  auto Writable() { return Awaiter{this, &connector_, &writable_}; }

  EventLoop& loop_;
  int fd_;
  SSL* ssl_ = nullptr;
  Observer* observer_ = nullptr;
  // What the last edge said; cleared when the kernel says that there is no
  // more.
  bool readable_ = false;
  bool writable_ = false;
  bool hung_up_ = false;
  // Set when the share of this turn is used up, so that more may be there to
  // read.
  bool paused_ = false;
  uint64_t share_turn_ = 0;  // The turn that the rest of the share is of.
  size_t share_bytes_ = 0;
  int share_reads_ = 0;
  // TLS has to write before it can read on.
  bool read_wants_write_ = false;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> connector_;
  WriteAwaiter* write_ = nullptr;
  ConnectionQuota::Place place_;
  std::string peer_names_;
  uint64_t bytes_written_ = 0;
  absl::Status error_;
};

}  // namespace gateway

#endif  // BASE_NET_STREAM_H_
