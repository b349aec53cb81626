// However what a Redis server sends is cut, the same replies come out of it,
// and none of them is beyond the limits.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/redis/redis_error.h"
#include "base/redis/redis_reader.h"
#include "base/redis/redis_reply.h"

namespace gateway {
namespace {

constexpr size_t kBytesLimit = 64 * 1024;
constexpr size_t kElementsLimit = 1024;

void Require(bool condition) {
  if (!condition) std::abort();
}

// Writes a value down, going to each part of it in two ways. Returns how many
// elements its arrays have.
size_t Describe(const RedisValue& value, std::string* out) {
  out->push_back(static_cast<char>('0' + static_cast<int>(value.type())));
  out->append(std::to_string(value.integer()));
  out->append(value.text());
  if (value.is_error()) RedisErrorStatus(value.text()).IgnoreError();
  size_t elements = value.size();
  size_t index = 0;
  out->push_back('[');
  for (const RedisValue element : value) {
    Require(value[index].type() == element.type());
    ++index;
    elements += Describe(element, out);
  }
  out->push_back(']');
  Require(index == value.size());
  return elements;
}

struct Outcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::vector<std::string> replies;
};

Outcome Read(std::string_view bytes, size_t piece_bytes) {
  Outcome outcome;
  RedisReader reader({.bytes = kBytesLimit, .elements = kElementsLimit});
  for (size_t begin = 0; begin < bytes.size(); begin += piece_bytes) {
    // A copy of the exact size, so that reading past it is noticed.
    const std::vector<char> piece(
        bytes.begin() + begin,
        bytes.begin() + begin + std::min(piece_bytes, bytes.size() - begin));
    absl::Status status = reader.Feed({piece.data(), piece.size()});
    for (;;) {
      RedisReply reply;
      const absl::StatusOr<bool> whole = reader.Next(&reply);
      outcome.code = whole.status().code();
      Require(status.ok() || !whole.ok());
      if (!whole.ok()) return outcome;
      if (!*whole) break;
      Require(reply.bytes() <= kBytesLimit);
      outcome.replies.emplace_back();
      Require(Describe(reply.value(), &outcome.replies.back()) <=
              kElementsLimit);
    }
  }
  return outcome;
}

}  // namespace
}  // namespace gateway

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const gateway::Outcome whole = gateway::Read(bytes, size);
  const gateway::Outcome cut = gateway::Read(bytes, data[0] % 64 + 1);
  gateway::Require(whole.replies == cut.replies);
  gateway::Require((whole.code == absl::StatusCode::kOk) ==
                   (cut.code == absl::StatusCode::kOk));
  return 0;
}
