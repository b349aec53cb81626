#include "base/http/http1_codec.h"

#include <algorithm>
#include <cstdint>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view FromBoost(string_view text) {
  return {text.data(), text.size()};
}

bool IsTokenByte(unsigned char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || kMarks.find(c) != std::string_view::npos;
}

// Whether these bytes, which begin in front of a chunk's head, hold all of it;
// of the last chunk, the trailer too.
bool HoldChunkHead(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // Of the last data.
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return false;
  const size_t digit = bytes.find_first_not_of('0');
  const bool more_follow = digit == 0 || absl::ascii_isxdigit(bytes[digit]);
  return more_follow || bytes.find("\r\n\r\n") != std::string_view::npos;
}

// Of an answer that is none, so much is shown.
constexpr size_t kShownBytes = 64;

// A record of TLS: an alert or a handshake, of some version 3.
bool BeginsAsTls(std::string_view bytes) {
  return bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) &&
         bytes[1] == 0x03;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

}  // namespace

// One Beast parser per message behind a name that needs no Boost header.
class Http1Parser::Reader {
 public:
  virtual ~Reader() = default;
  virtual void Reset() = 0;
  virtual void Skip() = 0;
  virtual size_t Put(std::string_view bytes, Http1BodySink& body,
                     error_code& error) = 0;
  virtual void PutEnd(error_code& error) = 0;
  virtual bool done() const = 0;
  virtual bool keep_alive() const = 0;
  virtual bool chunked() const = 0;
  virtual std::optional<uint64_t> content_length() const = 0;
  virtual bool needs_end() const = 0;
};

// Most heads have no more.
constexpr size_t kOrdinaryFields = 16;

template <bool kIsRequest>
class Http1Parser::BeastReader final : public Http1Parser::Reader {
 public:
  explicit BeastReader(Http1Parser* parser) : parser_(parser) { Reset(); }

  void Reset() override {
    beast_.emplace(this);
    beast_->header_limit(UINT32_MAX);  // FindHeadEnd holds the limit.
    beast_->body_limit(parser_->limits_.body_bytes);
  }
  void Skip() override { beast_->skip(true); }
  size_t Put(std::string_view bytes, Http1BodySink& body,
             error_code& error) override {
    body_ = &body;
    beast_->eager(parser_->head_done_);
    return beast_->put(boost::asio::const_buffer(bytes.data(), bytes.size()),
                       error);
  }
  void PutEnd(error_code& error) override { beast_->put_eof(error); }
  bool done() const override { return beast_->is_done(); }
  bool keep_alive() const override { return beast_->keep_alive(); }
  bool chunked() const override { return beast_->chunked(); }
  std::optional<uint64_t> content_length() const override {
    const auto length = beast_->content_length();
    if (!length) return std::nullopt;
    return *length;
  }
  bool needs_end() const override { return beast_->need_eof(); }

 private:
  class Message final : public http::basic_parser<kIsRequest> {
   public:
    explicit Message(BeastReader* reader) : reader_(reader) {}

   private:
    void on_request_impl(http::verb, string_view method, string_view target,
                         int version, error_code&) override {
      reader_->parser_->method_ = FromBoost(method);
      reader_->parser_->target_ = FromBoost(target);
      reader_->parser_->version_ = version;
    }
    void on_response_impl(int status, string_view, int version,
                          error_code&) override {
      reader_->parser_->status_ = status;
      reader_->parser_->version_ = version;
    }
    void on_field_impl(http::field, string_view name, string_view value,
                       error_code& error) override {
      if (!reader_->OnField({FromBoost(name), FromBoost(value)})) {
        error = http::error::bad_field;
      }
    }
    void on_header_impl(error_code&) override {
      reader_->parser_->head_done_ = true;
    }
    void on_body_init_impl(const boost::optional<std::uint64_t>&,
                           error_code&) override {}
    std::size_t on_body_impl(string_view piece, error_code&) override {
      reader_->body_->OnBody(FromBoost(piece));
      return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view extension,
                              error_code& error) override {
      // Beast takes anything between quotes; another server may take a line
      // feed there for the end of the line.
      if (!IsFieldValue(FromBoost(extension))) {
        error = http::error::bad_chunk_extension;
      }
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece,
                                   error_code&) override {
      reader_->parser_->payload_bytes_ += piece.size();
      reader_->body_->OnBody(FromBoost(piece));
      return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    BeastReader* const reader_;
  };

  bool OnField(const HttpField& field) {
    if (parser_->head_done_) return true;  // A trailer: nobody asked for it.
    if (parser_->fields_.size() >= parser_->limits_.fields) {
      parser_->too_many_fields_ = true;
      return false;
    }
    if (parser_->fields_.capacity() == 0) {
      parser_->fields_.reserve(kOrdinaryFields);
    }
    parser_->fields_.push_back(field);
    return true;
  }

  Http1Parser* const parser_;
  std::optional<Message> beast_;
  Http1BodySink* body_ = nullptr;
};

Http1Parser::Http1Parser(Kind kind, const Limits& limits)
    : kind_(kind), limits_(limits) {
  if (kind == Kind::kRequests) {
    reader_ = std::make_unique<BeastReader<true>>(this);
  } else {
    reader_ = std::make_unique<BeastReader<false>>(this);
  }
}

Http1Parser::~Http1Parser() = default;

void Http1Parser::Next() {
  reader_->Reset();
  begun_ = false;
  head_done_ = false;
  head_scanned_ = 0;
  head_line_ = 0;
  too_many_fields_ = false;
  chunked_bytes_ = 0;
  payload_bytes_ = 0;
  fields_.clear();
}

void Http1Parser::SkipBody() { reader_->Skip(); }

absl::StatusOr<size_t> Http1Parser::Put(std::string_view bytes,
                                        Http1BodySink& body) {
  if (done()) return 0;
  if (head_done_) return PutBody(bytes, body);

  size_t empty_lines = 0;
  if (!begun_ && kind_ == Kind::kRequests) {
    // Some clients send an empty line behind a body (RFC 9112 §2.2).
    while (bytes.substr(empty_lines, 2) == "\r\n") empty_lines += 2;
    bytes.remove_prefix(empty_lines);
    if (bytes == "\r") return empty_lines;
  }
  if (bytes.empty()) return empty_lines;
  begun_ = true;
  GATEWAY_ASSIGN_OR_RETURN(const size_t head, FindHeadEnd(bytes));
  if (head == 0) return empty_lines;
  // Given less than a whole head, Beast would read what there is of it, and
  // the views would point into bytes that the caller then reads over.
  GATEWAY_RETURN_IF_ERROR(PutToBeast(bytes.substr(0, head), body).status());
  if (!head_done_) return absl::InvalidArgumentError("the head is malformed");
  if (kind_ == Kind::kRequests) GATEWAY_RETURN_IF_ERROR(CheckRequestHead());
  return empty_lines + head;
}

absl::StatusOr<size_t> Http1Parser::PutBody(std::string_view bytes,
                                            Http1BodySink& body) {
  GATEWAY_ASSIGN_OR_RETURN(const size_t used, PutToBeast(bytes, body));
  if (!chunked()) return used;
  chunked_bytes_ += used;
  if (chunked_bytes_ - payload_bytes_ >
      kFramingBytesFree + kFramingBytesPerByte * payload_bytes_) {
    return absl::InvalidArgumentError(
        "the chunks of the body are framing more than body");
  }
  return used;
}

absl::StatusOr<size_t> Http1Parser::FindHeadEnd(std::string_view bytes) {
  if (head_line_ == 0 && !BeginsAsHead(bytes)) {
    if (kind_ == Kind::kRequests) {
      return absl::InvalidArgumentError("this is not HTTP/1.1");
    }
    return absl::InvalidArgumentError(absl::StrCat(
        BeginsAsTls(bytes) ? "it speaks TLS, to which https:// belongs"
                           : "this is not HTTP/1.1",
        "; it begins: ",
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

absl::StatusOr<size_t> Http1Parser::PutToBeast(std::string_view bytes,
                                               Http1BodySink& body) {
  if (bytes.empty()) return 0;
  error_code error;
  const size_t used = reader_->Put(bytes, body, error);
  if (error == http::error::need_more && head_done_ && !done() && chunked() &&
      HoldChunkHead(bytes.substr(used))) {
    // Beast looks for the end of a quoted text beyond that of the line.
    return absl::InvalidArgumentError("a chunk's extension is malformed");
  }
  if (!error || error == http::error::need_more) return used;
  if (error == http::error::body_limit) {
    // Beast finds a Content-Length too large before it calls the head done.
    head_done_ = true;
    return absl::OutOfRangeError(absl::StrCat(
        "the body is larger than ", limits_.body_bytes, " bytes"));
  }
  if (too_many_fields_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the head has more than ", limits_.fields, " fields"));
  }
  return absl::InvalidArgumentError(error.message());
}

absl::Status Http1Parser::PutEnd() {
  if (done() || idle()) return absl::OkStatus();
  error_code error;
  if (head_done_) reader_->PutEnd(error);
  if (error || !head_done_) {
    return absl::UnavailableError("the connection closed within a message");
  }
  return absl::OkStatus();
}

absl::Status Http1Parser::CheckRequestHead() const {
  int hosts = 0;
  int codings = 0;
  for (const HttpField& field : fields_) {
    if (EqualsIgnoreCase(field.name, "host")) ++hosts;
    if (EqualsIgnoreCase(field.name, "transfer-encoding")) {
      ++codings;
      if (!EqualsIgnoreCase(field.value, "chunked")) {
        return absl::InvalidArgumentError(
            absl::StrCat("Transfer-Encoding '", ToAbsl(field.value),
                         "' is not understood: send chunked"));
      }
    }
  }
  if (codings > 1 || (codings == 1 && !is_http11())) {
    return absl::InvalidArgumentError(
        "Transfer-Encoding must stand once, in HTTP/1.1");
  }
  if (hosts > 1 || (hosts == 0 && is_http11())) {
    return absl::InvalidArgumentError("Host must stand exactly once");
  }
  return absl::OkStatus();
}

bool Http1Parser::done() const { return reader_->done(); }

std::string_view Http1Parser::Find(std::string_view lower_name) const {
  for (const HttpField& field : fields_) {
    if (EqualsIgnoreCase(field.name, lower_name)) return field.value;
  }
  return {};
}

void Http1Parser::MoveHead(ptrdiff_t offset) {
  const auto move = [offset](std::string_view& text) {
    text = {text.data() + offset, text.size()};
  };
  move(method_);
  move(target_);
  for (HttpField& field : fields_) {
    move(field.name);
    move(field.value);
  }
}

bool Http1Parser::keep_alive() const { return reader_->keep_alive(); }

bool Http1Parser::chunked() const { return reader_->chunked(); }

std::optional<uint64_t> Http1Parser::content_length() const {
  return reader_->content_length();
}

bool Http1Parser::ends_with_connection() const { return reader_->needs_end(); }

bool Http1Parser::expects_continue() const {
  return is_http11() && EqualsIgnoreCase(Find("expect"), "100-continue");
}

absl::Status ExplainBadAnswer(const absl::Status& status) {
  if (absl::IsResourceExhausted(status) || absl::IsOutOfRange(status)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server's answer is too large: ", status.message()));
  }
  if (absl::IsInvalidArgument(status)) {
    return absl::InternalError(
        absl::StrCat("the server's answer is not HTTP: ", status.message()));
  }
  return status;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view HttpReasonPhrase(int status) {
  if (status == 499) return "Client Closed Request";
  if (status == 529) return "Site Overloaded";
  const http::status known = http::int_to_status(status);
  if (known == http::status::unknown) return "Unknown";
  return FromBoost(http::obsolete_reason(known));
}

void AppendStatusLine(int status, std::string* out) {
  absl::StrAppend(out, "HTTP/1.1 ", status, " ",
                  ToAbsl(HttpReasonPhrase(status)), "\r\n");
}

void AppendField(std::string_view name, std::string_view value,
                 std::string* out) {
  out->append(name);
  out->append(": ");
  out->append(value);
  out->append("\r\n");
}

bool IsFieldValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return (c >= 0x20 && c != 0x7f) || c == '\t';
  });
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsTokenByte);
}

}  // namespace gateway
