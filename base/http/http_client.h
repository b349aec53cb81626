// HttpClient sends requests to other servers and hands back their answers bit
// by bit. It is the port behind which HTTP/1.1, HTTP/2 and tests' fakes stand.
//
//   absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
//       co_await client.Send(call);
//   if (!exchange.ok()) ...                      // See call.progress.
//   if ((*exchange)->status() != 200) ...
//   absl::StatusOr<std::string_view> body = co_await (*exchange)->ReadAll();
//
// What never changes between two requests - where they go, the credential and
// the other fixed fields - is prepared once, in an HttpDestination and an
// HttpRequestHead; the credential is part of the head and the head belongs to
// one destination, so that no key can leave for another host. Redirects are
// never followed.
//
// Thread contract: destinations and heads are immutable and may be shared by
// all loops; a client and its exchanges belong to one event loop.

#ifndef BASE_HTTP_HTTP_CLIENT_H_
#define BASE_HTTP_HTTP_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/body_source.h"
#include "base/http/field_block.h"
#include "base/http/http1_codec.h"
#include "base/memory/recycler.h"
#include "base/net/host_port.h"
#include "base/net/tls_context.h"
#include "base/secret.h"

namespace gateway {

// The version of HTTP that a destination is spoken to in.
enum class HttpVersion {
  kAuto,  // What ALPN chooses; HTTP/1.1 without TLS.
  kHttp1,
  kHttp2,  // Without TLS by prior knowledge.
};

// Where requests go, and how.
struct HttpDestination {
  // Time limits. The defaults are all but endless, since whoever makes a
  // destination knows how long is too long.
  struct Timeouts {
    // Name lookup, TCP, proxy and TLS.
    absl::Duration connect = absl::Hours(24);
    // From the request's end to the answer's first byte; and, for a body from a
    // source, how long the server may take none of it.
    absl::Duration first_byte = absl::Hours(24);
    absl::Duration idle = absl::Hours(24);        // Between two reads.
    absl::Duration total = absl::Hours(24);       // The whole exchange.
  };

  std::string host;
  uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  // Null for no TLS.
  std::optional<HostPort> proxy;    // If set, reached through it by CONNECT.
  // The version to speak. With TLS, the context must offer the same by ALPN.
  HttpVersion version = HttpVersion::kAuto;
  Timeouts timeouts;
  // Idle connections kept per loop, and for how long: this, too, whoever makes
  // a destination knows.
  size_t idle_connections_max = 256;
  absl::Duration idle_connection_timeout = absl::Hours(24);
  // Most HTTP/2 connections per loop; requests beyond what they carry wait.
  size_t http2_connections_max = 64;
  // Connections older than this are not used again.
  absl::Duration connection_age_max = absl::Hours(24);
  // A reused connection that breaks so soon after a request counts as given up
  // by the server before the request came. What breaks later may have been
  // worked on.
  absl::Duration stale_break_max = absl::Seconds(1);
  uint64_t response_bytes_limit = 64 * 1024 * 1024;
  // Set, from any thread, once there is no head of a request to it any more
  // (UseOf): clients then close their connections and forget it, when they are
  // told to (CloseUnused) or are first asked for another destination.
  std::shared_ptr<std::atomic<bool>> unused =
      std::make_shared<std::atomic<bool>>(false);

  // Returns `host:port` as in a Host field, without the scheme's default port.
  std::string Authority() const;
};

// The part of a request that is the same for all requests to a destination.
class HttpRequestHead {
 public:
  // A field whose value may be a credential.
  struct Field {
    std::string name;  // In lower case.
    Secret value;
    // The value is no credential: HTTP/2's compression may keep it in its
    // dynamic table (RFC 7541, 7.1.3).
    bool indexable = false;
  };

  // REQUIRES: names and values are legal (IsFieldName, IsFieldValue). `use`,
  // which may be null, is held as long as the head lives.
  HttpRequestHead(std::shared_ptr<const HttpDestination> destination,
                  std::string method, std::string path,
                  std::vector<Field> fields,
                  std::shared_ptr<const void> use = nullptr);

  const std::shared_ptr<const HttpDestination>& destination() const {
    return destination_;
  }
  std::string_view method() const { return method_; }
  std::string_view path() const { return path_; }
  const std::vector<Field>& fields() const { return fields_; }

  // The request line and the fixed fields as HTTP/1.1 has them, and the fields
  // alone.
  std::string_view RevealHttp1() const { return http1_.Reveal(); }
  std::string_view RevealHttp1Fields() const {
    return http1_.Reveal().substr(http1_line_bytes_);
  }

 private:
  const std::shared_ptr<const HttpDestination> destination_;
  const std::string method_;
  const std::string path_;
  const std::vector<Field> fields_;
  const std::shared_ptr<const void> use_;
  size_t http1_line_bytes_ = 0;
  Secret http1_;
};

// Interim (1xx) answers that a server may send ahead of one answer.
inline constexpr int kInterimAnswersMax = 8;

// The error of an answer for which the loop's budget has no room
// (EventLoop::answer_bytes): RESOURCE_EXHAUSTED, and no failure of the server.
absl::Status NoRoomForAnswer();
bool IsNoRoomForAnswer(const absl::Status& status);

// How far a request got, also when it failed.
struct HttpProgress {
  bool reused_connection = false;
  // All of the request was handed to the kernel.
  bool sent = false;
  // A first byte of the answer has come.
  bool answered = false;
  // How much of the answer's body has come, of which some may not be read.
  uint64_t body_bytes = 0;
  // The server has not processed the request: sending it again on another
  // connection repeats nothing. Either a reused connection was stale, which
  // broke without a byte of an answer, and so soon (`stale_break_max`) that the
  // server must have given it up before the request came; or, over HTTP/2, the
  // server said so (REFUSED_STREAM, GOAWAY), or the request was never begun.
  bool not_processed = false;
  // A timeout of the destination has passed, and not the caller's deadline.
  bool timed_out = false;

  // True if the request was sent whole and its answer then not waited for any
  // longer: the server may still be at work on it.
  bool abandoned() const { return timed_out && sent; }
};

struct HttpCall {
  const HttpRequestHead* head = nullptr;
  // Replaces the head's path, if that depends on the request; empty if not.
  // Must be legal in a request line. Valid until Send returns.
  std::string_view path;
  absl::Span<const HttpField> extra_fields;
  // Valid until Send returns. A server that answers before it has it all gets
  // no more, and the request is given up with the answer's end; over HTTP/2 it
  // gets more until then.
  absl::Span<const std::string_view> body;
  // In place of `body`: taken as the server takes it, and not ahead; null if it
  // is not used. Sent with its length or, where that is not known, in chunks or
  // as HTTP/2's data. Valid until Send returns; nothing is taken after that: a
  // server that answers before it has it all gets no more, and the request is
  // given up with the answer's end. When the source fails, so does Send, and
  // the server sees that the request is not whole.
  //
  // A request of which something was taken is never sent again: progress does
  // not say that it may be.
  BodySource* source = nullptr;
  // The memory that the body stands in, if it is to be emptied as soon as it
  // has been sent: the answer may be long in coming. May be null.
  std::string* body_memory = nullptr;
  // Over HTTP/1.1: send on a new connection, for which an idle one is closed.
  // Over HTTP/2: on any but those on which a request has stayed without an
  // answer.
  bool fresh_connection = false;
  // Replaces the destination's; zero to leave that.
  absl::Duration first_byte_timeout = absl::ZeroDuration();
  CancelSignal* cancel = nullptr;  // Never null; outlives the exchange.
  HttpProgress* progress = nullptr;         // Outlives the exchange.
};

// A request that is being answered. Destroying it before the answer's end
// gives the rest up, at once.
class HttpExchange : public Recycled {
 public:
  virtual ~HttpExchange() = default;

  virtual int status() const = 0;
  // Returns the value of the first field of this name (lower case), or empty.
  // Valid until Read is called, which may drop all fields, since a stream may
  // be long.
  virtual std::string_view Find(std::string_view lower_name) const = 0;
  // Returns all fields, with the validity of Find. They lie in `views` or in
  // the exchange.
  virtual absl::Span<const HttpField> Fields(FieldViews& views) const = 0;

  // Returns the next pieces of the body; none at its end. Valid until the next
  // call. Not calling holds the server back.
  virtual Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() = 0;

  // Returns the whole body in one piece. Valid as long as the exchange. Call
  // either this or Read.
  virtual Task<absl::StatusOr<std::string_view>> ReadAll() = 0;

  // Returns what had come of the body when ReadAll failed; nothing of an
  // exchange that does not keep it. Valid as long as the exchange.
  virtual std::string_view came() const { return {}; }

  // Frees the body that ReadAll has returned. What it held goes on counting
  // among the answers of the loop, for what was made of it.
  virtual void DropBody() = 0;

  // Called by a reader that keeps `bytes` of what Read returned, in place of
  // those told before: they count among the answers of the loop
  // (EventLoop::answer_bytes) until the exchange goes. Returns false, and
  // changes nothing, if there is no room.
  virtual bool Keep(size_t bytes) = 0;

  // Gives up reading, for a body that is about to end: the connection is kept
  // if it does so shortly. REQUIRES: no Read follows.
  virtual void FinishInBackground() = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Sends a request and waits for the head of its answer.
  //
  // Errors: UNAVAILABLE when the server cannot be reached or breaks off,
  // DEADLINE_EXCEEDED when it is too slow, INTERNAL when what it says is not
  // HTTP, RESOURCE_EXHAUSTED when its head is too large, OUT_OF_RANGE when its
  // body is or will be, and whatever `cancel` fired with. Reading fails
  // likewise.
  virtual Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) = 0;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_CLIENT_H_
