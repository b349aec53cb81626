// However the body of a gRPC request is cut, and whenever its messages are
// asked for, the same messages come out of it, none is over the limit, and all
// its bytes are given back to the stream's window once.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http/zlib_codec.h"
#include "base/os/clock.h"
#include "base/memory/byte_budget.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/message_deframer.h"
#include "service/rpc/message_encoding.h"

namespace gateway {
namespace {

// What a growing buffer has at least.
constexpr size_t kSlackBytes = 2048;

struct Outcome {
  std::vector<std::string> messages;
  absl::Status status;  // Of the messages, or else of the end.
};

void Require(bool condition) {
  if (!condition) std::abort();
}

class Body {
 public:
  Body(MessageEncoding encoding, size_t limit)
      : limit_(limit), deframer_(encoding, limit, share_, inflating_) {}

  // `wanted` messages at most are asked for.
  void Feed(std::string_view bytes, size_t wanted) {
    // A copy of the exact size, so that reading past it is noticed.
    const std::vector<char> piece(bytes.begin(), bytes.end());
    fed_ += piece.size();
    deframer_.Feed({piece.data(), piece.size()});
    Read(wanted);
    Settle();
  }

  Outcome End() {
    Read(SIZE_MAX);
    Settle();
    Require(credited_ == fed_);
    if (outcome_.status.ok()) outcome_.status = deframer_.CheckEnd();
    return outcome_;
  }

 private:
  void Read(size_t wanted) {
    std::string_view message;
    for (; wanted > 0; --wanted) {
      const absl::StatusOr<bool> whole = deframer_.Next(&message);
      Require(deframer_.memory_bytes() <= 2 * fed_ + limit_ + kSlackBytes);
      outcome_.status = whole.status();
      if (!whole.ok() || !*whole) return;
      Require(message.size() <= limit_);
      outcome_.messages.emplace_back(message);
    }
  }

  void Settle() {
    credited_ += deframer_.Settle();
    Require(credited_ <= fed_);
    Require(deframer_.memory_bytes() <= 2 * fed_ + kSlackBytes);
  }

  const size_t limit_;
  ByteBudget budget_{SIZE_MAX};
  ByteBudget::Share share_{budget_};
  InflateAllowance inflating_{limit_, SystemClock()};
  MessageDeframer deframer_;
  size_t fed_ = 0;
  size_t credited_ = 0;
  Outcome outcome_;
};

Outcome Deframe(std::string_view bytes, size_t piece_bytes, size_t wanted,
                MessageEncoding encoding, size_t limit) {
  Body body(encoding, limit);
  for (size_t begin = 0; begin < bytes.size(); begin += piece_bytes) {
    body.Feed(bytes.substr(begin, piece_bytes), wanted);
  }
  return body.End();
}

void RequireSame(const Outcome& a, const Outcome& b) {
  Require(a.messages == b.messages);
  Require(a.status == b.status);
}

void CheckInflate(ZlibFormat format, std::string_view bytes, size_t limit) {
  std::string text;
  const bool inflated = Inflate(format, bytes, limit, &text).ok();
  Require(text.size() <= limit);
  // A string does not grow by less than to twice what it has in itself.
  Require(text.capacity() <= std::max(limit, 2 * std::string().capacity()));
  if (!inflated) return;
  std::string compressed;
  std::string again;
  Require(CompressGzip(text, &compressed).ok());
  Require(Inflate(ZlibFormat::kGzip, compressed, text.size(), &again).ok());
  Require(again == text);
}

}  // namespace
}  // namespace gateway

// The first three bytes say how the rest is cut, how it is encoded and what
// the limit is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3,
                               size - 3);
  const size_t piece_bytes = data[0] % 64 + 1;
  const auto encoding = static_cast<gateway::MessageEncoding>(data[1] % 3);
  const size_t limit = size_t{data[2]} * 16;

  const gateway::Outcome whole =
      gateway::Deframe(bytes, size, SIZE_MAX, encoding, limit);
  gateway::RequireSame(
      whole, gateway::Deframe(bytes, piece_bytes, SIZE_MAX, encoding, limit));
  // Asked for slowly, and only at the end.
  gateway::RequireSame(
      whole, gateway::Deframe(bytes, piece_bytes, 1, encoding, limit));
  gateway::RequireSame(
      whole, gateway::Deframe(bytes, piece_bytes, 0, encoding, limit));

  gateway::CheckInflate(gateway::ZlibFormat::kGzip, bytes, limit);
  gateway::CheckInflate(gateway::ZlibFormat::kZlib, bytes, limit);
  return 0;
}
