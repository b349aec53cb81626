// GenerateStream is a streamed answer as its events arrive.
//
//   GenerateStream stream = gateway.StreamGenerate(request);
//   llmgateway::v1::GenerateEvent event;
//   while (stream.Read(&event)) std::cout << event.delta().text();
//   if (absl::Status status = stream.Finish(); !status.ok()) ...
//   stream.end().usage();  // What it cost, whatever the outcome.
//
// A stream that is destroyed or finished early is cancelled: the gateway stops
// the model, and what was generated until then is billed.
//
// Thread-compatible; Cancel may be called by any thread.

#ifndef CLIENTS_CPP_GENERATE_STREAM_H_
#define CLIENTS_CPP_GENERATE_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "clients/cpp/call_plan.h"
#include "clients/cpp/event_order.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class GenerateStream {
 public:
  using Reader = grpc::ClientReaderInterface<llmgateway::v1::GenerateEvent>;

  struct Attempt {
    std::shared_ptr<grpc::ClientContext> context;
    std::unique_ptr<Reader> reader;
  };

  // For LLMGateway. `begin` makes an attempt of the call that `plan` is for.
  GenerateStream(std::function<Attempt()> begin,
                 std::shared_ptr<CallPlan> plan);
  // The same of a stream that goes on.
  GenerateStream(std::function<Attempt()> begin, std::shared_ptr<CallPlan> plan,
                 const llmgateway::v1::ResumeStreamRequest& behind);
  // One that was not begun, for this reason.
  explicit GenerateStream(absl::Status problem);

  GenerateStream(GenerateStream&& other) noexcept;
  GenerateStream& operator=(GenerateStream&& other) noexcept;
  ~GenerateStream();

  // Waits for the next event. False when there is none: ask Finish why.
  bool Read(llmgateway::v1::GenerateEvent* event);

  // How the stream ended, cancelling it if it has not. Says OK only if the
  // gateway said that the model finished; a connection that breaks off is never
  // a success, nor is an event that was lost or came twice (DATA_LOSS). May be
  // called again.
  absl::Status Finish();

  // The last event, once it has been read; default until then.
  const llmgateway::v1::StreamEnd& end() const { return end_; }

  // The gateway's id of the call; empty until the first event has been read,
  // unless the stream goes on.
  const std::string& request_id() const { return request_id_; }

  // Of the last event, to go on behind it; before the first 0, or what the
  // stream goes on behind.
  int64_t last_seq() const { return order_.last_seq(); }

  void Cancel();

 private:
  // Takes what the attempt has ended with.
  void Conclude();
  // Begins anew if that may be done.
  bool TryAgain();

  // Null once events have come: then there is no other attempt.
  std::function<Attempt()> begin_;
  // Null once moved from.
  std::shared_ptr<CallPlan> plan_;
  // Its reader is null once it has finished.
  Attempt attempt_;
  EventOrder order_;
  llmgateway::v1::StreamEnd end_;
  std::string request_id_;
  absl::Status outcome_;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_GENERATE_STREAM_H_
