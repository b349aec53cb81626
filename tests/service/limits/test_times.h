// When tests of limits take place, and for whom.
//
// Thread-safe: constants and a plain function.

#ifndef TESTS_SERVICE_LIMITS_TEST_TIMES_H_
#define TESTS_SERVICE_LIMITS_TEST_TIMES_H_

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/limits/counter_key.h"

namespace gateway {

inline constexpr int64_t kSecond = 1'000'000'000;
// The steady clock of a machine that has been up for an hour.
inline constexpr int64_t kNowNanos = 3600 * kSecond;
inline constexpr absl::Duration kNow = absl::Hours(1);

// A key of its own for each number.
inline CounterKey TestKey(int64_t i) {
  return KeyOfText(absl::StrCat("key-", i), {1, 2});
}

}  // namespace gateway

#endif  // TESTS_SERVICE_LIMITS_TEST_TIMES_H_
