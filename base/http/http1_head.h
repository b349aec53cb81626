// The grammar of an HTTP/1.1 head (RFC 9112 §3 to §5), read in place: the views
// of what comes out point into the bytes that went in.
//
//   Http1Head head;
//   GATEWAY_ASSIGN_OR_RETURN(
//       size_t size, ReadHttp1Head(kind, bytes, fields_limit, &head));
//
// What two servers in a row might read otherwise is refused, in requests and
// answers: a bare CR or LF, a folded line, white space in front of a colon,
// control characters, two lengths, a length beside a coding. In requests, where
// it decides who gets to smuggle one past us, also any coding but `chunked`,
// once, in HTTP/1.1, and any number of Hosts but one.
//
// Thread contract: one thread.

#ifndef BASE_HTTP_HTTP1_HEAD_H_
#define BASE_HTTP_HTTP1_HEAD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// A field line of a head.
struct HttpField {
  std::string_view name;  // As it was sent; names are compared without case.
  std::string_view value;
  // For a field to be sent: HTTP/2's compression must not keep the value in its
  // table.
  bool secret = false;
};

enum class Http1Kind { kRequests, kResponses };

struct Http1Head {
  int version = 11;  // 10 or 11.
  // Set for a request.
  std::string_view method;
  std::string_view target;
  // Set for a response.
  int status = 0;

  std::vector<HttpField> fields;
  int hosts = 0;  // How many fields are called `host`.

  // What the fields say of the body and of the connection.
  std::optional<uint64_t> content_length;
  bool coded = false;    // By more than `identity`.
  bool chunked = false;  // The last coding is `chunked`.
  bool says_close = false;
  bool says_keep_alive = false;

  // Resets to the state before the first head; keeps the memory of the fields.
  void Clear();
};

// Reads the head that `bytes` begin with into one that is clear, and returns
// how many bytes it has, the empty line among them. Errors: INVALID_ARGUMENT
// that says which rule is broken, or for a head that is not all there, which
// looks like one that is broken at its end; RESOURCE_EXHAUSTED for more fields
// than `fields_limit`.
absl::StatusOr<size_t> ReadHttp1Head(Http1Kind kind, std::string_view bytes,
                                     size_t fields_limit, Http1Head* head);

// Reads the field line that `line` begins with, which ends with CR LF, and
// takes it off. INVALID_ARGUMENT says what is wrong with it.
absl::Status TakeFieldLine(std::string_view* line, HttpField* field);

// Compares ASCII texts such as names of fields, without case.
bool SameLettersIgnoreCase(std::string_view a, std::string_view b);
inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && SameLettersIgnoreCase(a, b);
}

// For each byte, whether it may stand in a token (RFC 9110 §5.6.2).
extern const std::array<bool, 256> kTokenBytes;
inline bool IsTokenByte(char c) {
  return kTokenBytes[static_cast<unsigned char>(c)];
}

// Returns whether the text may stand as a field's value: visible ASCII, spaces,
// tabs and bytes from 0x80; no CR, LF or NUL, so that nothing can be smuggled
// in.
bool IsFieldValue(std::string_view value);

// Returns whether the text is a field's name, a token.
bool IsFieldName(std::string_view name);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_HEAD_H_
