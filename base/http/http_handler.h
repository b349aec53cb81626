// What an HTTP server hands to the code behind it, whichever version of HTTP
// the client speaks: a request that has arrived whole or, where a handler wants
// it so, whose body is still coming, and the means to answer it whole or bit by
// bit.
//
//   Task<void> Hello::Handle(const HttpRequest& request,
//                            HttpResponder& responder) {
//     const HttpField fields[] = {{"content-type", "text/plain"}};
//     const std::string_view body[] = {"hello\n"};
//     co_await responder.Send({200, fields}, body);
//   }
//
// Thread contract: a request and its responder belong to one event loop.

#ifndef BASE_HTTP_HTTP_HANDLER_H_
#define BASE_HTTP_HTTP_HANDLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/body_source.h"
#include "base/http/http1_codec.h"

namespace gateway {

// Who asks, as HttpHandler::Admit found out: it comes back with the request, so
// that it is found out once.
struct HttpCaller {
  // Whatever the handler calls it by.
  std::shared_ptr<const void> caller;
  // What vouches for the caller, and keeps it valid. Null if nobody was asked.
  std::shared_ptr<const void> known_by;
};

// A request. All views stay valid until the answer has been sent or, for a
// streamed one, until Start was called.
struct HttpRequest {
  std::string_view method;
  std::string_view path;   // Without the query; still percent-encoded.
  std::string_view query;  // Without the question mark.
  // Of a target in absolute form: it goes before the field `host` (RFC 9112,
  // 3.2.2). Empty for others.
  std::string_view target_authority;
  // In HTTP/2, too, the authority is a field named `host`.
  absl::Span<const HttpField> fields;
  std::string_view body;  // All of it.
  // In place of `body` if Admit has asked for it as it comes; null if it came
  // whole with the head, or was not asked about. Valid until Handle returns,
  // also behind Start. Whoever returns without an answer when it has failed has
  // the request refused for that reason; what was not taken is thrown away as
  // that of an unauthenticated caller is.
  BodySource* source = nullptr;
  absl::Duration arrival;  // Steady time at which the head was complete.
  // False if HttpHandler::Admit did not let the body be read: the handler is to
  // say why.
  bool admitted = true;
  HttpCaller caller;  // What Admit said of the caller, if it was asked.

  // Sets path, query and authority from a request target in origin or absolute
  // form.
  void SetTarget(std::string_view target);

  // Returns the value of the first field of this name (lower case), or empty.
  std::string_view Find(std::string_view lower_name) const {
    for (const HttpField& field : fields) {
      if (EqualsIgnoreCase(field.name, lower_name)) return field.value;
    }
    return {};
  }
};

// Status and fields of an answer, names in lower case. Content-Length,
// Transfer-Encoding, Connection and Date are the server's own.
struct HttpAnswerHead {
  int status = 200;
  absl::Span<const HttpField> fields;
};

// Returns whether an answer with this status may have a body.
inline bool StatusHasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

// What sends returns CANCELLED when the client is gone.
class HttpResponder {
 public:
  // Sends a whole answer.
  virtual Task<absl::Status> Send(
      HttpAnswerHead head, absl::Span<const std::string_view> body) = 0;

  // Begins an answer of unknown length. The request's views end here. The head
  // leaves together with the first bytes if these follow in the same turn of
  // the loop.
  virtual void Start(HttpAnswerHead head) = 0;

  // Sends more of an answer begun with Start. Returns when little of it waits
  // for the client to read.
  virtual Task<absl::Status> Write(
      absl::Span<const std::string_view> pieces) = 0;

  // Ends an answer begun with Start.
  virtual Task<absl::Status> Finish() = 0;

  // Breaks off an answer begun with Start, so that the client sees that it is
  // not whole.
  virtual void Abort() = 0;

  // Says, before Send or Finish, that the handler will go on long after the
  // answer is sent: what else the client asks for must not wait for that. A
  // connection that serves one request after the other ends with this answer.
  virtual void GoOnAfterAnswer() {}

  // Fires with CANCELLED when the client goes away before it was answered.
  virtual CancelSignal& gone() = 0;

  // Returns the client's `address:port`.
  virtual std::string_view peer() const = 0;

  // Returns what the client's verified certificate names it
  // (Stream::peer_names); empty without one. Valid as long as the connection.
  virtual std::string_view peer_names() const { return {}; }

 protected:
  ~HttpResponder() = default;
};

// What a handler says of a request when its head is complete: whether the rest
// may be read.
class HttpAdmission {
 public:
  // A decision that is there at once.
  HttpAdmission(bool admitted) : admitted_(admitted) {}  // NOLINT
  // Admitted; the body is wanted as it comes, in HttpRequest::source.
  static HttpAdmission AsItComes(HttpCaller caller = {}) {
    HttpAdmission said(std::move(caller));
    said.as_it_comes_ = true;
    return said;
  }
  // Admitted; `caller` is who asks.
  HttpAdmission(HttpCaller caller)  // NOLINT
      : admitted_(true), caller_(std::move(caller)) {}
  // A decision that takes time, such as for a key that must be fetched first.
  // Its result must not be pending.
  HttpAdmission(Task<HttpAdmission> later)  // NOLINT
      : later_(std::move(later)) {}

  bool pending() const { return later_.has_value(); }
  // REQUIRES, as the next two: !pending().
  bool admitted() const { return admitted_; }
  bool as_it_comes() const { return as_it_comes_; }
  HttpCaller TakeCaller() { return std::move(caller_); }
  // REQUIRES: pending().
  Task<HttpAdmission> TakeLater() { return *std::move(later_); }

 private:
  bool admitted_ = false;
  bool as_it_comes_ = false;
  HttpCaller caller_;
  std::optional<Task<HttpAdmission>> later_;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // Asked about a request whose body has not come with its head, before any of
  // it is kept or, by `100 Continue`, invited. If it is not admitted, Handle is
  // called at once, without a body, to say why, and what the client goes on
  // sending is thrown away, within limits. A body that lies behind the head in
  // one block costs nothing more, and is not asked about; so Handle, too,
  // checks the head first. Views of `request` end with what is returned.
  virtual HttpAdmission Admit(const HttpRequest& request,
                              HttpResponder& responder);

  // Answers one request. If it returns without an answer, 500 is sent.
  virtual Task<void> Handle(const HttpRequest& request,
                            HttpResponder& responder) = 0;

  // The body for a request that the server refuses by itself: malformed, too
  // large, too slow. Plain text unless overridden.
  struct Refusal {
    struct Field {
      std::string name;
      std::string value;
    };

    std::string content_type;
    std::string body;
    std::vector<Field> fields;  // Besides content-type.
    // What to answer with, where that is another than the server's own; 0 where
    // it is not.
    int status = 0;

    // What is answered with where the server's own status is `own`.
    int StatusFor(int own) const { return status == 0 ? own : status; }
  };
  virtual Refusal Refuse(int status, std::string_view path,
                         std::string_view message);

  // Called by a server for what to say; calls Refuse unless overridden by a
  // handler that must know more of the request than its path. `request` has no
  // body, and nothing at all if its head is what is refused; `peer` is the
  // client's `address:port`.
  virtual Refusal RefuseRequest(int status, const HttpRequest& request,
                                std::string_view peer,
                                std::string_view message) {
    static_cast<void>(peer);
    return Refuse(status, request.path, message);
  }

  // Called when a connection was closed because its client sent a flood.
  virtual void ConnectionFlooded(std::string_view peer,
                                 const absl::Status& why) {
    static_cast<void>(peer);
    static_cast<void>(why);
  }

  // Called when a client's TLS handshake has failed, so that there is no
  // request. `peer` is its `address:port`.
  virtual void HandshakeFailed(std::string_view peer, const absl::Status& why) {
    static_cast<void>(peer);
    static_cast<void>(why);
  }
};

// What a server allows its clients.
struct HttpServerLimits {
  size_t head_bytes = 64 * 1024;
  uint64_t body_bytes = 32 * 1024 * 1024;
  // Time from the first byte of a request, and for the first request from the
  // connection's begin, to the end of its head.
  absl::Duration head_timeout = absl::Seconds(10);
  // Time between two reads of a body; see also BodyPatience.
  absl::Duration body_timeout = absl::Seconds(30);
  // Time for a body in all, however fast it comes; for one that is read as it
  // comes, the time in which the client was waited for.
  absl::Duration body_time_max = absl::Minutes(5);
  // Time between requests, and over HTTP/2 before the first.
  absl::Duration idle_timeout = absl::Seconds(120);
  // Time for a client that takes not one byte of its answer; at most twice that
  // passes until it is noticed.
  absl::Duration write_timeout = absl::Seconds(60);
  size_t connections = 16 * 1024;  // Per loop.
  uint32_t concurrent_streams = 256;  // On one HTTP/2 connection.

  // Returns how long to wait for more of a body that has been on its way for
  // `age`: body_timeout, but in all no longer than that and the time which so
  // many bytes take at the slowest rate, and never beyond body_time_max. So a
  // large body may come over a slow line, and one that drips, each byte just in
  // time, holds its place no longer than one that does not come.
  absl::Duration BodyPatience(absl::Duration age, uint64_t received) const;
  static constexpr uint64_t kBodyBytesPerSecondMin = 1000;
};

// Returns the status to refuse a request with for what is wrong with how it
// came: 431 for RESOURCE_EXHAUSTED (its head), 413 for OUT_OF_RANGE (its body),
// 408 for DEADLINE_EXCEEDED, 503 for ABORTED (others hold too much), 500 for
// INTERNAL, else 400.
int StatusOfRefusal(const absl::Status& why);

// How long, and how much, a refused client may go on sending before its
// connection is closed, or its stream reset, under it. Many send a body whole
// before they read, and take that for the answer.
inline constexpr absl::Duration kRefusedLingerTimeout = absl::Seconds(2);
inline constexpr size_t kRefusedLingerBytesMax = 64 * 1024 * 1024;

// How long a client may take to take what it is told last, once its call or
// everything was cancelled.
inline constexpr absl::Duration kLastWordTimeout = absl::Seconds(2);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_HANDLER_H_
