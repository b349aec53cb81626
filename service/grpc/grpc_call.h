// GrpcCall is one call of the gRPC C++ engine: the library's reactor on one
// side, the handler's context and streams on the other.
//
//   gRPC threads                          the call's loop
//   CreateReactor: read the request
//   OnReadDone ------------- post ------> parse, run the handler
//                                         StartWrite
//   OnWriteDone ------------ post ------> resume the handler
//   OnCancel --------------- post ------> CancelSignal
//                                         Finish: the handler has ended
//   OnDone
//
// It is counted by reference: one for the library until OnDone, one for the
// loop until Finish, one for each piece of work on its way to the loop. The
// last to let go destroys it, on whatever thread; by then nothing of it is
// linked to the loop. The library's own context dies with OnDone, so nothing
// touches that after Finish.
//
// Thread contract: reactions come on gRPC's threads; the rest runs on the loop.

#ifndef SERVICE_GRPC_GRPC_CALL_H_
#define SERVICE_GRPC_GRPC_CALL_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/memory/recycler.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/grpc/call_roster.h"
#include "service/observability/refusal_log.h"

namespace gateway {

// Answers a call with an error, without a loop. It is recorded in `refusals`,
// unless that is null.
grpc::ServerGenericBidiReactor* RefuseCall(
    grpc::GenericCallbackServerContext& server_context,
    const absl::Status& why, RefusalLog* refusals = nullptr);

class GrpcCall final : public Recycled,
                       public grpc::ServerGenericBidiReactor,
                       private CallRoster::Entry,
                       private MessageReader,
                       private MessageWriter {
 public:
  // Returns the reactor for a call that has just arrived, or one that refuses
  // it.
  static grpc::ServerGenericBidiReactor* Start(
      grpc::GenericCallbackServerContext& server_context, const Method& method,
      EventLoop& loop, CallRoster& roster);

 private:
  GrpcCall(grpc::GenericCallbackServerContext& server_context,
           const Method& method, EventLoop& loop, CallRoster& roster,
           std::string peer, absl::Duration now, absl::Duration deadline);
  ~GrpcCall() override;

  // Called on any thread.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void RequestCancel(const absl::Status& why) override;
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  // Called on the loop's thread.
  StreamProgress StartRead(google::protobuf::Message* message) override;
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t bytes) override;
  bool WriteLast(const google::protobuf::Message& message) override;
  absl::Duration TimeLeft() const;
  void Begin();
  void HandleRead(bool ok);
  void HandleWritten(bool ok);
  void HandleHangUp();
  void Cancel(const absl::Status& why);
  absl::Status ReadTheRequest(bool ok);
  bool Parse(google::protobuf::Message* message);
  bool Serialize(const google::protobuf::Message& message);
  void SetInitialMetadata();
  Task<void> RunHandler();
  void End(absl::Status status);

  // Constant after construction.
  const Method& method_;
  CallRoster& roster_;
  const std::string peer_;
  grpc::GenericCallbackServerContext& server_context_;

  std::atomic<int> references_ = 2;

  // Belong to the library while a read or write is under way, to the loop
  // otherwise.
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;

  // Used on the loop's thread only.
  CallContext context_;
  HandlerArguments arguments_;
  Timer deadline_timer_;
  google::protobuf::Message* reading_ = nullptr;
  bool begun_ = false;
  bool writing_ = false;   // `out_` belongs to the library.
  bool has_last_ = false;  // `out_` is to be sent with the status.
  bool ended_ = false;
};

}  // namespace gateway

#endif  // SERVICE_GRPC_GRPC_CALL_H_
