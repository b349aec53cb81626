// Http1Parser reads HTTP/1.1 messages, one after the other, out of the buffers
// they arrive in: method, target and fields are views, the body is handed on
// in place, and nothing is allocated per message. The grammar is
// boost::beast's basic_parser; on top of it come the rules against request
// smuggling (RFC 9112 §6.1, §11.2), which hold for requests:
//
//   * no Content-Length beside Transfer-Encoding, no two different lengths;
//   * Transfer-Encoding is `chunked`, once, and only in HTTP/1.1;
//   * no folded field lines, no bare LF, no white space before the colon;
//   * exactly one Host in HTTP/1.1.
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
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// A field line of a head.
struct HttpField {
  std::string_view name;  // As it was sent; compare without case.
  std::string_view value;
  // Of a field to be sent: HTTP/2's compression must not remember the value.
  bool secret = false;
};

// Receives the pieces of a body, in order.
class Http1BodySink {
 public:
  virtual void OnBody(std::string_view piece) = 0;

 protected:
  ~Http1BodySink() = default;
};

class Http1Parser {
 public:
  enum class Kind { kRequests, kResponses };

  static constexpr uint64_t kFramingBytesFree = 16 * 1024;
  static constexpr uint64_t kFramingBytesPerByte = 8;

  struct Limits {
    size_t head_bytes = 64 * 1024;
    uint64_t body_bytes = 32 * 1024 * 1024;
    size_t fields = 128;
  };

  Http1Parser(Kind kind, const Limits& limits);
  ~Http1Parser();

  // Begins the next message.
  void Next();

  // The response to come answers a HEAD request or a CONNECT, so it has no
  // body.
  void SkipBody();

  // Reads what it can: first the head, and then returns, so that the caller
  // can judge it; called again, the body, up to its end. Returns how many
  // bytes it is done with; the rest must be put again with more behind it.
  //
  // Errors: INVALID_ARGUMENT for bytes that are not HTTP,
  // RESOURCE_EXHAUSTED for a head, OUT_OF_RANGE for a body over its limit.
  // There is no reading on after an error.
  //
  // Of a chunked body the framing - sizes, extensions, the trailer - may have
  // kFramingBytesFree and kFramingBytesPerByte for each byte of the body: more
  // is sent only to keep a reader busy.
  absl::StatusOr<size_t> Put(std::string_view bytes, Http1BodySink& body);

  // The peer closed. An error unless that ends the message.
  absl::Status PutEnd();

  // Nothing of a message has been read.
  bool idle() const { return !begun_; }
  bool head_done() const { return head_done_; }
  bool done() const;

  // Of the head; REQUIRES: head_done().
  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  int status() const { return status_; }
  bool is_http11() const { return version_ >= 11; }
  const std::vector<HttpField>& fields() const { return fields_; }
  // The first field of this name (lower case), or empty.
  std::string_view Find(std::string_view lower_name) const;
  // Forgets the fields, so that the buffer they arrived in can go. REQUIRES:
  // kResponses.
  void DropFields() { std::vector<HttpField>().swap(fields_); }
  // Moves all views of the head by `offset`, with the bytes they stand in.
  // REQUIRES: kRequests.
  void MoveHead(ptrdiff_t offset);
  // The connection can carry another message after this one.
  bool keep_alive() const;
  bool chunked() const;
  std::optional<uint64_t> content_length() const;
  // The body ends when the connection does.
  bool ends_with_connection() const;
  bool expects_continue() const;

 private:
  class Reader;
  template <bool kIsRequest>
  class BeastReader;

  // Where the head ends, or 0 if its end is not among the bytes. Goes on where
  // it stopped the last time, and refuses what need not be waited for.
  absl::StatusOr<size_t> FindHeadEnd(std::string_view bytes);
  bool BeginsAsHead(std::string_view bytes) const;
  absl::StatusOr<size_t> PutBody(std::string_view bytes, Http1BodySink& body);
  absl::StatusOr<size_t> PutToBeast(std::string_view bytes,
                                    Http1BodySink& body);
  absl::Status CheckRequestHead() const;

  const Kind kind_;
  const Limits limits_;
  std::unique_ptr<Reader> reader_;
  bool begun_ = false;
  bool head_done_ = false;
  size_t head_scanned_ = 0;  // Up to where FindHeadEnd has looked,
  size_t head_line_ = 0;     // and where the line there begins.
  bool too_many_fields_ = false;
  uint64_t chunked_bytes_ = 0;  // Of a chunked body, framing and all,
  uint64_t payload_bytes_ = 0;  // and without it.
  int version_ = 11;
  int status_ = 0;
  std::string_view method_;
  std::string_view target_;
  std::vector<HttpField> fields_;
};

// What Put or PutEnd says of a response, in a client's terms: INTERNAL when it
// is not HTTP, RESOURCE_EXHAUSTED when it is too large.
absl::Status ExplainBadAnswer(const absl::Status& status);

// Compares names of fields and the like: ASCII, without case.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// The standard reason phrase, or "Unknown".
std::string_view HttpReasonPhrase(int status);

// Appends `HTTP/1.1 <status> <reason>\r\n`.
void AppendStatusLine(int status, std::string* out);

// Appends `name: value\r\n`. REQUIRES: IsFieldValue(value).
void AppendField(std::string_view name, std::string_view value,
                 std::string* out);

// Whether the text may stand as a field's value: visible ASCII, spaces, tabs
// and bytes from 0x80; no CR, LF or NUL, so that nothing can be smuggled in.
bool IsFieldValue(std::string_view value);

// Whether the text is a field's name (an RFC 9110 token).
bool IsFieldName(std::string_view name);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_CODEC_H_
