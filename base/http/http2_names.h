// Http2Names remembers, for one connection, names of fields whose values are
// new nearly each time. Such a value pushes something of use out of the table
// by which HTTP/2 compresses blocks, and costs more than it saves; a name that
// is not there is written out whole. So a field enters the table for the sake
// of its name, once and then now and then, since others push it out again.
//
//   if (names.UseOf(field.name) == Http2Names::Use::kKnown) {
//     Send(field, kWithoutKeepingIt);
//   }
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_NAMES_H_
#define BASE_HTTP_HTTP2_NAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

class Http2Names {
 public:
  // One of so many fields of a name enters the table.
  static constexpr uint8_t kFieldsUntilNext = 64;

  enum class Use : uint8_t {
    kOther,   // It is none of those names.
    kEnters,  // The table is to have it, for the sake of the name.
    kKnown,   // The table has the name; the value is not worth a place there.
  };

  // What becomes of a field of the name, which is about to be sent.
  Use UseOf(std::string_view name) {
    if (name.size() >= 64 || ((kSizes >> name.size()) & 1) == 0) {
      return Use::kOther;
    }
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i] != name) continue;
      return sent_[i]++ % kFieldsUntilNext == 0 ? Use::kEnters : Use::kKnown;
    }
    return Use::kOther;
  }

 private:
  static constexpr std::array<std::string_view, 8> kNames = {
      "ratelimit",
      "x-trace-id",
      "x-request-id",
      "x-llmgateway-usage",
      "x-llmgateway-cost-usd",
      "x-llmgateway-time-to-first-token",
      "x-llmgateway-budget-remaining-usd",
      "x-llmgateway-budget-remaining-tokens",
  };
  // A bit for each size of them.
  static constexpr uint64_t kSizes = [] {
    uint64_t sizes = 0;
    for (const std::string_view name : kNames) sizes |= 1ull << name.size();
    return sizes;
  }();
  static_assert(256 % kFieldsUntilNext == 0);

  std::array<uint8_t, kNames.size()> sent_ = {};
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_NAMES_H_
