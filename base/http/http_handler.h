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
  std::string_view id;
  // By whose word; keeps the id. Null if nobody has said.
  std::shared_ptr<const void> known_by;
};

// A request. All views stay valid until the answer has been sent or, for a
// streamed one, until Start was called.
struct HttpRequest {
  std::string_view method;
  std::string_view path;   // Without the query; still percent-encoded.
  std::string_view query;  // Without the question mark.
  // Over HTTP/2 too the authority is a field named `host`.
  absl::Span<const HttpField> fields;
  // Followed by at least 64 readable bytes, for parsers that look ahead.
  std::string_view body;
  // In place of `body` if Admit has asked for it as it comes; null if it came
  // whole with the head, or was not asked about. Valid until Handle returns,
  // also behind Start. Whoever returns without an answer when it has failed has
  // the request refused for that reason; what was not taken is thrown away as
  // that of a stranger is.
  BodySource* source = nullptr;
  absl::Duration arrival;  // Steady time at which the head was complete.
  // False if HttpHandler::Admit did not let the body be read: what is left is
  // to say why.
  bool admitted = true;
  HttpCaller caller;  // As Admit said, if it was asked and did.

  // Sets path and query from a request target in origin or absolute form.
  void SetTarget(std::string_view target);

  // The first field of this name (lower case), or empty.
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

// Whether an answer with this status may have a body.
inline bool StatusHasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

class HttpResponder {
 public:
  // Answers whole.
  virtual Task<absl::Status> Send(
      HttpAnswerHead head, absl::Span<const std::string_view> body) = 0;

  // Begins an answer of unknown length. The request's views end here. The head
  // leaves together with the first bytes if these follow in the same turn of
  // the loop.
  virtual void Start(HttpAnswerHead head) = 0;

  // Writes on. Returns once the client has taken so much that little waits for
  // it; an error when the client is gone.
  virtual Task<absl::Status> Write(
      absl::Span<const std::string_view> pieces) = 0;

  // Ends an answer begun with Start.
  virtual Task<absl::Status> Finish() = 0;

  // Breaks off an answer begun with Start, so that the client sees that it is
  // not whole.
  virtual void Abort() = 0;

  // Fires with CANCELLED when the client goes away before it was answered.
  virtual CancelSignal& gone() = 0;

  // `address:port` of the client.
  virtual std::string_view peer() const = 0;

 protected:
  ~HttpResponder() = default;
};

// What a handler says of a request when its head is complete: whether the rest
// may be read.
class HttpAdmission {
 public:
  // Said at once, which costs nothing.
  HttpAdmission(bool admitted) : admitted_(admitted) {}  // NOLINT
  // Admitted, and the body is wanted as it comes: HttpRequest::source.
  static HttpAdmission AsItComes(HttpCaller caller = {}) {
    HttpAdmission said(std::move(caller));
    said.as_it_comes_ = true;
    return said;
  }
  // Admitted, as this caller.
  HttpAdmission(HttpCaller caller)  // NOLINT
      : admitted_(true), caller_(std::move(caller)) {}
  // To be said later: a key may have to be fetched first. What is said then is
  // not pending.
  HttpAdmission(Task<HttpAdmission> later)  // NOLINT
      : later_(std::move(later)) {}

  bool pending() const { return later_.has_value(); }
  // REQUIRES, as the next two do: !pending().
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

  // Answers one request. Returning without an answer sends 500.
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
    std::vector<Field> fields;  // Besides the content's type.
  };
  virtual Refusal Refuse(int status, std::string_view path,
                         std::string_view message);

  // What a server asks for: Refuse, unless overridden by who must know more of
  // the request than its path. `request` has no body, and nothing at all if it
  // was its head that is refused; `peer` is the client's `address:port`.
  virtual Refusal RefuseRequest(int status, const HttpRequest& request,
                                std::string_view peer,
                                std::string_view message) {
    static_cast<void>(peer);
    return Refuse(status, request.path, message);
  }

  // A client's TLS handshake failed, so it never got to ask for anything.
  // `peer` is its `address:port`.
  virtual void HandshakeFailed(std::string_view peer, const absl::Status& why) {
    static_cast<void>(peer);
    static_cast<void>(why);
  }
};

// What a server allows its clients.
struct HttpServerLimits {
  size_t head_bytes = 64 * 1024;
  uint64_t body_bytes = 32 * 1024 * 1024;
  // From the first byte of a request, and of the first request from the
  // connection's begin, to the end of its head.
  absl::Duration head_timeout = absl::Seconds(10);
  // Between two reads of a body, and see BodyPatience.
  absl::Duration body_timeout = absl::Seconds(30);
  // For a body in all, however fast it comes; of one that is read as it comes,
  // the time in which the client was waited for.
  absl::Duration body_time_max = absl::Minutes(5);
  // Between requests, and over HTTP/2 before the first.
  absl::Duration idle_timeout = absl::Seconds(120);
  // For a client that takes not one byte of its answer; at most twice that
  // passes until it is noticed.
  absl::Duration write_timeout = absl::Seconds(60);
  size_t connections = 16 * 1024;  // Per loop.
  uint32_t concurrent_streams = 256;  // On one HTTP/2 connection.

  // How long to wait for more of a body that has been on its way for `age`:
  // body_timeout, but in all no longer than that and the time which so many
  // bytes take at the slowest rate, and never beyond body_time_max. So a large
  // body may come over a slow line, and one that drips, each byte just in time,
  // holds its place no longer than one that does not come.
  absl::Duration BodyPatience(absl::Duration age, uint64_t received) const;
  static constexpr uint64_t kBodyBytesPerSecondMin = 1000;
};

// The status that a request is refused with for what is wrong with how it came:
// 431 for RESOURCE_EXHAUSTED (its head), 413 for OUT_OF_RANGE (its body), 408
// for DEADLINE_EXCEEDED, 503 for ABORTED (others hold too much), 500 for
// INTERNAL, else 400.
int StatusOfRefusal(const absl::Status& why);

// How long, and how much, a refused client may go on sending before its
// connection is closed, or its stream reset, under it. Many send a body whole
// before they read, and take that for the answer.
inline constexpr absl::Duration kRefusedLingerTimeout = absl::Seconds(2);
inline constexpr size_t kRefusedLingerBytesMax = 64 * 1024 * 1024;

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_HANDLER_H_
