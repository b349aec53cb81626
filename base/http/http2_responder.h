// Http2Responder is one request on an Http2Connection, from its head to the
// return of its handler: it has the head checked, collects the body, has the
// request handled, and is the responder that the handler answers to. It owns
// itself. One of many that come at once waits for its turn first.
//
//   (waiting for its turn) --> asking
//   asking --> collecting --> handling --> gone
//   asking --(wanted as it comes)--> handling --> gone
//   asking --(not admitted)--> handling --> lingering --> gone
//   collecting --(refused)--> lingering --> gone
//
// What a handler writes is copied to the stream's queue, so that many small
// pieces of many answers leave in one write at the end of the loop's turn; a
// large piece is lent. While more waits than a client's window takes, the
// handler waits too.
//
// A stream that has begun to answer holds nothing of its request, but for what
// its handler still takes of a body as it comes.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP2_RESPONDER_H_
#define BASE_HTTP_HTTP2_RESPONDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/http/http2_upload.h"
#include "base/http/http_handler.h"
#include "base/memory/recycler.h"

namespace gateway {

class Http2Connection;

class Http2Responder final : private Http2StreamEvents,
                             public HttpResponder,
                             public Recycled {
 public:
  Http2Responder(Http2Connection& connection, Http2Stream& stream);

  // Takes the request's head. As Refuse and Cancel, may destroy this.
  void Begin(absl::Span<const HttpField> fields, bool ended);

  // Answers in the handler's place. REQUIRES: the handler has not begun.
  void Refuse(int status, std::string_view message);

  // Ends the request because the server has no more time.
  void Cancel(const absl::Status& why);

  // True while the handler waits for the client to read.
  bool waits_for_client() const { return waits_for_client_; }

  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override;
  void Start(HttpAnswerHead head) override;
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override;
  Task<absl::Status> Finish() override;
  void Abort() override;
  CancelSignal& gone() override { return gone_; }
  std::string_view peer() const override;
  std::string_view peer_names() const override;

 private:
  friend class Http2Connection;
  struct Request;
  enum class Answer { kNone, kStreaming, kDone };

  ~Http2Responder();

  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnEnd(Http2Stream& stream) override;
  void OnSent(Http2Stream&) override { changed_.Set(); }
  void OnClosed(Http2Stream& stream, Http2Error error,
                const absl::Status& why) override;

  // Tells the server that it now holds so much for this request; see
  // HttpServer::Hold.
  void Hold(size_t bytes);

  // Copies the fields, without pseudo fields.
  void KeepHead(absl::Span<const HttpField> fields);
  static Task<void> AwaitTurn(Http2Responder* self);
  // Returns false if the request is over, in which case this is destroyed.
  bool EndWait();
  // Asks the handler whether the body may be read.
  void AskAdmission();
  static Task<void> AwaitAdmission(Http2Responder* self,
                                   Task<HttpAdmission> later);
  void Decide(HttpAdmission said);
  void BeginUpload();
  void KeepBody(std::string_view bytes);
  // Returns false if the body is too large and the request was refused, which
  // may have destroyed this.
  bool BodyFits();
  void StartHandling();
  void Linger();
  void ArmBodyTimer();
  void ArmTimer(absl::Duration delay);
  void OnTimeout();
  static Task<void> Handle(Http2Responder* self);
  // Returns false if the client is still to be waited for.
  bool EndHandling();
  void LeaveStream();
  void Leave();  // Destroys this.

  void SendHead(const HttpAnswerHead& head, std::optional<size_t> length,
                bool end);
  void SendRefusal(int status, std::string_view message);
  Task<absl::Status> AwaitSent();
  absl::Status Outcome() const;

  Http2Connection& connection_;
  Http2Stream* stream_;               // Null once the stream is closed.
  std::unique_ptr<Request> request_;  // Null once an answer is streamed.
  // Set if the handler wants the body as it comes.
  std::unique_ptr<Http2Upload> upload_;
  size_t held_bytes_ = 0;
  CancelSignal gone_;
  WakeUp changed_;  // Set when all has been sent, or the stream is closed.
  Answer answer_ = Answer::kNone;
  bool ended_ = false;  // The request has ended.
  bool lingering_ = false;
  // The request waits for its turn, or for the handler to say whether it may go
  // on.
  bool asking_ = false;
  bool awaits_turn_ = false;  // It waits for its turn.
  bool handling_ = false;
  bool head_request_ = false;
  bool bodiless_ = false;  // The answer ends with its head.
  bool cut_off_ = false;   // The stream was closed before all was sent.
  bool waits_for_client_ = false;

  // Links of the connection's list.
  Http2Responder* previous_ = nullptr;
  Http2Responder* next_ = nullptr;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_RESPONDER_H_
