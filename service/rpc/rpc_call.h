// RpcCall is one call of the native engine: a stream of HTTP/2 on one side, the
// handler's context and streams of messages on the other, all on one loop.
//
//   head --> [request message, end] --> handler runs --> head, messages,
//                                                        trailers --> gone
//
// A method that reads one message starts when that message and the end of what
// the client sends have arrived; the others start at once. Who calls is asked
// when the head is there, but of a request that comes whole in the same turn of
// the loop, whose handler asks. What a head holds counts against the budget of
// requests, unless it is small and its call runs for a caller who is known.
//
// Of public methods, no message is read while an answer
// waits for the client to take it, and such answers have a budget.
//
// A large answer of one message is sent before its handler has ended, which
// waits until the client has been sent all of it: for as long as that takes the
// call is under way, and what it holds is accounted for. A client that takes
// less than kAnswerBytesPerSecondMin of it loses it.
//
// A call lasts until its handler has ended, also when the client, the
// connection or the deadline has gone before: the handler's CancelSignal fires
// then, and it ends soon. What the handler said last is sent by the stream,
// which outlives the call.
//
// Thread contract: the connection's event loop.

#ifndef SERVICE_RPC_RPC_CALL_H_
#define SERVICE_RPC_RPC_CALL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/memory/byte_budget.h"
#include "base/memory/recycler.h"
#include "google/protobuf/message.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/rpc/call_trailers.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/message_deframer.h"
#include "service/rpc/message_encoding.h"
#include "service/rpc/request_head.h"
#include "service/rpc/rpc_calls.h"
#include "service/rpc/rpc_metrics.h"

namespace gateway {

// A connection as its calls know it. Shared, since some calls outlive it.
struct RpcPeer {
  RpcPeer(std::string address, ByteBudget& requests, ByteBudget& answers,
          InflateAllowance& inflating, RpcMetrics& metrics)
      : address(std::move(address)),
        request_budget(requests),
        unsent(answers),
        request_bytes_max(requests.share_bytes_max()),
        inflating(inflating),
        metrics(metrics) {}

  const std::string address;
  std::string names;  // Stream::peer_names; set before the first call.
  ByteBudget::Share request_budget;  // Charges of its calls for their requests.
  ByteBudget::Share unsent;          // Charges for answers of public methods.
  // No request is charged more than this, so that there is always room for one.
  const size_t request_bytes_max;
  InflateAllowance& inflating;
  RpcMetrics& metrics;
};

class RpcCall final : public Recycled,
                      private RpcCalls::Entry,
                      private Http2StreamEvents,
                      private MessageReader,
                      private MessageWriter {
 public:
  struct Limits {
    size_t message_bytes = 4 * 1024 * 1024;
    // From the head to the end of the one message, for a method that reads one.
    absl::Duration request_timeout = absl::Seconds(60);
    // Time for a client to take a large answer of one message, beside what its
    // size adds.
    absl::Duration answer_timeout = absl::Seconds(60);
  };

  // The least that a client takes of a large answer of one message.
  static constexpr int64_t kAnswerBytesPerSecondMin = 8 * 1024;

  // Serves the request on `stream`, or refuses it; either way the stream is
  // taken care of.
  // `limits` must outlive the call.
  static void Start(Http2Stream& stream, absl::Span<const HttpField> fields,
                    const RequestHead& head, const Method& method,
                    std::shared_ptr<RpcPeer> peer, const Limits& limits,
                    RpcCalls& calls);

 private:
  RpcCall(Http2Stream& stream, const RequestHead& head, const Method& method,
          std::shared_ptr<RpcPeer> peer, absl::Duration deadline,
          const Limits& limits, RpcCalls& calls);
  ~RpcCall() = default;

  // Keeps a call that ends meanwhile until the end of a scope.
  class Hold;

  // Called by the stream.
  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnEnd(Http2Stream& stream) override;
  void OnSent(Http2Stream& stream) override;
  void OnClosed(Http2Stream& stream, Http2Error error,
                const absl::Status& why) override;

  // Called by RpcCalls and the timer.
  void Cancel(const absl::Status& why) override;
  void OnTurnEnded() override;
  void OnTimer();

  // Called by the handler.
  StreamProgress StartRead(google::protobuf::Message* message) override;
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t bytes) override;
  bool WriteLast(const google::protobuf::Message& message) override;
  // Begins to send the one answer.
  StreamProgress StartAnswer(const google::protobuf::Message& message,
                             size_t bytes);
  // Ends what the handler waits for when its call is cancelled by whom the
  // engine does not know.
  void FollowCancel();

  // Sets the timer to the deadline, or to the request's timeout if that comes
  // first.
  void ArmTimer(absl::Duration request_timeout);
  // Reads the next message, if it has come. A bad one cancels the call, which
  // also wakes a handler that waits to write.
  StreamProgress ReadNext(google::protobuf::Message* message);
  // Reads for a handler that waits.
  void ReadOn();
  // True if reading pauses because the client does not take the answer.
  bool AnswerWaits() const;
  void ReadTheRequest();
  // Reads a request that is held because it is large, when all of it has come.
  Task<absl::Status> ReadTheHeldRequest();
  // Asks whether the caller is known before anything is kept of a request.
  void AskForTheCaller();
  // True for a call with little metadata whose method is not public: its
  // head is charged only while nothing of the request has come.
  bool HeadIsExempt() const;
  // Returns false if the budget has no room for the head.
  bool ChargeTheHead();
  // Charges for a request that was read: until its call ends or, where a
  // handler releases it, until the answer begins.
  void ChargeTheRequest();
  void EndOfTheRequest();
  void Settle();
  void Begin();
  Task<void> RunHandler();
  void End(const absl::Status& status);
  void SendHead();
  void SendHead(const FieldBlock& metadata);
  // `bytes` is what ByteSizeLong returned.
  absl::Status SendMessage(const google::protobuf::Message& message,
                           size_t bytes, MessageEncoding encoding);
  // Returns the encoding for an answer of one message of such a size.
  MessageEncoding AnswerEncoding(size_t bytes) const;
  void SendAnswer(absl::Status status);
  void SendTrailers(const absl::Status& status);

  // Constant after construction.
  const Method& method_;
  const Limits& limits_;
  RpcCalls& calls_;
  const std::shared_ptr<RpcPeer> peer_;
  const bool client_takes_gzip_;
  const size_t metadata_bytes_;

  Http2Stream* stream_;  // Null once it is gone or has everything it needs.
  CallContext context_;
  MessageDeframer deframer_;
  HandlerArguments arguments_;
  google::protobuf::Message* reading_ = nullptr;
  google::protobuf::Message* request_ = nullptr;  // Null until it has come.
  ByteBudget::Charge head_charge_;
  ByteBudget::Charge request_charge_;
  ByteBudget::Charge unsent_charge_;
  // The call ends soon, unless the request is complete.
  bool over_budget_ = false;
  bool asked_ = false;    // Whether the caller is known was asked,
  bool unauthenticated_ = false;  // and it is not: nothing more is read.
  MessageEncoding sent_encoding_ = MessageEncoding::kIdentity;
  bool begun_ = false;
  bool ended_ = false;
  int holds_ = 0;
  // Set once a write has had to wait.
  std::unique_ptr<CancelListener> cancelled_;
  Timer timer_;
};

// Answers a call on `stream` with an error, without a handler.
void RefuseCall(Http2Stream& stream, RpcPeer& peer, const RequestHead& head,
                const absl::Status& why);

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CALL_H_
