#include "service/api/duration_text.h"

#include <cassert>

#include "base/text/decimal.h"

namespace gateway {
namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kWholeSecond = 1000 * kMillisecond;
constexpr uint64_t kMinute = 60 * kWholeSecond;
constexpr uint64_t kHour = 60 * kMinute;

// `number / unit` with as many decimals as it has, and no zeros behind them.
char* WriteQuotient(uint64_t number, uint64_t unit, char* out) {
  out = WriteDecimal(number / unit, out);
  uint64_t rest = number % unit;
  if (rest == 0) return out;
  *out++ = '.';
  while (rest != 0) {
    unit /= 10;
    *out++ = static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return out;
}

char* WriteShort(uint64_t number, char* out) {
  if (number >= kMillisecond) {
    out = WriteQuotient(number, kMillisecond, out);
    *out++ = 'm';
  } else if (number >= kMicrosecond) {
    out = WriteQuotient(number, kMicrosecond, out);
    *out++ = 'u';
  } else {
    out = WriteDecimal(number, out);
    *out++ = 'n';
  }
  *out++ = 's';
  return out;
}

}  // namespace

char* WriteDuration(int64_t nanoseconds, char* out) {
  assert(nanoseconds >= 0);
  auto left = static_cast<uint64_t>(nanoseconds);
  if (left == 0) {
    *out++ = '0';
    return out;
  }
  if (left < kWholeSecond) return WriteShort(left, out);
  if (left >= kHour) {
    out = WriteDecimal(left / kHour, out);
    *out++ = 'h';
    left %= kHour;
  }
  if (left >= kMinute) {
    out = WriteDecimal(left / kMinute, out);
    *out++ = 'm';
    left %= kMinute;
  }
  if (left == 0) return out;
  out = WriteQuotient(left, kWholeSecond, out);
  *out++ = 's';
  return out;
}

}  // namespace gateway
