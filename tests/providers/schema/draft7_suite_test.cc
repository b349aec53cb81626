// The official suite of draft 7, from Debian's json-schema-test-suite: every
// file of its folder but optional/, each test a case of its own.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "providers/schema/json_schema.h"

namespace gateway {
namespace {

constexpr char kFolder[] = "/usr/share/json-schema-test-suite/tests/draft7";

// Left out, with the reason.
constexpr std::string_view kLeftOut[] = {
    // Each of its schemas is in another document, to be fetched over HTTP;
    // here nothing is fetched, which ARemoteReferenceIsRefused shows.
    "refRemote.json",
};

struct SuiteCase {
  std::string name;
  std::string schema;
  std::string data;
  bool valid = false;
};

void PrintTo(const SuiteCase& one, std::ostream* out) {
  *out << one.name << "\nschema: " << one.schema << "\ndata: " << one.data;
}

nlohmann::json ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return nlohmann::json::parse(text, /*cb=*/nullptr,
                               /*allow_exceptions=*/false);
}

std::string AsTestName(const std::string& text) {
  std::string name;
  for (const char c : text) {
    name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return name;
}

std::vector<SuiteCase> LoadSuite() {
  std::vector<SuiteCase> cases;
  std::error_code missing;
  for (const auto& entry :
       std::filesystem::directory_iterator(kFolder, missing)) {
    const std::string file = entry.path().filename().string();
    if (!entry.is_regular_file() || file == kLeftOut[0]) continue;
    for (const auto& group : ReadFile(entry.path())) {
      for (const auto& test : group["tests"]) {
        cases.push_back(
            {AsTestName(absl::StrCat(cases.size(), "_", file, "_",
                                     group["description"].dump(), "_",
                                     test["description"].dump())),
             group["schema"].dump(), test["data"].dump(),
             test["valid"].get<bool>()});
      }
    }
  }
  return cases;
}

class Draft7SuiteTest : public testing::TestWithParam<SuiteCase> {};

TEST_P(Draft7SuiteTest, IsCheckedAsTheSuiteSays) {
  const absl::StatusOr<std::shared_ptr<const JsonSchema>> schema =
      JsonSchema::Compile(GetParam().schema);
  ASSERT_TRUE(schema.ok()) << schema.status();
  const std::vector<std::string> errors = (*schema)->Validate(GetParam().data);
  EXPECT_EQ(errors.empty(), GetParam().valid) << testing::PrintToString(errors);
}

INSTANTIATE_TEST_SUITE_P(Suite, Draft7SuiteTest, testing::ValuesIn(LoadSuite()),
                         [](const auto& info) { return info.param.name; });

TEST(Draft7SuiteFolderTest, HasBeenReadWhole) {
  EXPECT_GE(LoadSuite().size(), 400u) << kFolder;
}

TEST(Draft7SuiteFolderTest, ARemoteReferenceIsRefused) {
  const auto groups =
      ReadFile(std::filesystem::path(kFolder) / std::string(kLeftOut[0]));
  ASSERT_GT(groups.size(), 0u);
  for (const auto& group : groups) {
    const auto schema = JsonSchema::Compile(group["schema"].dump());
    EXPECT_THAT(std::string(schema.status().message()),
                testing::HasSubstr("$ref: refers to another document"))
        << group["schema"];
  }
}

}  // namespace
}  // namespace gateway
