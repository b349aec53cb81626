// Bytes that show when a piece is lost, doubled or out of place.
//
//   EXPECT_EQ(answer.body, Pattern(70'000));
//
// Thread contract: plain function.

#ifndef TESTS_TESTING_PATTERN_H_
#define TESTS_TESTING_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace gateway {

// Always the same `size` letters.
inline std::string Pattern(size_t size) {
  std::string text(size, '\0');
  uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>('a' + (state >> 24) % 26);
  }
  return text;
}

}  // namespace gateway

#endif  // TESTS_TESTING_PATTERN_H_
