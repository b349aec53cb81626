#include "base/http/http1_codec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/decimal.h"

namespace gateway {
namespace {

// How much is shown of an answer that is not HTTP.
constexpr size_t kShownBytes = 64;

// Returns whether the bytes begin like a TLS record: an alert or a handshake,
// of some version 3.
bool BeginsAsTls(std::string_view bytes) {
  return bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) &&
         bytes[1] == 0x03;
}

struct ReasonPhrase {
  int status;
  std::string_view phrase;
};

// IANA's registry of status codes, and two that vendors use. Sorted.
constexpr ReasonPhrase kReasonPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {511, "Network Authentication Required"},
    {529, "Site Overloaded"},
};

bool IsInterimStatus(int status) { return status < 200; }

// Copies the ends of a text of at least sizeof(Piece) bytes and at most twice
// as many, which overlap.
template <typename Piece>
void CopyEnds(std::string_view text, char* out) {
  Piece first;
  Piece last;
  const size_t behind = text.size() - sizeof(Piece);
  memcpy(&first, text.data(), sizeof(first));
  memcpy(&last, text.data() + behind, sizeof(last));
  memcpy(out, &first, sizeof(first));
  memcpy(out + behind, &last, sizeof(last));
}

// Copies a name or a value of a field, and returns its end. Nearly all have 8
// to 32 bytes, for which to call memcpy takes twice as long.
char* CopyOfField(std::string_view text, char* out) {
  const size_t size = text.size();
  if (size > 32) {
    memcpy(out, text.data(), size);
  } else if (size >= 16) {
    CopyEnds<std::array<char, 16>>(text, out);
  } else if (size >= 8) {
    CopyEnds<uint64_t>(text, out);
  } else {
    for (size_t i = 0; i < size; ++i) out[i] = text[i];
  }
  return out + size;
}

}  // namespace

Http1Parser::Http1Parser(Kind kind, const Limits& limits)
    : kind_(kind), limits_(limits), chunks_(limits.body_bytes) {}

void Http1Parser::Next() {
  begun_ = false;
  skip_body_ = false;
  done_ = false;
  body_ = Body::kUnknown;
  head_scanned_ = 0;
  head_line_ = 0;
  left_ = 0;
  chunks_.Reset();
  head_.Clear();
}

void Http1Parser::SkipBody() { skip_body_ = true; }

absl::StatusOr<size_t> Http1Parser::Put(std::string_view bytes,
                                        Http1BodySink& body) {
  if (done()) return 0;
  if (head_done()) return PutBody(bytes, body);

  size_t empty_lines = 0;
  if (!begun_ && kind_ == Kind::kRequests) {
    // Some clients send an empty line behind a body (RFC 9112 §2.2).
    while (bytes.size() >= empty_lines + 2 && bytes[empty_lines] == '\r' &&
           bytes[empty_lines + 1] == '\n') {
      empty_lines += 2;
    }
    bytes.remove_prefix(empty_lines);
    if (bytes == "\r") return empty_lines;
  }
  if (bytes.empty()) return empty_lines;
  begun_ = true;
  GATEWAY_ASSIGN_OR_RETURN(const size_t head, ReadHead(bytes));
  if (head == 0) return empty_lines;
  body_ = FindBody();
  left_ = limits_.body_bytes;
  if (body_ == Body::kLength) {
    if (*head_.content_length > limits_.body_bytes) return TooLarge();
    left_ = *head_.content_length;
  }
  done_ = body_ == Body::kNone || (body_ == Body::kLength && left_ == 0);
  return empty_lines + head;
}

absl::StatusOr<size_t> Http1Parser::ReadHead(std::string_view bytes) {
  // Nearly every head comes whole with its first bytes, and is read without
  // looking for its end first.
  if (head_scanned_ == 0) {
    const absl::StatusOr<size_t> head = ReadHttp1Head(
        kind_, bytes.substr(0, limits_.head_bytes), limits_.fields, &head_);
    if (head.ok()) return head;
    head_.Clear();
  }
  GATEWAY_ASSIGN_OR_RETURN(const size_t end, FindHeadEnd(bytes));
  if (end == 0) return 0;
  return ReadHttp1Head(kind_, bytes.substr(0, end), limits_.fields, &head_);
}

Http1Parser::Body Http1Parser::FindBody() const {
  if (skip_body_) return Body::kNone;
  if (kind_ == Kind::kResponses &&
      (IsInterimStatus(head_.status) || head_.status == 204 ||
       head_.status == 304)) {
    return Body::kNone;
  }
  if (head_.chunked) return Body::kChunks;
  if (head_.content_length.has_value()) return Body::kLength;
  return kind_ == Kind::kRequests ? Body::kNone : Body::kToTheEnd;
}

absl::StatusOr<size_t> Http1Parser::PutBody(std::string_view bytes,
                                            Http1BodySink& body) {
  if (body_ == Body::kChunks) {
    absl::StatusOr<size_t> used = chunks_.Put(bytes, body);
    done_ = chunks_.done();
    return used;
  }
  if (body_ == Body::kToTheEnd && bytes.size() > left_) return TooLarge();
  bytes = bytes.substr(0, left_);
  if (!bytes.empty()) body.OnBody(bytes);
  left_ -= bytes.size();
  done_ = body_ == Body::kLength && left_ == 0;
  return bytes.size();
}

absl::Status Http1Parser::TooLarge() const {
  return absl::OutOfRangeError(absl::StrCat(
      "the body is larger than ", limits_.body_bytes, " bytes"));
}

absl::StatusOr<size_t> Http1Parser::FindHeadEnd(std::string_view bytes) {
  if (head_line_ == 0 && !BeginsAsHead(bytes)) {
    if (kind_ == Kind::kRequests) {
      return absl::InvalidArgumentError("this is not HTTP/1.1");
    }
    return absl::InvalidArgumentError(absl::StrCat(
        BeginsAsTls(bytes) ? "it speaks TLS, to which https:// belongs"
                           : "this is not HTTP/1.1",
        ToAbsl(kItBegins),
        absl::CHexEscape(ToAbsl(bytes.substr(0, kShownBytes)))));
  }
  const std::string_view allowed = bytes.substr(0, limits_.head_bytes);
  for (;;) {
    const size_t feed = allowed.find('\n', head_scanned_);
    if (feed == std::string_view::npos) break;
    if (feed == 0 || allowed[feed - 1] != '\r') {
      return absl::InvalidArgumentError(
          "a line of the head ends without a carriage return");
    }
    if (feed == head_line_ + 1) return feed + 1;
    if (allowed[head_line_] == ' ' || allowed[head_line_] == '\t') {
      return absl::InvalidArgumentError(
          "a field is folded over several lines");
    }
    head_line_ = head_scanned_ = feed + 1;
  }
  head_scanned_ = allowed.size();
  if (bytes.size() < limits_.head_bytes) return 0;
  return absl::ResourceExhaustedError(absl::StrCat(
      "the head is larger than ", limits_.head_bytes, " bytes"));
}

bool Http1Parser::BeginsAsHead(std::string_view bytes) const {
  if (kind_ == Kind::kRequests) return IsTokenByte(bytes.front());
  constexpr std::string_view kBegin = "HTTP/1.";
  const size_t known = std::min(bytes.size(), kBegin.size());
  return bytes.substr(0, known) == kBegin.substr(0, known);
}

absl::Status Http1Parser::PutEnd() {
  if (done() || idle()) return absl::OkStatus();
  if (!ends_with_connection()) {
    return absl::UnavailableError("the connection closed within a message");
  }
  done_ = true;
  return absl::OkStatus();
}

std::string_view Http1Parser::Find(std::string_view lower_name) const {
  for (const HttpField& field : fields()) {
    if (EqualsIgnoreCase(field.name, lower_name)) return field.value;
  }
  return {};
}

void Http1Parser::MoveHead(ptrdiff_t offset) {
  const auto move = [offset](std::string_view& text) {
    text = {text.data() + offset, text.size()};
  };
  move(head_.method);
  move(head_.target);
  for (HttpField& field : head_.fields) {
    move(field.name);
    move(field.value);
  }
}

bool Http1Parser::keep_alive() const {
  if (ends_with_connection()) return false;
  return is_http11() ? !head_.says_close : head_.says_keep_alive;
}

bool Http1Parser::expects_continue() const {
  return is_http11() && EqualsIgnoreCase(Find("expect"), "100-continue");
}

absl::Status ExplainBadAnswer(const absl::Status& status) {
  if (absl::IsResourceExhausted(status) || absl::IsOutOfRange(status)) {
    return absl::Status(
        status.code(),
        absl::StrCat("the server's answer is too large: ", status.message()));
  }
  if (absl::IsInvalidArgument(status)) {
    return absl::InternalError(
        absl::StrCat("the server's answer is not HTTP: ", status.message()));
  }
  return status;
}

std::string_view HttpReasonPhrase(int status) {
  const auto found = std::lower_bound(
      std::begin(kReasonPhrases), std::end(kReasonPhrases), status,
      [](const ReasonPhrase& one, int asked) { return one.status < asked; });
  if (found == std::end(kReasonPhrases) || found->status != status) {
    return "Unknown";
  }
  return found->phrase;
}

void AppendStatusLine(int status, std::string* out) {
  // Nearly all answers'.
  if (status == 200) {
    out->append("HTTP/1.1 200 OK\r\n");
    return;
  }
  absl::StrAppend(out, "HTTP/1.1 ", status, " ",
                  ToAbsl(HttpReasonPhrase(status)), "\r\n");
}

void AppendField(std::string_view name, std::string_view value,
                 std::string* out) {
  const HttpField field = {name, value};
  AppendFields({&field, 1}, out);
}

void AppendContentLength(uint64_t length, std::string* out) {
  constexpr std::string_view kName = "content-length: ";
  constexpr std::string_view kBehind = "\r\n";
  std::array<char, kName.size() + kDecimalBytesMax + kBehind.size()> line;
  char* at = line.data();
  at += kName.copy(at, kName.size());
  at = WriteDecimal(length, at);
  at += kBehind.copy(at, kBehind.size());
  out->append(line.data(), at - line.data());
}

void AppendFields(absl::Span<const HttpField> fields, std::string* out) {
  constexpr std::string_view kBetween = ": ";
  constexpr std::string_view kBehind = "\r\n";
  size_t size = 0;
  for (const HttpField& field : fields) {
    size += field.name.size() + kBetween.size() + field.value.size() +
            kBehind.size();
  }
  const size_t begin = out->size();
  out->resize(begin + size);
  char* at = out->data() + begin;
  for (const HttpField& field : fields) {
    at = CopyOfField(field.name, at);
    at += kBetween.copy(at, kBetween.size());
    at = CopyOfField(field.value, at);
    at += kBehind.copy(at, kBehind.size());
  }
}

}  // namespace gateway
