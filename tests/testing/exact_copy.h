// ExactCopy is a copy of a text in memory of just its size, so that
// AddressSanitizer notices a look at the byte behind it.
//
//   const ExactCopy body(text);
//   EXPECT_TRUE(ScanRequest(body.view(), &scan).ok());
//
// Thread-compatible.

#ifndef TESTS_TESTING_EXACT_COPY_H_
#define TESTS_TESTING_EXACT_COPY_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace gateway {

class ExactCopy {
 public:
  explicit ExactCopy(std::string_view text)
      : size_(text.size()), bytes_(new char[text.size()]) {
    text.copy(bytes_.get(), text.size());
  }

  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  const size_t size_;
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_EXACT_COPY_H_
