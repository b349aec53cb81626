// RedisConnection is one connection to one Redis server. Commands of one turn
// of the loop leave in one write; replies are given to who waits for them in
// the order of the commands.
//
//   const absl::StatusOr<RedisReply> reply =
//       co_await connection.Send(RedisCommand("GET", key), &cancel);
//
// Each command has its time. When it is over its caller is told at once, and
// the connection is stalled: it takes no more commands, which would only wait
// behind that one, and refuses them at once. It stays open, and takes in the
// late replies as they come: a server that was busy for a moment is not made
// busier by as many new connections and TLS handshakes as it has clients. When
// all that is late has come, the observer decides when to ask whether the
// server answers in time again (Probe, Revive). Where nothing comes for
// silence_limit the connection is closed, since the server may never recover.
//
// A connection that is closed, whoever does it, ends all calls that wait, once,
// with the reason. So does one that breaks, or on which comes what is no reply,
// or a reply that nobody asked for.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_CONNECTION_H_
#define BASE_REDIS_REDIS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/memory/byte_queue.h"
#include "base/net/stream.h"
#include "base/redis/redis_call.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_options.h"
#include "base/redis/redis_reader.h"

namespace gateway {

class RedisConnection final : private Stream::Observer, private TurnEndTask {
 public:
  // Is told what happens to the connection. Only OnClosed may destroy it.
  class Observer {
   public:
    // A reply is overdue; from now on commands are refused.
    virtual void OnStalled() {}
    // All that was overdue has come. Also called after a Probe that was.
    virtual void OnCaughtUp() {}
    // A message of a channel, or what a subscription was answered with.
    virtual void OnPush(const RedisReply& message) { (void)message; }
    // Called once.
    virtual void OnClosed(const absl::Status& why) = 0;

   protected:
    ~Observer() = default;
  };

  // Takes over a connected stream, and borrows `options`. `address` is the
  // server's name in errors.
  RedisConnection(const RedisConnectionOptions& options, std::string address,
                  std::unique_ptr<Stream> stream);
  ~RedisConnection() override;

  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Names who we are, and waits until the server answers: it does not while it
  // is stopped, and says LOADING while it reads its data. Called once, first.
  // UNAUTHENTICATED and PERMISSION_DENIED if it refuses us, FAILED_PRECONDITION
  // if there is no such database, UNAVAILABLE otherwise.
  Task<absl::Status> Handshake();

  // Sends a command; with no other time it has command_timeout, and an infinite
  // one is never over. `cancel` may be null, and outlives the call otherwise.
  RedisCall Send(const RedisCommand& command, CancelSignal* cancel = nullptr);
  RedisCall Send(const RedisCommand& command, absl::Duration timeout,
                 CancelSignal* cancel = nullptr);

  // Sends one that is answered by messages, such as SUBSCRIBE. Errors are those
  // of a command that was not sent.
  absl::Status SendUnanswered(const RedisCommand& command);

  // As Send of PING, also while the connection is stalled.
  RedisCall Probe();
  // Takes commands again.
  void Revive() { stalled_ = false; }

  // Ends all that waits, and tells the observer.
  void Close(absl::Status why);

  // Null for none. To be asked for once it is set: closed().
  void SetObserver(Observer* observer) { observer_ = observer; }
  // Arrays that are messages of channels go to the observer from now on.
  void TakePushes() { takes_pushes_ = true; }

  bool stalled() const { return stalled_; }
  bool closed() const { return closed_; }
  // Why it was closed; OK if it is not.
  const absl::Status& why_closed() const { return why_closed_; }
  const std::string& address() const { return address_; }
  // Commands whose replies have not come.
  size_t in_flight() const { return size_; }
  // When the last reply came, in the loop's steady time.
  absl::Duration last_reply() const { return last_reply_; }

 private:
  friend class RedisCall;

  // A command whose reply has not come.
  struct Pending {
    RedisCall* call;  // Null when nobody waits any more.
    absl::Duration due;
    size_t bytes;
    bool overdue;
  };

  RedisCall Enqueue(std::string_view bytes, absl::Duration timeout,
                    CancelSignal* cancel);
  // Checks whether one more command may be sent.
  absl::Status Refusal(size_t bytes, CancelSignal* cancel) const;
  uint64_t Append(size_t bytes, absl::Duration timeout);
  Pending& At(uint64_t number) { return ring_[number & (ring_.size() - 1)]; }
  void Grow();
  Task<absl::Status> Authenticate(const Secret& password);

  void OnUnawaited(bool hung_up) override;
  void OnWritable() override { Flush(); }
  void OnTurnEnd() override { Flush(); }
  void Flush();
  // Takes in what came. Returns false if the connection was closed over it.
  bool TakeReplies(std::string_view bytes);
  // As TakeReplies, one of them.
  bool Take(RedisReply reply);
  static bool IsPush(const RedisReply& reply);

  void OnTimer();
  // Ends the calls whose time is over, and returns when to look again.
  absl::Duration EndOverdue(absl::Duration now);
  void ArmFor(absl::Duration due);

  // Says `why` of this server.
  absl::Status Named(const absl::Status& why) const;

  EventLoop& loop_;
  const RedisConnectionOptions& options_;
  const std::string address_;
  const std::unique_ptr<Stream> stream_;
  Observer* observer_ = nullptr;
  RedisReader reader_;
  ByteQueue output_;
  bool takes_pushes_ = false;
  bool stalled_ = false;
  bool closed_ = false;
  absl::Status why_closed_;
  absl::Duration last_reply_;

  // What is pending, by number: first_ to first_ + size_ - 1.
  std::vector<Pending> ring_;  // As many as a power of two.
  uint64_t first_ = 0;
  size_t size_ = 0;
  size_t bytes_in_flight_ = 0;
  size_t overdue_ = 0;
  absl::Duration stalled_since_;

  absl::Duration timer_due_ = absl::InfiniteDuration();
  Timer timer_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_CONNECTION_H_
