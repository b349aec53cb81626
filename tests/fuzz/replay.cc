// The main() of a fuzz target that is run as a plain test: each file named on
// the command line is a case of its own.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>

#include "gtest/gtest.h"

// The fuzz target, by the name and form that libFuzzer wants.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

class Replay : public testing::Test {
 public:
  explicit Replay(std::string path) : path_(std::move(path)) {}

  void TestBody() override {
    std::ifstream file(path_, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << path_;
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(LLVMFuzzerTestOneInput(
                  reinterpret_cast<const uint8_t*>(bytes.data()),
                  bytes.size()),
              0);
  }

 private:
  const std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) {
    std::cerr << "no corpus: name at least one file\n";
    return 1;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const std::string name = path.substr(path.rfind('/') + 1);
    testing::RegisterTest("Corpus", name.c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [path] { return new Replay(path); });
  }
  return RUN_ALL_TESTS();
}
