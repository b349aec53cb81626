// Reads the golden files of a dialect.
//
//   for (const Golden& golden : GoldensIn("anthropic_messages/requests")) ...

#ifndef TESTS_PROVIDERS_DIALECTS_GOLDEN_FILES_H_
#define TESTS_PROVIDERS_DIALECTS_GOLDEN_FILES_H_

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/os/file.h"
#include "gtest/gtest.h"

namespace gateway {

struct Golden {
  std::string name;  // Without directory and ending.
  std::string text;
};

inline std::string ReadGolden(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile("tests/golden/" + path, 1 << 20);
  EXPECT_TRUE(text.ok()) << path << ": " << text.status();
  return text.value_or("");
}

// Sorted by name. There is at least one, or the test fails.
inline std::vector<Golden> GoldensIn(const std::string& directory) {
  std::vector<Golden> goldens;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/golden/" + directory)) {
    const std::filesystem::path& path = entry.path();
    goldens.push_back(
        {.name = path.stem().string(),
         .text = ReadGolden(directory + "/" + path.filename().string())});
  }
  EXPECT_FALSE(goldens.empty()) << directory;
  std::sort(goldens.begin(), goldens.end(),
            [](const Golden& a, const Golden& b) { return a.name < b.name; });
  return goldens;
}

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_GOLDEN_FILES_H_
