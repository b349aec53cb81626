#include "service/config/compatibility/file_form.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::llmgateway::compatibility::DomainTagRoute;
using ::llmgateway::compatibility::RouterConfigFile;
using ::llmgateway::compatibility::SettingsFile;
using ::testing::HasSubstr;

constexpr char kForeignCorpus[] = "tests/service/config/compatibility/corpus/";

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

ConfigReading ReadForeign(const std::string& text, const std::string& source) {
  return ReadConfigText(AllProviderKinds(), text, source, {},
                        absl::UnixEpoch());
}

TEST(FileFormTest, AFileIsKnownByItsOutermostKeys) {
  EXPECT_EQ(FileFormOf({}), FileForm::kOwn);
  EXPECT_EQ(FileFormOf({"providers", "routing"}), FileForm::kOwn);
  EXPECT_EQ(FileFormOf({"agents", "llmGateway"}), FileForm::kLlmGateway);
  EXPECT_EQ(FileFormOf({"proxyEnabled"}), FileForm::kLlmGateway);
  EXPECT_EQ(FileFormOf({"providers", "default_model"}),
            FileForm::kRouterConfig);
  EXPECT_EQ(FileFormOf({"router_config", "other"}),
            FileForm::kRouterConfigSection);
}

TEST(FileFormTest, EachFormHasItsSpellingAndMessage) {
  EXPECT_FALSE(SpellingOf(FileForm::kOwn).null_is_absent);
  EXPECT_EQ(SpellingOf(FileForm::kOwn).section, "");
  EXPECT_TRUE(SpellingOf(FileForm::kLlmGateway).camel_case);
  EXPECT_EQ(SpellingOf(FileForm::kRouterConfig).section, "");
  EXPECT_EQ(SpellingOf(FileForm::kRouterConfigSection).section,
            "router_config");
  EXPECT_EQ(NewFileOf(FileForm::kLlmGateway)->GetDescriptor(),
            SettingsFile::descriptor());
  EXPECT_EQ(NewFileOf(FileForm::kRouterConfigSection)->GetDescriptor(),
            RouterConfigFile::descriptor());
}

TEST(FileFormTest, ARouteOfATagMayBeItsProviderAlone) {
  DomainTagRoute route;
  EXPECT_TRUE(ReadShortForm("local", &route));
  EXPECT_EQ(route.provider_id(), "local");
  SettingsFile other;
  EXPECT_FALSE(ReadShortForm("local", &other));
}

// Each file of the corpus has an `.expected` beside it: what it is answered
// with, problems and, behind them, warnings.
TEST(FileFormTest, AnswersTheCorpusAsWritten) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kForeignCorpus)) {
    std::filesystem::path path = entry.path();
    if (path.extension() == ".expected") continue;
    ++files;
    const std::string source = path.filename().string();
    const ConfigReading reading = ReadForeign(FileText(path.string()), source);
    std::string answer;
    for (const ConfigProblem& problem : reading.problems) {
      absl::StrAppend(&answer, problem.ToString(), "\n");
    }
    for (const ConfigProblem& warning : reading.warnings) {
      absl::StrAppend(&answer, "warning: ", warning.ToString(), "\n");
    }
    EXPECT_EQ(answer, FileText(path.replace_extension(".expected").string()))
        << source;
    EXPECT_EQ(reading.snapshot == nullptr, !reading.problems.empty());
  }
  EXPECT_GE(files, 10);
}

// What is shown of such a file is a file of our own that means the same.
TEST(FileFormTest, WhatIsShownReadsAsTheSame) {
  for (const char* name : {"settings_minimal", "settings_three_providers",
                           "router_minimal", "router_whole"}) {
    const ConfigReading first = ReadForeign(
        FileText(absl::StrCat(kForeignCorpus, name, ".json")), name);
    ASSERT_NE(first.snapshot, nullptr) << name;
    const ConfigReading second =
        ReadForeign(first.snapshot->masked_yaml(), name);
    ASSERT_NE(second.snapshot, nullptr) << name;
    EXPECT_EQ(second.snapshot->checksum(), first.snapshot->checksum()) << name;
  }
}

void CollectFields(const Descriptor& type, bool camel_case,
                   std::vector<std::string>* names) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    names->push_back(camel_case ? field.camelcase_name() : field.name());
    const Descriptor* inner = field.message_type();
    if (field.is_map()) inner = inner->map_value()->message_type();
    if (inner != nullptr) CollectFields(*inner, camel_case, names);
  }
}

TEST(FileFormTest, ThePageTellsOfEveryField) {
  const std::string page = FileText("docs/compatible_configurations.md");
  std::vector<std::string> names;
  CollectFields(*SettingsFile::descriptor(), /*camel_case=*/true, &names);
  CollectFields(*RouterConfigFile::descriptor(), /*camel_case=*/false, &names);
  for (const std::string& name : names) {
    EXPECT_THAT(page, ::testing::AnyOf(HasSubstr("`" + name + "`"),
                                       HasSubstr("." + name + "`")))
        << name;
  }
}

}  // namespace
}  // namespace gateway
