// The configuration that docs/providers.md shows is one.

#include <fstream>
#include <sstream>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"

namespace gateway {
namespace {

TEST(ProvidersPageTest, EverySampleIsAConfiguration) {
  std::ifstream file("docs/providers.md", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  const std::string page = bytes.str();
  const std::string begin = "```yaml\n";
  int samples = 0;
  for (size_t at = page.find(begin); at != std::string::npos;
       at = page.find(begin, at)) {
    at += begin.size();
    const std::string sample = page.substr(at, page.find("```", at) - at);
    const ConfigReading reading = ReadConfigText(
        AllProviderKinds(), sample, "sample", {}, absl::UnixEpoch());
    for (const ConfigProblem& problem : reading.problems) {
      ADD_FAILURE() << problem.ToString() << "\nin\n" << sample;
    }
    ++samples;
  }
  EXPECT_GE(samples, 7);
}

}  // namespace
}  // namespace gateway
