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
// Of methods that are there for anybody, no message is read while an answer
// waits for the client to take it, and such answers have a budget.
//
// A call lasts until
// its handler has ended, also when the client, the connection or the deadline
// has gone before: the handler's CancelSignal fires then, and it ends soon.
// What the handler said last is sent by the stream, which outlives the call.
//
// Thread contract: the connection's event loop.

#ifndef SERVICE_RPC_RPC_CALL_H_
#define SERVICE_RPC_RPC_CALL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/memory/recycler.h"
#include "google/protobuf/message.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "base/memory/byte_budget.h"
#include "service/rpc/call_trailers.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/message_deframer.h"
#include "service/rpc/message_encoding.h"
#include "service/rpc/request_head.h"
#include "service/rpc/rpc_calls.h"
#include "service/rpc/rpc_metrics.h"

namespace gateway {

// A connection as its calls know it, some of which outlive it.
struct RpcPeer {
  RpcPeer(std::string address, ByteBudget& requests, ByteBudget& answers,
          InflateAllowance& inflating, RpcMetrics& metrics)
      : address(std::move(address)),
        kept(requests),
        unsent(answers),
        request_bytes_max(requests.share_bytes_max()),
        inflating(inflating),
        metrics(metrics) {}

  const std::string address;
  ByteBudget::Share kept;    // What its calls keep of their requests.
  ByteBudget::Share unsent;  // Answers of methods for anybody.
  // One request counts for no more, so that there is always room for one.
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
    // From the head to the end of the one message, where a method reads one.
    absl::Duration request_timeout = absl::Seconds(60);
  };

  // Serves the request on `stream`, or refuses it; either way the stream is
  // taken care of.
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

  // From the stream.
  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnEnd(Http2Stream& stream) override;
  void OnSent(Http2Stream& stream) override;
  void OnClosed(Http2Stream& stream, Http2Error error,
                const absl::Status& why) override;

  // From the roster and the timer.
  void Cancel(const absl::Status& why) override;
  void OnStay() override;
  void OnTimer();

  // From the handler.
  StreamProgress StartRead(google::protobuf::Message* message) override;
  StreamProgress StartWrite(const google::protobuf::Message& message) override;
  bool WriteLast(const google::protobuf::Message& message) override;

  // For the deadline, or for the request if that is due before.
  void ArmTimer(absl::Duration request_timeout);
  // Reads the next message, if it is there. One that is bad cancels the call,
  // and who waits in the other direction wakes up.
  StreamProgress ReadNext(google::protobuf::Message* message);
  // For the handler that waits for one.
  void ReadOn();
  // Nothing is read because of it.
  bool AnswerWaits() const;
  void ReadTheRequest();
  // The same for one that is held because it is large, when all of it is there.
  Task<absl::Status> ReadTheHeldRequest();
  // What is to be kept of a request is kept for callers who are known.
  void AskForTheCaller();
  // Little metadata, of a method that is not for anybody: the head counts while
  // nothing of the request has come, and no longer.
  bool IsLight() const;
  // False if there is no room for the head.
  bool ChargeTheHead();
  // A request that has been read takes memory until its call has ended or,
  // where a handler lets go of it, until the answer begins.
  void ChargeTheRequest();
  void EndOfTheRequest();
  void Settle();
  void Begin();
  Task<void> RunHandler();
  void End(const absl::Status& status);
  void SendHead();
  void SendHead(const FieldBlock& metadata);
  // `bytes` by ByteSizeLong.
  absl::Status SendMessage(const google::protobuf::Message& message,
                           size_t bytes, MessageEncoding encoding);
  // What an answer's one message of such a size is sent in.
  MessageEncoding AnswerEncoding(size_t bytes) const;
  void SendAnswer(absl::Status status);
  void SendTrailers(const absl::Status& status);

  // Constant after construction.
  const Method& method_;
  RpcCalls& calls_;
  const std::shared_ptr<RpcPeer> peer_;
  const bool client_takes_gzip_;
  const size_t metadata_bytes_;

  Http2Stream* stream_;  // Null once it is gone or has all it needs.
  CallContext context_;
  MessageDeframer deframer_;
  HandlerArguments arguments_;
  google::protobuf::Message* reading_ = nullptr;
  google::protobuf::Message* request_ = nullptr;  // Once it has come.
  ByteBudget::Charge head_charge_;
  ByteBudget::Charge request_charge_;
  ByteBudget::Charge unsent_charge_;
  bool over_budget_ = false;  // Ends soon, unless the request has ended.
  bool asked_ = false;        // For the caller,
  bool unknown_ = false;      // who is not known: nothing more is read.
  MessageEncoding sent_encoding_ = MessageEncoding::kIdentity;
  bool begun_ = false;
  bool ended_ = false;
  int holds_ = 0;
  Timer timer_;
};

// Answers a call on `stream` with an error, without a handler.
void RefuseCall(Http2Stream& stream, RpcPeer& peer, const RequestHead& head,
                const absl::Status& why);

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CALL_H_
