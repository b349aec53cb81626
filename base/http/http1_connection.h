// Http1Connection serves one client of an HttpServer, from the first byte to
// the last: it reads requests, has them handled, and is the responder that the
// handlers answer to. Every connection begins as one of HTTP/1.1; when TLS or
// the first bytes say that the client speaks HTTP/2, it ends, and the server
// goes on with the stream.
//
//   idle --> head --> body --> handling <--> writing --> idle ...
//
// Where the handler wants the body as it comes (base/http/http1_upload.h),
// handling begins with the head, and body is when the client is waited for.
//
// Each phase has its timer. Only base/http/http_server.cc makes connections.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP1_CONNECTION_H_
#define BASE_HTTP_HTTP1_CONNECTION_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "base/http/http_server.h"
#include "base/http/input_buffer.h"
#include "base/memory/byte_budget.h"
#include "base/memory/recycler.h"
#include "base/net/stream.h"

namespace gateway {

class Http1Connection final : public HttpConnection,
                              public Stream::Observer,
                              public HttpResponder,
                              public Recycled {
 public:
  Http1Connection(HttpServer& server, std::unique_ptr<Stream> stream);
  ~Http1Connection() override;

  // Serves requests until the connection ends or turns out to speak HTTP/2.
  Task<void> Run();

  // True if Run has ended because the client speaks HTTP/2. The stream is open;
  // what has been read of it lies in unread() as long as this lives.
  bool speaks_http2() const { return speaks_http2_; }
  std::unique_ptr<Stream> TakeStream() { return std::move(stream_); }
  std::string_view unread() const { return input_.bytes(); }

  void Drain() override {
    if (phase_ == Phase::kIdle) CloseNow();
  }
  void Cancel(const absl::Status& why) override;
  void CloseNow() override { stream_->Close(); }
  bool busy() const override {
    return phase_ != Phase::kIdle && phase_ != Phase::kHead;
  }

  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override;
  void Start(HttpAnswerHead head) override;
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override;
  Task<absl::Status> Finish() override;
  void Abort() override { stream_->Close(/*reset=*/true); }
  void GoOnAfterAnswer() override {
    keep_alive_ = false;
    goes_on_ = true;
  }
  CancelSignal& gone() override { return *gone_; }
  std::string_view peer() const override { return peer_; }
  std::string_view peer_names() const override { return stream_->peer_names(); }

 private:
  enum class Phase { kIdle, kHead, kBody, kHandling, kWriting };
  enum class Answer { kNone, kStreaming, kDone };
  class Upload;

  void OnUnawaited(bool hung_up) override;
  void OnTimeout();
  void SetPhase(Phase phase);

  Task<bool> StartTls();
  Task<bool> ServeOne();
  Task<absl::Status> ReadHead();
  // Counts `bytes` towards what the server holds for a head that has not come
  // whole.
  void HoldHead(size_t bytes);
  // Takes the body if all of it has come with the head.
  absl::Status TakeBodyAtHand();
  Task<absl::Status> ReadBody();
  // Waits for the handler's decision, unless the client leaves or the server
  // has no more time.
  Task<absl::Status> AskAdmission();
  void Decide(HttpAdmission& said);
  HttpRequest HeadOfRequest() const;
  // Charges the loop's budget for the body's memory; an error if it has no
  // room.
  absl::Status ChargeBody();
  Task<absl::Status> ReadStraightIntoBody(uint64_t length);
  Task<absl::Status> ReadIntoInput(bool in_place);
  // Returns an error if the time for what is being read is over.
  absl::Status CheckTime() const;
  // Returns 0 if there is nothing to read yet.
  absl::StatusOr<size_t> TryRead(absl::Span<char> space);
  Task<void> HandleRequest();
  bool SpeaksSomethingElse(const absl::Status& refusal) const;
  Task<void> Refuse(const absl::Status& why);
  // Reads on for a while and drops what comes, so that a client that sends all
  // of its body before it reads gets to see its answer.
  Task<void> Linger();

  void AppendHead(const HttpAnswerHead& head);
  // Copies a small request out of its block and gives the block back: thousands
  // of requests that wait for their answers would otherwise hold as many
  // blocks.
  void KeepSmallRequest();
  void ReleaseRequest();
  // Writes as Stream::Write does, and is awaited as that is.
  class WriteOut;
  // The end of an answer has been written, or could not be.
  void OnAnswered();

  HttpServer& server_;
  std::unique_ptr<Stream> stream_;
  const std::string peer_;
  Http1Parser parser_;
  Timer timer_;
  Phase phase_ = Phase::kIdle;
  bool timed_out_ = false;
  absl::Duration body_begun_;  // Steady time at which it was first awaited.
  absl::Duration head_done_;   // Steady time at which the head was complete.
  bool admitted_ = true;       // The body may be read.
  HttpCaller caller_;          // What the handler said of who calls.
  // Set if the handler wants the body as it comes.
  std::unique_ptr<Upload> upload_;

  InputBuffer input_;
  size_t head_held_bytes_ = 0;
  InputBuffer head_memory_;  // Holds the head once input_ has moved on.
  BodyAssembler body_;
  ByteBudget::Share kept_;
  ByteBudget::Charge body_charge_{kept_};
  KeptBytes request_memory_;  // Holds a small request that has left its block.

  std::optional<CancelSignal> gone_;
  Answer answer_ = Answer::kNone;
  bool keep_alive_ = true;
  bool goes_on_ = false;  // The handler does, when the answer has been sent.
  bool chunked_answer_ = false;
  bool bodiless_answer_ = false;
  bool head_request_ = false;
  // Bytes written when the timer was last looked at.
  uint64_t written_before_ = 0;
  bool first_ = true;  // Nothing has been answered on the connection yet.
  bool speaks_http2_ = false;
  bool lingered_ = false;
  std::string out_;  // Heads and chunk sizes that are being written.
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_CONNECTION_H_
