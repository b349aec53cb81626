#include "base/http1_codec.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view FromBoost(string_view text) {
  return {text.data(), text.size()};
}

bool IsWithin(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() &&
                          part.data() < whole.data() + whole.size());
}

bool IsTokenByte(unsigned char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || kMarks.find(c) != std::string_view::npos;
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

template <bool kIsRequest>
class Http1Parser::BeastReader final : public Http1Parser::Reader {
 public:
  explicit BeastReader(Http1Parser* parser) : parser_(parser) { Reset(); }

  void Reset() override {
    beast_.emplace(this);
    beast_->header_limit(parser_->limits_.head_bytes);
    beast_->body_limit(parser_->limits_.body_bytes);
  }
  void Skip() override { beast_->skip(true); }
  size_t Put(std::string_view bytes, Http1BodySink& body,
             error_code& error) override {
    input_ = bytes;
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
    void on_chunk_header_impl(std::uint64_t, string_view,
                              error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece,
                                   error_code& error) override {
      // Beast holds chunked bodies to no limit.
      chunked_bytes_ += piece.size();
      if (chunked_bytes_ > reader_->parser_->limits_.body_bytes) {
        error = http::error::body_limit;
        return 0;
      }
      reader_->body_->OnBody(FromBoost(piece));
      return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    BeastReader* const reader_;
    uint64_t chunked_bytes_ = 0;
  };

  bool OnField(const HttpField& field) {
    if (parser_->head_done_) return true;  // A trailer: nobody asked for it.
    if (!IsWithin(field.value, input_)) {
      // Beast unfolds folded lines into a buffer of its own.
      parser_->field_error_ = absl::StrCat(
          "the field '", ToAbsl(field.name),
          "' is folded over several lines");
      return false;
    }
    if (parser_->fields_.size() >= parser_->limits_.fields) {
      parser_->field_error_ =
          absl::StrCat("more than ", parser_->limits_.fields, " fields");
      return false;
    }
    parser_->fields_.push_back(field);
    return true;
  }

  Http1Parser* const parser_;
  std::optional<Message> beast_;
  std::string_view input_;  // What is being put.
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
  fields_.clear();
  field_error_.clear();
}

void Http1Parser::SkipBody() { reader_->Skip(); }

absl::StatusOr<size_t> Http1Parser::Put(std::string_view bytes,
                                        Http1BodySink& body) {
  if (bytes.empty() || done()) return 0;
  begun_ = true;
  const bool had_head = head_done_;
  error_code error;
  const size_t used = reader_->Put(bytes, body, error);
  if (error == http::error::need_more) error = {};
  if (error == http::error::header_limit) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the head is larger than ", limits_.head_bytes, " bytes"));
  }
  if (error == http::error::body_limit) {
    return absl::OutOfRangeError(absl::StrCat(
        "the body is larger than ", limits_.body_bytes, " bytes"));
  }
  if (!field_error_.empty()) return absl::InvalidArgumentError(field_error_);
  if (error) return absl::InvalidArgumentError(error.message());
  if (!had_head && head_done_ && kind_ == Kind::kRequests) {
    const absl::Status checked = CheckRequestHead();
    if (!checked.ok()) return checked;
  }
  return used;
}

absl::Status Http1Parser::PutEnd() {
  if (done() || idle()) return absl::OkStatus();
  error_code error;
  reader_->PutEnd(error);
  if (error) {
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

void Http1Parser::KeepFields(std::string& storage) {
  size_t size = 0;
  for (const HttpField& field : fields_) {
    size += field.name.size() + field.value.size();
  }
  storage.clear();
  storage.reserve(size);  // The views must not move.
  const auto keep = [&storage](std::string_view& text) {
    const size_t at = storage.size();
    storage.append(text);
    text = std::string_view(storage).substr(at);
  };
  for (HttpField& field : fields_) {
    keep(field.name);
    keep(field.value);
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
