// Http1Parser reads HTTP/1.1 messages, one after the other, out of the buffers
// they arrive in: method, target and fields are views, the body is handed on
// in place, and nothing is allocated per message. http1_head.h says what is
// refused, against request smuggling (RFC 9112 §6.1, §11.2) among others.
//
//   Http1Parser parser(Http1Parser::Kind::kRequests, limits);
//   GATEWAY_ASSIGN_OR_RETURN(size_t used, parser.Put(bytes, body));
//   if (parser.head_done()) ... parser.method(), parser.Find("host") ...
//   if (parser.done()) { ...; parser.Next(); }
//
// The head is read only once it lies whole in the bytes put, so those bytes
// must be kept together until then; views into the head stay valid as long as
// that buffer does.
//
// Thread contract: one thread.

#ifndef BASE_HTTP_HTTP1_CODEC_H_
#define BASE_HTTP_HTTP1_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/http/http1_chunks.h"
#include "base/http/http1_head.h"

namespace gateway {

// What the error of an answer that is no HTTP says before how it begins.
inline constexpr std::string_view kItBegins = "; it begins: ";

class Http1Parser {
 public:
  using Kind = Http1Kind;

  struct Limits {
    size_t head_bytes = 64 * 1024;
    uint64_t body_bytes = 32 * 1024 * 1024;
    size_t fields = 128;
  };

  Http1Parser(Kind kind, const Limits& limits);

  // Prepares for the next message.
  void Next();

  // Says that the next response has no body, because it answers HEAD or
  // CONNECT.
  void SkipBody();

  // Reads what it can: first the head, and then returns, so that the caller
  // can check it; called again, the body, up to its end. Returns how many
  // bytes it is done with; the rest must be put again with more behind it.
  //
  // Errors: INVALID_ARGUMENT for bytes that are not HTTP,
  // RESOURCE_EXHAUSTED for a head, OUT_OF_RANGE for a body over its limit.
  // There is no reading on after an error.
  absl::StatusOr<size_t> Put(std::string_view bytes, Http1BodySink& body);

  // Says that the peer closed the connection. An error unless that ends the
  // message.
  absl::Status PutEnd();

  // True if nothing of a message has been read.
  bool idle() const { return !begun_; }
  bool head_done() const { return body_ != Body::kUnknown; }
  bool done() const { return done_; }

  // Parts of the head. REQUIRES: head_done().
  std::string_view method() const { return head_.method; }
  std::string_view target() const { return head_.target; }
  int status() const { return head_.status; }
  bool is_http11() const { return head_.version >= 11; }
  const std::vector<HttpField>& fields() const { return head_.fields; }
  // Returns the value of the first field of this name (lower case), or empty.
  std::string_view Find(std::string_view lower_name) const;
  // Forgets the fields, so that the buffer they arrived in can go. REQUIRES:
  // kResponses.
  void DropFields() { std::vector<HttpField>().swap(head_.fields); }
  // Moves all views of the head by `offset`, with the bytes they stand in.
  // REQUIRES: kRequests.
  void MoveHead(ptrdiff_t offset);
  // True if the connection can carry another message after this one.
  bool keep_alive() const;
  bool chunked() const { return head_.chunked; }
  std::optional<uint64_t> content_length() const {
    return head_.content_length;
  }
  // True if the body ends when the connection does.
  bool ends_with_connection() const { return body_ == Body::kToTheEnd; }
  bool expects_continue() const;

 private:
  // What tells where the body ends. kUnknown until the head is done.
  enum class Body { kUnknown, kNone, kLength, kChunks, kToTheEnd };

  // Returns how many bytes the head has, or 0 if it is not all there.
  absl::StatusOr<size_t> ReadHead(std::string_view bytes);
  // Returns where the head ends, or 0 if its end is not among the bytes. Goes
  // on where it stopped the last time, and refuses at once what no further
  // bytes can mend.
  absl::StatusOr<size_t> FindHeadEnd(std::string_view bytes);
  bool BeginsAsHead(std::string_view bytes) const;
  Body FindBody() const;
  absl::StatusOr<size_t> PutBody(std::string_view bytes, Http1BodySink& body);
  absl::Status TooLarge() const;

  const Kind kind_;
  const Limits limits_;
  bool begun_ = false;
  bool skip_body_ = false;
  bool done_ = false;
  Body body_ = Body::kUnknown;
  size_t head_scanned_ = 0;  // How far FindHeadEnd has looked,
  size_t head_line_ = 0;     // and where the line begins that it stopped in.
  // Bytes left of a body whose length is known or limited.
  uint64_t left_ = 0;
  Http1Chunks chunks_;
  Http1Head head_;
};

// Turns an error of Put or PutEnd over a response into a client's terms:
// INTERNAL if it is not HTTP, and what Put says of one that is too large.
absl::Status ExplainBadAnswer(const absl::Status& status);

// The standard reason phrase, or "Unknown".
std::string_view HttpReasonPhrase(int status);

// Appends `HTTP/1.1 <status> <reason>\r\n`.
void AppendStatusLine(int status, std::string* out);

// Appends `name: value\r\n`. REQUIRES: IsFieldValue(value).
void AppendField(std::string_view name, std::string_view value,
                 std::string* out);
void AppendFields(absl::Span<const HttpField> fields, std::string* out);

// Appends `content-length: <length>\r\n`.
void AppendContentLength(uint64_t length, std::string* out);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_CODEC_H_
