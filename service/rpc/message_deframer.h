// MessageDeframer cuts the body of a gRPC request into messages, however its
// bytes arrive, and lets its owner take them one at a time.
//
//   void OnData(std::string_view bytes) {       // From the stream.
//     deframer.Feed(bytes);
//     if (reader_waits) ReadNext();             // May call Next, many times.
//     stream.Consume(deframer.Settle());        // `bytes` go now.
//   }
//   ... ReadNext() {
//     std::string_view message;
//     GATEWAY_ASSIGN_OR_RETURN(const bool whole, deframer.Next(&message));
//     if (whole) request->ParseFromArray(message.data(), ...);
//   }
//   void StartRead() {                          // From the handler.
//     ReadNext();
//     stream.Consume(deframer.Settle());
//   }
//   void OnEnd() { status = deframer.CheckEnd(); }
//
// Where there is to be one message, a large one, which would hold the loop, is
// put by instead, and read off the loop once somebody can wait:
//
//   if (deframer.holds()) {
//     GATEWAY_CO_ASSIGN_OR_RETURN(message, co_await deframer.ReadHeld());
//     ... co_await OffLoop(message.size(), ...);
//     deframer.DropHeld();
//   }
//
// A message that lies whole in the bytes fed is not copied. One that does not
// is put together in memory that grows as its bytes arrive, whatever length it
// claims. A length over the limit is refused when its prefix is read, before a
// byte of the message is kept.
//
// Flow control: bytes are counted as dealt with, for Settle, once Next has
// looked at them as part of the message that is wanted. So a message larger
// than the stream's window keeps coming while somebody waits for it, and when
// nobody does the stream holds its window of bytes and no more.
//
// All deframers of a loop share a budget for what they keep: a message that no
// longer fits is OVERLOADED, and what was kept of it goes. They share an
// allowance, too, for what they inflate.
//
// Holds no memory of its own while no bytes are kept. Not thread-safe: belongs
// to its call's loop.

#ifndef SERVICE_RPC_MESSAGE_DEFRAMER_H_
#define SERVICE_RPC_MESSAGE_DEFRAMER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/memory/byte_budget.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/message_encoding.h"

namespace gateway {

class MessageDeframer {
 public:
  // `encoding` is what `grpc-encoding` says. The limit holds for a message both
  // as it comes and inflated. Borrows `share` and `inflating`. `one` says that
  // there is to be one message, which is held if it is large.
  MessageDeframer(MessageEncoding encoding, size_t message_bytes_limit,
                  ByteBudget::Share& share, InflateAllowance& inflating,
                  bool one = false);
  ~MessageDeframer();

  MessageDeframer(const MessageDeframer&) = delete;
  MessageDeframer& operator=(const MessageDeframer&) = delete;

  // Gives the next bytes of the body, which must stay valid until Settle.
  // REQUIRES: Settle was called since the last Feed.
  void Feed(std::string_view bytes);

  // True with the next message, which stays valid until Next or Settle; false
  // if it has not arrived whole.
  //
  // Errors, after which there are no more messages: RESOURCE_EXHAUSTED for one
  // that is over the limit; UNAVAILABLE for one that does not fit the budget;
  // INTERNAL for a flag that is neither 0 nor 1, or is 1 without an encoding,
  // and for what does not inflate.
  absl::StatusOr<bool> Next(std::string_view* message);

  // True if the message that Next has found is held, in which case `message`
  // was set empty. Next may not be called then, and nothing is kept of what
  // follows.
  bool holds() const { return holds_; }
  bool holds_compressed() const { return holds_ && compressed_; }
  // True if something follows that message.
  bool has_more() const {
    return kept_.bytes().size() > taken_ || !fed_.empty();
  }

  // Returns the message that is held, inflated; valid until DropHeld. Fails as
  // Next does. The deframer must outlive it.
  Task<absl::StatusOr<std::string_view>> ReadHeld();
  void DropHeld();

  // Keeps a copy of what has been fed and not been taken, lets go of the last
  // message, and returns how many bytes have been dealt with since the last
  // Settle, for the stream's window. To be called after each Feed and Next,
  // before control goes back to the loop; more often does no harm. It can find
  // an error, which status() has and Next will tell.
  size_t Settle();

  // The error after which there are no more messages; OK until there is one.
  const absl::Status& status() const { return status_; }

  // Called at the end of the body: INTERNAL if that is inside a message.
  // REQUIRES: Next has returned that there is no whole one.
  absl::Status CheckEnd() const;

  // The memory held now.
  size_t memory_bytes() const;

 private:
  // Bytes that are removed from the front and added at the back.
  class Backlog {
   public:
    explicit Backlog(ByteBudget::Share& share) : charge_(share) {}
    ~Backlog() { Free(); }
    Backlog(const Backlog&) = delete;
    Backlog& operator=(const Backlog&) = delete;

    std::string_view bytes() const { return {data_ + begin_, end_ - begin_}; }
    size_t capacity() const { return capacity_; }

    // Appends; the capacity grows to no more than `enough`, unless the bytes
    // need it. Returns false, and changes nothing, if that is over the budget.
    [[nodiscard]] bool Append(std::string_view bytes, size_t enough);
    void Consume(size_t bytes) { begin_ += bytes; }
    void Free();

   private:
    bool MakeRoom(size_t bytes, size_t enough);

    ByteBudget::Charge charge_;  // Pays for the capacity.
    char* data_ = nullptr;
    size_t capacity_ = 0;
    size_t begin_ = 0;
    size_t end_ = 0;
  };

  void DropTaken();
  void ReadPrefix();
  void CheckPrefix();
  std::string_view TakeBody();
  void InflateNow(std::string_view body);
  void Hold(std::string_view body);
  absl::Status InflateTo(size_t limit, std::string_view body);
  absl::Status WhyNotInflated(const absl::Status& status, size_t limit) const;
  void Fail(absl::Status status);

  // Constant after construction.
  const MessageEncoding encoding_;
  const size_t message_bytes_limit_;
  const bool one_;
  InflateAllowance& inflating_;

  absl::Status status_;
  // The message that Next works on: its prefix, as far as that has come, and
  // how many bytes of its body have been dealt with.
  char prefix_[kMessagePrefixBytes];
  size_t prefix_size_ = 0;
  bool compressed_ = false;
  size_t body_size_ = 0;  // Set once the prefix is whole.
  size_t body_dealt_with_ = 0;

  // Unread bytes, in the order in which they came: first those kept, then those
  // fed.
  Backlog kept_;
  std::string_view fed_;
  size_t taken_ = 0;  // Bytes of kept_ that the last message stands in.
  std::string inflated_;
  size_t dealt_with_ = 0;
  bool holds_ = false;  // A message is held until it is dropped.
};

}  // namespace gateway

#endif  // SERVICE_RPC_MESSAGE_DEFRAMER_H_
