#include "service/config/config_reader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "proto/field_marks.h"
#include "providers/registry/all_providers.h"
#include "service/config/applied_references.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::llmgateway::config::v1::GatewayConfig;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kCorpus[] = "tests/service/config/corpus/";

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::vector<std::string> Lines(const ConfigReading& reading) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : reading.problems) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

ConfigReading ReadText(const std::string& text,
                       const Environment& environment = {}) {
  return ReadConfigText(AllProviderKinds(), text, "f", environment,
                        absl::UnixEpoch());
}

// Each `x.yaml` or `x.json` of the corpus has an `x.expected` beside it: the
// lines that it is answered with, or none if it is good.
TEST(ConfigReaderTest, AnswersTheCorpusAsWritten) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() == ".expected") continue;
    ++files;
    const std::string source = path.filename().string();
    const ConfigReading reading =
        ReadConfigText(AllProviderKinds(), Slurp(path.string()), source, {},
                       absl::UnixEpoch());
    std::string answer;
    for (const std::string& line : Lines(reading)) {
      absl::StrAppend(&answer, line, "\n");
    }
    std::filesystem::path expected = path;
    EXPECT_EQ(answer, Slurp(expected.replace_extension(".expected").string()))
        << source;
    EXPECT_EQ(reading.snapshot == nullptr, !reading.problems.empty());
  }
  EXPECT_GE(files, 15);
}

TEST(ConfigReaderTest, SaysThatAFileCannotBeRead) {
  EXPECT_THAT(
      Lines(ReadConfigFile(AllProviderKinds(), "/nonexistent/x.yaml", {},
                           absl::UnixEpoch())),
      ElementsAre(HasSubstr("/nonexistent/x.yaml: cannot open the file: ")));
}

TEST(ConfigReaderTest, TheEnvironmentOverridesTheFile) {
  const ConfigReading reading = ReadText(
      "providers: [{name: mock, mock: {}}]\n"
      "listeners: {http: {address: '127.0.0.1:1'}}\n",
      {{"LLM_GATEWAY_LISTENERS_HTTP_ADDRESS", "127.0.0.1:2"}});
  ASSERT_NE(reading.snapshot, nullptr);
  EXPECT_EQ(reading.snapshot->config().listeners().http().address(),
            "127.0.0.1:2");
}

TEST(ConfigReaderTest, MistakesOfFileAndEnvironmentComeTogether) {
  EXPECT_THAT(Lines(ReadText("providers: [{name: mock, mock: {x: 1}}]\n"
                             "routing: {default_target: openai}\n",
                             {{"LLM_GATEWAY_LOGGING_LEVEL", "loud"}})),
              ElementsAre(HasSubstr("f:1:33: providers[0].mock.x: unknown"),
                          HasSubstr("f:2:11: routing.default_target.provider:"),
                          HasSubstr("environment: LLM_GATEWAY_LOGGING_LEVEL")));
}

TEST(ConfigReaderTest, WhatItShowsReadsAsTheSame) {
  const ConfigReading first = ReadText(
      "providers: [{name: mock, mock: {}},\n"
      "            {name: openai, openai: {api_key: 'env:KEY'}}]\n");
  ASSERT_NE(first.snapshot, nullptr);
  const ConfigReading second = ReadText(first.snapshot->masked_yaml());
  ASSERT_NE(second.snapshot, nullptr);
  EXPECT_EQ(second.snapshot->checksum(), first.snapshot->checksum());
}

TEST(QuickstartTest, WorksWithoutAnyKey) {
  const ConfigReading reading =
      ReadConfigFile(AllProviderKinds(), "deploy/config/quickstart.yaml", {},
                     absl::UnixEpoch());
  EXPECT_THAT(Lines(reading), IsEmpty());
  ASSERT_NE(reading.snapshot, nullptr);
  EXPECT_EQ(reading.snapshot->CredentialOf("openai"),
            ConfigSnapshot::Credential::kAbsent);
  // A key that was mistyped is no reason to make an answer up.
  EXPECT_TRUE(reading.snapshot->config().routing().strict());
  EXPECT_EQ(reading.snapshot->config().routing().default_target().model(),
            "mock-model");
  EXPECT_EQ(reading.warnings.size(), 2u);
}

// The reference with its disabled fields enabled: a '#' without a space.
std::string EnableAll(const std::string& text) {
  return std::regex_replace(text, std::regex("\n( *)#([^ \n])"), "\n$1$2");
}

GatewayConfig LoadYaml(const std::string& text) {
  ConfigProblems problems("f");
  const LoadedConfig loaded = LoadConfigText(text, &problems);
  EXPECT_TRUE(problems.empty()) << problems.Sorted()[0].ToString();
  return loaded.config;
}

TEST(ProductionTest, IsGoodWithoutItsKeysAndUsesEverySectionOfPlanAndAttempt) {
  const ConfigReading reading =
      ReadConfigFile(AllProviderKinds(), "deploy/config/production.yaml", {},
                     absl::UnixEpoch());
  EXPECT_THAT(Lines(reading), IsEmpty());
  const GatewayConfig config = LoadYaml(Slurp("deploy/config/production.yaml"));
  for (const Message* section : std::initializer_list<const Message*>{
           &config.routing(), &config.resilience()}) {
    const Descriptor& type = *section->GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      // Whoever is strict has no default.
      if (field.name() == "strict") continue;
      const google::protobuf::Reflection& used = *section->GetReflection();
      EXPECT_TRUE(field.is_repeated() ? used.FieldSize(*section, &field) > 0
                                      : used.HasField(*section, &field))
          << field.full_name();
    }
  }
}

TEST(ReferenceTest, SpellsOutEveryDefault) {
  const std::string text = Slurp("deploy/config/reference.yaml");
  GatewayConfig defaults;
  defaults.add_providers()->set_name("openai");
  defaults.mutable_providers(0)->mutable_openai();
  defaults.add_providers()->set_name("anthropic");
  defaults.mutable_providers(1)->mutable_anthropic();
  defaults.add_providers()->set_name("gemini");
  defaults.mutable_providers(2)->mutable_gemini();
  defaults.add_providers()->set_name("azure");
  defaults.mutable_providers(3)->mutable_azure_openai()->set_base_url(
      "https://example.openai.azure.com");
  defaults.add_providers()->set_name("deepseek");
  defaults.mutable_providers(4)->mutable_deepseek();
  defaults.add_providers()->set_name("openrouter");
  defaults.mutable_providers(5)->mutable_openrouter();
  defaults.add_providers()->set_name("ollama");
  defaults.mutable_providers(6)->mutable_ollama();
  defaults.add_providers()->set_name("local");
  defaults.mutable_providers(7)->mutable_local_cli();
  defaults.add_providers()->set_name("vllm");
  defaults.mutable_providers(8)->mutable_openai_compatible()->set_preset(
      llmgateway::config::v1::OpenAiCompatibleProvider::PRESET_VLLM);
  defaults.add_providers()->set_name("mock");
  defaults.mutable_providers(9)->mutable_mock();
  ApplyDefaults(AllProviderKinds(), &defaults);
  EXPECT_EQ(LoadYaml(text).DebugString(), defaults.DebugString());
  EXPECT_THAT(Lines(ReadText(text)), IsEmpty());
}

// Messages of which the file has one value.
bool IsOneValue(const Descriptor& type) {
  return type.full_name() == "google.protobuf.Duration" ||
         type.full_name() == "google.protobuf.Timestamp";
}

void CollectSchema(const Descriptor& type, std::set<std::string>* names) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!IsServed(field)) continue;
    if (!names->insert(field.full_name()).second) continue;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
        !field.is_map() && !IsOneValue(*field.message_type())) {
      CollectSchema(*field.message_type(), names);
    }
  }
}

void CollectUsed(const Message& message, std::set<std::string>* names) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    names->insert(field->full_name());
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
        field->is_map() || IsOneValue(*field->message_type())) {
      continue;
    }
    if (field->is_repeated()) {
      for (int i = 0; i < message.GetReflection()->FieldSize(message, field);
           ++i) {
        CollectUsed(
            message.GetReflection()->GetRepeatedMessage(message, field, i),
            names);
      }
    } else {
      CollectUsed(message.GetReflection()->GetMessage(message, field), names);
    }
  }
}

// A truth value that the file shows as false counts as not given.
bool MustBeShown(const std::string& field) {
  return field != "llmgateway.config.v1.AuthConfig.insecure_allow_anonymous";
}

TEST(ReferenceTest, ShowsEveryFieldThatIsServed) {
  std::set<std::string> all;
  CollectSchema(*GatewayConfig::descriptor(), &all);
  std::set<std::string> schema;
  std::copy_if(all.begin(), all.end(), std::inserter(schema, schema.end()),
               MustBeShown);
  std::set<std::string> shown;
  CollectUsed(LoadYaml(EnableAll(Slurp("deploy/config/reference.yaml"))),
              &shown);
  std::vector<std::string> missing;
  std::set_difference(schema.begin(), schema.end(), shown.begin(), shown.end(),
                      std::back_inserter(missing));
  EXPECT_THAT(missing, IsEmpty());
}

TEST(ReferenceTest, IsGoodWithEverythingEnabledButForItsFiles) {
  for (const std::string& line :
       Lines(ReadText(EnableAll(Slurp("deploy/config/reference.yaml"))))) {
    EXPECT_THAT(line,
                testing::AnyOf(HasSubstr("No such file or directory"),
                               HasSubstr("put what they say into the text"),
                               // A ledger is in one place.
                               HasSubstr("leave it out beside postgres")));
  }
}

// A configuration that names files with policies and nodes beside it.
class SelectionFilesTest : public testing::Test {
 protected:
  SelectionFilesTest() : folder_(testing::TempDir() + "/selection_files") {
    std::filesystem::create_directories(folder_);
    Write("gateway.yaml",
          "providers: [{name: openrouter, mock: {}}]\n"
          "routing:\n"
          "  selection:\n"
          "    files: [model_policies.yaml, node_requirements.yaml]\n");
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  ConfigReading Read() const {
    return ReadConfigFile(AllProviderKinds(), folder_ + "/gateway.yaml", {},
                          absl::UnixEpoch());
  }

  const std::string folder_;
};

TEST_F(SelectionFilesTest, ThePublishedOnesLoadAsTheyAreWithThreeWarnings) {
  Write("model_policies.yaml",
        Slurp("tests/service/config/policies/model_policies.yaml"));
  Write("node_requirements.yaml",
        Slurp("tests/service/config/policies/node_requirements.yaml"));
  const ConfigReading reading = Read();
  EXPECT_THAT(Lines(reading), IsEmpty());
  ASSERT_NE(reading.snapshot, nullptr);
  const auto& selection = reading.snapshot->config().routing().selection();
  EXPECT_EQ(selection.policies_size(), 2);
  EXPECT_EQ(selection.nodes_size(), 3);
  EXPECT_THAT(selection.files(), IsEmpty());
  std::vector<std::string> warnings;
  for (const ConfigProblem& warning : reading.warnings) {
    warnings.push_back(warning.ToString());
  }
  const std::string policies = folder_ + "/model_policies.yaml";
  EXPECT_THAT(
      warnings,
      ElementsAre(
          policies + ":16:38: routing.selection.policies[0].fallback_models[1]"
                     ": fallback 'gpt-4o' of policy 'gemini-2.5-pro' is not "
                     "defined",
          policies + ":29:23: routing.selection.policies[1].fallback_models[0]"
                     ": fallback 'gpt-4o' of policy 'claude-sonnet' is not "
                     "defined",
          folder_ + "/node_requirements.yaml:16:3: routing.selection.nodes[2]"
                    ": no model can serve node 'search_perplexity': "
                    "gemini-2.5-pro (lacks web_search), claude-sonnet (lacks "
                    "web_search)"));
}

TEST_F(SelectionFilesTest, OneThatIsNotThereIsAProblem) {
  Write("model_policies.yaml", "policies: {a: {target: openrouter/a}}\n");
  std::filesystem::remove(folder_ + "/node_requirements.yaml");
  const ConfigReading reading = Read();
  EXPECT_EQ(reading.snapshot, nullptr);
  EXPECT_THAT(Lines(reading),
              ElementsAre(HasSubstr("gateway.yaml:4:34: routing.selection."
                                    "files[1]: ")));
}

TEST_F(SelectionFilesTest, TheyAreReadForFilesOnly) {
  const std::string text =
      "providers: [{name: mock, mock: {}}]\n"
      "routing: {selection: {files: [/nowhere]}}\n";
  EXPECT_THAT(Lines(ReadText(text)),
              ElementsAre(HasSubstr("put what they say into the text")));
  const ConfigDraft draft = ReadConfigDraft(AllProviderKinds(), text, "f", {});
  EXPECT_THAT(draft.problems, IsEmpty());
  ASSERT_EQ(draft.warnings.size(), 1u);
  EXPECT_THAT(draft.warnings[0].message, HasSubstr("are not looked at here"));
}

TEST_F(SelectionFilesTest, AnAppliedTextHasThoseThatTheFileHas) {
  Write("model_policies.yaml", "policies: {a: {target: openrouter/a}}\n");
  Write("node_requirements.yaml", "nodes: {b: {}}\n");
  Write("other.yaml", "policies: {secret: {target: openrouter/a}}\n");
  const ConfigReading file = Read();
  ASSERT_NE(file.snapshot, nullptr);
  EXPECT_THAT(file.included,
              ElementsAre(folder_ + "/model_policies.yaml",
                          folder_ + "/node_requirements.yaml"));
  const AppliedReferences allowed(
      AllProviderKinds(), file.snapshot->config(),
      {folder_ + "/gateway.yaml", file.included});
  const auto apply = [&](const std::string& files) {
    return ReadConfigForMachine(
        AllProviderKinds(),
        "providers: [{name: openrouter, mock: {}}]\n"
        "routing: {selection: {files: [" + files + "]}}\n",
        "applied by ops", {}, absl::UnixEpoch(), &allowed);
  };
  const ConfigReading same = apply("model_policies.yaml");
  EXPECT_THAT(Lines(same), IsEmpty());
  ASSERT_NE(same.snapshot, nullptr);
  EXPECT_EQ(same.snapshot->config().routing().selection().policies_size(), 1);
  EXPECT_THAT(same.files, Contains(folder_ + "/model_policies.yaml"));
  EXPECT_NE(apply(folder_ + "/model_policies.yaml").snapshot, nullptr);
  // No other is looked at, whether it is there or not.
  for (const char* const other : {"other.yaml", "/nowhere", "./other.yaml"}) {
    EXPECT_THAT(Lines(apply(other)),
                ElementsAre(AllOf(HasSubstr("routing.selection.files[0]"),
                                  HasSubstr("if the configuration file names "
                                            "it, too"))));
  }
}

// A configuration that names a file with alerts beside it.
class AlertFilesTest : public testing::Test {
 protected:
  AlertFilesTest() : folder_(testing::TempDir() + "/alert_files") {
    std::filesystem::create_directories(folder_);
  }

  ConfigReading Read(const std::string& actions) {
    Write("gateway.yaml",
          "providers: [{name: mock, mock: {}}]\n"
          "alerts:\n"
          "  files: [alerts.yaml]\n"
          "  actions: [" +
              actions + "]\n");
    return ReadConfigFile(AllProviderKinds(), folder_ + "/gateway.yaml", {},
                          absl::UnixEpoch());
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  const std::string folder_;
};

constexpr char kSeedActions[] =
    "{name: page_oncall, webhook: {url: 'https://pager.example/hook'}}, "
    "{name: slack_alert, webhook: {url: 'https://hooks.slack.example/a'}}, "
    "{name: email_admin, log: {}}, "
    "{name: auto_disable_model, disable_model: {}}";

TEST_F(AlertFilesTest, ThePublishedOneLoadsAsItIsOnceItsActionsAreBound) {
  Write("alerts.yaml", Slurp("tests/service/config/policies/alerts.yaml"));
  const ConfigReading reading = Read(kSeedActions);
  EXPECT_THAT(Lines(reading), IsEmpty());
  EXPECT_THAT(reading.warnings, IsEmpty());
  ASSERT_NE(reading.snapshot, nullptr);
  const auto& alerts = reading.snapshot->config().alerts();
  ASSERT_EQ(alerts.rules_size(), 4);
  EXPECT_EQ(alerts.rules(0).name(), "high_error_rate");
  EXPECT_EQ(alerts.rules(3).condition(), "model_consecutive_failures > 5");
  EXPECT_EQ(alerts.rules(3).window().seconds(), 300);
  EXPECT_THAT(alerts.files(), IsEmpty());
  EXPECT_THAT(reading.files, Contains(folder_ + "/alerts.yaml"));
}

TEST_F(AlertFilesTest, AnActionThatIsNotBoundIsToldWhereItIsCalled) {
  Write("alerts.yaml", Slurp("tests/service/config/policies/alerts.yaml"));
  EXPECT_THAT(
      Lines(Read("{name: page_oncall, log: {}}")),
      ElementsAre(
          HasSubstr(folder_ + "/alerts.yaml:9:5: alerts.rules[1].action: is "
                              "'slack_alert'"),
          HasSubstr("alerts.rules[2].action: is 'email_admin'"),
          HasSubstr("add it there, as in {name: auto_disable_model, log: "
                    "{}}")));
}

TEST_F(AlertFilesTest, SuchAFileNamesNoOthers) {
  Write("alerts.yaml", "files: [more.yaml]\n");
  EXPECT_THAT(Lines(Read("")),
              ElementsAre(HasSubstr("alerts.yaml: files: cannot be named in "
                                    "such a file")));
}

}  // namespace
}  // namespace gateway
