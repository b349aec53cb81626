// Whatever a client sends, the parser of requests makes the same of it however
// it arrives, and never two things: no request stands for it that another
// server on the way could read otherwise.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http/http1_codec.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

constexpr Http1Parser::Limits kLimits{
    .head_bytes = 512, .body_bytes = 256, .fields = 8};

void Require(bool condition) {
  if (!condition) std::abort();
}

class Body final : public Http1BodySink {
 public:
  void OnBody(std::string_view piece) override { text_.append(piece); }
  std::string text_;
};

struct Outcome {
  absl::Status status;
  std::string requests;  // All that was read, in order.
  bool idle = false;
};

size_t Count(const Http1Parser& parser, std::string_view name) {
  size_t count = 0;
  for (const HttpField& field : parser.fields()) {
    if (EqualsIgnoreCase(field.name, name)) ++count;
  }
  return count;
}

// The rules that keep two servers from reading two different requests.
void RequireUnambiguous(const Http1Parser& parser, std::string_view head) {
  size_t lines = 0;
  for (size_t i = 0; i < head.size(); ++i) {
    Require((head[i] == '\n') == (i > 0 && head[i - 1] == '\r'));
    if (head[i] == '\n') ++lines;
  }
  // The first line, one a field, and the empty one.
  Require(lines == parser.fields().size() + 2);
  for (const HttpField& field : parser.fields()) {
    Require(IsFieldName(field.name));
    Require(IsFieldValue(field.value));
  }
  Require(IsFieldName(parser.method()));
  Require(!parser.target().empty());
  Require(parser.target().find_first_of(" \t\r\n") == std::string_view::npos);
  const size_t hosts = Count(parser, "host");
  Require(parser.is_http11() ? hosts == 1 : hosts <= 1);
  const size_t codings = Count(parser, "transfer-encoding");
  Require(codings == (parser.chunked() ? 1 : 0));
  Require(codings == 0 || Count(parser, "content-length") == 0);
  Require(!parser.ends_with_connection());
}

// The text of a chunked body, by the letter of RFC 9112 §7.1 and not a byte
// more.
std::string Dechunk(std::string_view wire) {
  std::string text;
  for (;;) {
    const size_t end = wire.find("\r\n");
    Require(end != std::string_view::npos);
    const std::string line(wire.substr(0, end));
    Require(IsFieldValue(line));
    wire.remove_prefix(end + 2);
    const size_t size = std::stoul(line, nullptr, 16);
    if (size == 0) return text;
    Require(wire.size() >= size + 2 && wire.substr(size, 2) == "\r\n");
    text += wire.substr(0, size);
    wire.remove_prefix(size + 2);
  }
}

void AppendHead(const Http1Parser& parser, std::string* out) {
  *out += std::string(parser.method()) + " " + std::string(parser.target()) +
          (parser.is_http11() ? " 1.1" : " 1.0") +
          (parser.keep_alive() ? " kept" : "") +
          (parser.expects_continue() ? " expected\n" : "\n");
  for (const HttpField& field : parser.fields()) {
    *out += std::string(field.name) + "=" + std::string(field.value) + "\n";
  }
}

// Reads requests as a connection does: what the parser has not used is put
// again with more behind it.
class Connection {
 public:
  // Returns whether to go on.
  bool Receive(std::string_view bytes) {
    unread_.append(bytes);
    while (!unread_.empty() && outcome_.status.ok()) {
      const bool had_head = parser_.head_done();
      if (!Put() && parser_.head_done() == had_head) break;
    }
    return outcome_.status.ok();
  }

  Outcome End() {
    outcome_.idle = parser_.idle();
    if (outcome_.status.ok()) outcome_.status = parser_.PutEnd();
    if (outcome_.status.ok()) outcome_.requests += body_.text_;
    return outcome_;
  }

 private:
  // Returns whether there was anything to use.
  bool Put() {
    const bool had_head = parser_.head_done();
    const ExactCopy bytes(unread_);
    const absl::StatusOr<size_t> used = parser_.Put(bytes.view(), body_);
    Require(body_.text_.size() <= kLimits.body_bytes);
    if (!used.ok()) {
      outcome_.status = used.status();
      return false;
    }
    Require(*used <= unread_.size());
    if (had_head) body_wire_ += bytes.view().substr(0, *used);
    if (!had_head && parser_.head_done()) TakeHead(bytes.view(), *used);
    unread_.erase(0, *used);
    if (parser_.done()) TakeRequest();
    return *used > 0;
  }

  // The head moves to other memory, as it does when its block is given back.
  void TakeHead(std::string_view bytes, size_t used) {
    std::string_view head = bytes.substr(0, used);
    while (head.starts_with("\r\n")) head.remove_prefix(2);
    RequireUnambiguous(parser_, head);
    head_ = std::make_unique<ExactCopy>(bytes.substr(0, used));
    parser_.MoveHead(head_->view().data() - bytes.data());
  }

  void TakeRequest() {
    AppendHead(parser_, &outcome_.requests);
    outcome_.requests += body_.text_ + "\n";
    if (parser_.chunked()) {
      Require(body_.text_ == Dechunk(body_wire_));
    } else {
      Require(body_.text_ == body_wire_);
      Require(body_.text_.size() == parser_.content_length().value_or(0));
    }
    body_.text_.clear();
    body_wire_.clear();
    parser_.Next();
  }

  Http1Parser parser_{Http1Parser::Kind::kRequests, kLimits};
  Outcome outcome_;
  std::unique_ptr<ExactCopy> head_;
  std::string unread_;
  std::string body_wire_;  // What the body was sent as.
  Body body_;
};

Outcome Read(std::string_view input, size_t piece_bytes) {
  Connection connection;
  while (!input.empty()) {
    const std::string_view piece = input.substr(0, piece_bytes);
    input.remove_prefix(piece.size());
    if (!connection.Receive(piece)) break;
  }
  return connection.End();
}

}  // namespace
}  // namespace gateway

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const gateway::Outcome whole = gateway::Read(input, input.size());
  const gateway::Outcome cut = gateway::Read(input, data[0] % 64 + 1);
  gateway::Require(whole.status.code() == cut.status.code());
  gateway::Require(whole.requests == cut.requests);
  gateway::Require(whole.idle == cut.idle);
  return 0;
}
