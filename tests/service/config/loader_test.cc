#include "service/config/loader.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> LoadProblemsOf(std::string_view text) {
  ConfigProblems problems("f");
  LoadConfigText(text, &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

llmgateway::config::v1::GatewayConfig Load(std::string_view text) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(text, &problems);
  EXPECT_TRUE(problems.empty()) << problems.Sorted()[0].ToString();
  return loaded.config;
}

constexpr std::string_view kYaml = R"(
providers:
  - name: openai
    models: [a, "b"]
    model_aliases: {fast: gpt-x, "a b": 7}
    openai:
      base_url: "https://api.example/v1"
      http: {timeouts: {connect: 250ms}}
  - name: mock
    mock:
routing:
  model_rules:
    - {prefix: "gpt-", targets: [openai]}
  strict: true
logging:
  level: warn
  module_levels: {http: debug}
listeners:
)";

// Indented by tabs, which JSON allows and YAML does not everywhere.
constexpr std::string_view kJson =
    "{\n\t\"providers\": [\n"
    "\t\t{\"name\": \"openai\", \"models\": [\"a\", \"b\"],\n"
    "\t\t\"model_aliases\": {\"fast\": \"gpt-x\", \"a b\": \"7\"},\n"
    "\t\t\"openai\": {\"base_url\": \"https:\\/\\/api.example\\/v1\",\n"
    "\t\t\t\"http\": {\"timeouts\": {\"connect\": \"250ms\"}}}},\n"
    "\t\t{\"name\": \"mock\", \"mock\": {}}\n"
    "\t],\n"
    "\t\"routing\": {\"model_rules\": [\n"
    "\t\t{\"prefix\": \"gpt-\", \"targets\": [\"openai\"]}],\n"
    "\t\t\"strict\": true},\n"
    "\t\"logging\": {\"level\": \"warn\",\n"
    "\t\t\"module_levels\": {\"http\": \"debug\"}},\n"
    "\t\"listeners\": {}\n}\n";

TEST(LoaderTest, ReadsWhatTheFileSays) {
  const auto config = Load(kYaml);
  ASSERT_EQ(config.providers_size(), 2);
  EXPECT_EQ(config.providers(0).models(1), "b");
  EXPECT_EQ(config.providers(0).model_aliases().at("a b"), "7");
  EXPECT_EQ(config.providers(0).openai().base_url(), "https://api.example/v1");
  EXPECT_EQ(config.providers(0).openai().http().timeouts().connect().nanos(),
            250'000'000);
  EXPECT_TRUE(config.providers(1).has_mock());
  EXPECT_EQ(config.routing().model_rules(0).prefix(), "gpt-");
  EXPECT_TRUE(config.routing().strict());
  EXPECT_EQ(config.logging().module_levels().at("http"),
            llmgateway::config::v1::LOG_LEVEL_DEBUG);
}

TEST(LoaderTest, ATargetIsATextOrAMap) {
  const auto routing = Load("routing:\n"
                            "  default_target: mock\n"
                            "  model_rules:\n"
                            "  - {alias: a, targets: [openai/org/m]}\n"
                            "  - {alias: b, targets: [{provider: openai, "
                            "model: m}]}\n")
                           .routing();
  EXPECT_EQ(routing.default_target().provider(), "mock");
  EXPECT_EQ(routing.default_target().model(), "");
  EXPECT_EQ(routing.model_rules(0).targets(0).provider(), "openai");
  // Models have slashes, providers have none.
  EXPECT_EQ(routing.model_rules(0).targets(0).model(), "org/m");
  EXPECT_EQ(routing.model_rules(1).targets(0).model(), "m");
}

TEST(LoaderTest, ReadsJsonAsTheSame) {
  EXPECT_EQ(Load(kJson).DebugString(), Load(kYaml).DebugString());
}

TEST(LoaderTest, ReadsNothingFromAnEmptyFile) {
  EXPECT_EQ(Load("").ByteSizeLong(), 0u);
  EXPECT_EQ(Load("# nothing\n").ByteSizeLong(), 0u);
  EXPECT_EQ(Load("{}").ByteSizeLong(), 0u);
  EXPECT_EQ(Load("---\n{}\n...\n").ByteSizeLong(), 0u);
}

TEST(LoaderTest, ReadsFilesOfOtherSystems) {
  EXPECT_EQ(
      Load("\xEF\xBB\xBFrouting:\r\n  strict: true\r\n").routing().strict(),
      true);
}

TEST(LoaderTest, ExpandsAliases) {
  const auto config = Load(
      "providers:\n"
      "  - {name: a, openai: {http: {timeouts: &t {connect: 1s}}}}\n"
      "  - {name: b, openai: {http: {timeouts: *t}}}\n");
  EXPECT_EQ(config.providers(1).openai().http().timeouts().connect().seconds(),
            1);
}

TEST(LoaderTest, RemembersWhereEachFieldWasGiven) {
  ConfigProblems problems("f");
  const LoadedConfig loaded = LoadConfigText(kYaml, &problems);
  const TextPlace place = loaded.places.Find("providers[0].openai.base_url");
  EXPECT_EQ(place.line, 7);
  EXPECT_EQ(place.column, 7);
  EXPECT_EQ(loaded.places.Find("providers[1]").line, 9);
}

TEST(LoaderTest, ReadsFilesOfOtherSystemsByTheirOwnNames) {
  constexpr char kSettings[] =
      "{\"llmGateway\": {\"providers\": {\"a\": {\n"
      "  \"providerType\": \"openai\", \"apiKeyRef\": null,\n"
      "  \"baseUrl\": \"https://a.example\"}}, \"routing\": {\n"
      "  \"defaultProvider\": \"a\"}}, \"theirs\": [1, {\"x\": null}]}\n";
  const auto config = Load(kSettings);
  EXPECT_EQ(config.providers(0).openai().base_url(), "https://a.example");
  EXPECT_EQ(config.routing().default_target().provider(), "a");
  ConfigProblems problems("f");
  const LoadedConfig loaded = LoadConfigText(kSettings, &problems);
  EXPECT_TRUE(loaded.complete);
  EXPECT_EQ(loaded.places.Find("providers[0].openai.base_url").line, 3);
  EXPECT_THAT(LoadProblemsOf("llmGateway: {provider: {}}\n"),
              Contains("f:1:14: llmGateway.provider: unknown field; did you "
                       "mean 'providers'?"));
}

TEST(LoaderTest, TellsEveryMistakeAtOnce) {
  EXPECT_THAT(
      LoadProblemsOf("listeners:\n"
                     "  grpc: {adress: x}\n"
                     "  grpc: {}\n"
                     "runtime: {event_loops: many}\n"),
      ElementsAre(
          "f:2:10: listeners.grpc.adress: unknown field; did you mean "
          "'address'?",
          "f:3:3: listeners.grpc: given twice; line 2 has it already; keep one",
          "f:4:11: runtime.event_loops: 'many' is not a whole number"));
}

TEST(LoaderTest, TellsOneKindOfValueFromAnother) {
  EXPECT_THAT(
      LoadProblemsOf("listeners: here\n"
                     "providers: {name: x}\n"
                     "routing: [1]\n"
                     "logging: {level: [x], module_levels: [x], file: {}}\n"
                     "runtime: {event_loops: }\n"),
      ElementsAre(
          "f:1:12: listeners: must be a map, as in {key: value}, not a single "
          "value",
          "f:2:12: providers: must be a list, as in [first, second], not a map",
          "f:3:10: routing: must be a map, as in {key: value}, not a list",
          "f:4:11: logging.level: must be a single value, not a list",
          "f:4:38: logging.module_levels: must be a map, as in {key: value}, "
          "not a list",
          "f:4:43: logging.file: must be a single value, not a map",
          "f:5:11: runtime.event_loops: has no value; give one or remove the "
          "field"));
}

TEST(LoaderTest, RefusesTwoAnswersToOneQuestion) {
  EXPECT_THAT(LoadProblemsOf("providers:\n- {name: x, mock: {}, openai: {}}\n"),
              ElementsAre("f:2:23: providers[0].openai: conflicts with 'mock', "
                          "which is given too; keep one"));
}

TEST(LoaderTest, RefusesTagsKeysAndDocumentsThatMeanNothing) {
  EXPECT_THAT(LoadProblemsOf("routing: !thing {}\n"),
              ElementsAre("f:1:1: routing: has a YAML tag; remove it"));
  EXPECT_THAT(LoadProblemsOf("logging: {file: !!binary aGk=}\n"),
              ElementsAre("f:1:11: logging.file: has a YAML tag; remove it"));
  EXPECT_THAT(LoadProblemsOf("logging: {file: !!str x}\n"), IsEmpty());
  EXPECT_THAT(LoadProblemsOf("[a]: 1\n"),
              ElementsAre("f:1:1: a key must be a name, not a map or list"));
  EXPECT_THAT(LoadProblemsOf("{}\n---\n{}\n"),
              ElementsAre("f:3:1: a second document begins here; put "
                          "everything into one"));
}

TEST(LoaderTest, PointsAtWhatIsNotYaml) {
  EXPECT_THAT(LoadProblemsOf("a: [1\nb: 2\n"),
              ElementsAre(HasSubstr("not YAML")));
  EXPECT_THAT(LoadProblemsOf("a: 'x\n"), ElementsAre(HasSubstr("not YAML")));
  EXPECT_THAT(LoadProblemsOf("a: \"x"), ElementsAre(HasSubstr("not YAML")));
  EXPECT_THAT(LoadProblemsOf("a: *b\n"), ElementsAre(HasSubstr("not YAML")));
}

TEST(LoaderTest, RefusesWhatIsNotUtf8AndSaysWhere) {
  const char* const bad[] = {
      "a: \xff",
      "a: \xc0\xaf",
      "a: \xe2\x82",
      "a: \xed\xa0\x80",
      "a: \xe0\x80\x80",
      "a: \xf4\x90\x80\x80",
      "a: \xf0\x80\x80\x80",
      "a: \xc3(",
      "a: \x80",
  };
  for (const char* text : bad) {
    EXPECT_THAT(LoadProblemsOf(absl::StrCat("\n", text)),
                ElementsAre("f:2:4: not UTF-8 text; save the file as UTF-8"));
  }
  EXPECT_THAT(LoadProblemsOf(std::string_view("a: \0", 4)),
              ElementsAre(HasSubstr("not UTF-8")));
  EXPECT_THAT(LoadProblemsOf(
                  "logging: {file: \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
              IsEmpty());
}

TEST(LoaderTest, BoundsTheFile) {
  std::string text(kConfigBytesLimit, '#');
  EXPECT_THAT(LoadProblemsOf(text), IsEmpty());
  text += '#';
  EXPECT_THAT(LoadProblemsOf(text),
              ElementsAre("f: the file is larger than 1048576 bytes"));
}

TEST(LoaderTest, BoundsTheDepth) {
  for (const char* opening : {"[", "{", "- ", "? ", "{a: "}) {
    std::string text;
    while (text.size() < 100'000) text += opening;
    EXPECT_THAT(LoadProblemsOf(text),
                ElementsAre(HasSubstr("nested too deeply")))
        << opening;
  }
}

TEST(LoaderTest, BoundsWhatAliasesExpandTo) {
  std::string models = "m";
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&models, ", m", i);
  std::string text =
      absl::StrCat("providers:\n- &p {name: x, models: [", models, "]}\n");
  for (int i = 0; i < 1000; ++i) text += "- *p\n";
  EXPECT_THAT(LoadProblemsOf(text),
              ElementsAre(HasSubstr("expands to too much")));

  const std::string longest(100'000, 'y');
  text = absl::StrCat("providers: [{models: [&s ", longest);
  for (int i = 0; i < 1000; ++i) text += ", *s";
  text += "]}]";
  EXPECT_THAT(LoadProblemsOf(text),
              ElementsAre(HasSubstr("expands to too much")));
}

TEST(LoaderTest, AnAliasOfItselfEnds) {
  EXPECT_FALSE(LoadProblemsOf("&r {listeners: *r}").empty());
  EXPECT_FALSE(LoadProblemsOf("providers: &p [*p]").empty());
}

constexpr char kKeyedPolicies[] = R"(
policies:
  sonnet:
    provider: openrouter
    provider_model_id: anthropic/sonnet
    capabilities:
      streaming: true
      vision: false
      reasoning: true
    cost_tier: HIGH
    context_window: 200000
    input_cost_per_1k: 0.003
    fallback_models: [other]
  aaa: {target: openrouter/aaa, capabilities: [streaming]}
nodes:
  writer:
    required_capabilities: [streaming]
    min_context_window: 8000
    max_cost_tier: PREMIUM
    reasoning_required: true
)";

TEST(LoaderTest, PoliciesAndNodesMayStandInMaps) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(
      "routing: {selection: {policies: [{id: first}]}}", &problems);
  AddSectionText("routing.selection", kKeyedPolicies, "dir/policies.yaml",
                 &loaded, &problems);
  EXPECT_TRUE(problems.empty()) << problems.Sorted()[0].ToString();
  EXPECT_TRUE(loaded.complete);
  const auto& selection = loaded.config.routing().selection();
  ASSERT_EQ(selection.policies_size(), 3);
  EXPECT_EQ(selection.policies(0).id(), "first");
  const auto& sonnet = selection.policies(1);
  EXPECT_EQ(sonnet.id(), "sonnet");
  EXPECT_EQ(sonnet.target().provider(), "openrouter");
  EXPECT_EQ(sonnet.target().model(), "anthropic/sonnet");
  EXPECT_THAT(sonnet.capabilities(), ElementsAre("streaming", "reasoning"));
  EXPECT_EQ(sonnet.cost_tier(), llmgateway::config::v1::COST_TIER_HIGH);
  EXPECT_EQ(sonnet.context_window_tokens(), 200000);
  EXPECT_EQ(sonnet.input_cost_per_1k(), "0.003");
  EXPECT_THAT(sonnet.fallback_models(), ElementsAre("other"));
  // In the order of the file.
  EXPECT_EQ(selection.policies(2).id(), "aaa");
  ASSERT_EQ(selection.nodes_size(), 1);
  const auto& writer = selection.nodes(0);
  EXPECT_EQ(writer.name(), "writer");
  EXPECT_EQ(writer.context_window_tokens_min(), 8000);
  EXPECT_EQ(writer.cost_tier_max(), llmgateway::config::v1::COST_TIER_PREMIUM);
  EXPECT_TRUE(writer.reasoning_required());
  const TextPlace place =
      loaded.places.Find("routing.selection.policies[1].fallback_models[0]");
  EXPECT_EQ(place.source, "dir/policies.yaml");
  EXPECT_EQ(place.line, 13);
}

TEST(LoaderTest, PoliciesInMapsAreCheckedAsOthers) {
  EXPECT_THAT(
      LoadProblemsOf("routing:\n"
                     "  selection:\n"
                     "    policies:\n"
                     "      a:\n"
                     "        id: b\n"
                     "        capabilities: {vision: yes}\n"
                     "        context_window: 1\n"
                     "        context_window_tokens: 2\n"
                     "        context_windo: 3\n"
                     "      a: {}\n"
                     "      c: {context_window_tokens: 2,\n"
                     "          context_window: 1}\n"
                     "      d: 7\n"),
      ElementsAre(
          "f:4:7: routing.selection.policies[0].id: stands before the colon "
          "already; remove it",
          "f:6:24: routing.selection.policies[0].capabilities.vision: must be "
          "true or false",
          "f:8:9: routing.selection.policies[0].context_window_tokens: given "
          "twice; line 7 has it already; keep one",
          HasSubstr("f:9:9: routing.selection.policies[0].context_windo: "
                    "unknown field"),
          "f:10:7: routing.selection.policies.a: given twice; line 4 has it "
          "already; keep one",
          "f:12:11: routing.selection.policies[1].context_window_tokens: is "
          "given under two names; keep one",
          HasSubstr("f:13:10: routing.selection.policies[2]: must be a map")));
}

TEST(LoaderTest, ProblemsOfAnotherFileSayWhichOne) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText("", &problems);
  AddSectionText("routing.selection", "policies:\n  a: {cost: 1}\n", "g",
                 &loaded, &problems);
  EXPECT_TRUE(loaded.complete);
  AddSectionText("routing.selection", "policies: [\n", "h", &loaded, &problems);
  EXPECT_FALSE(loaded.complete);
  const std::vector<ConfigProblem> sorted = problems.Sorted();
  ASSERT_EQ(sorted.size(), 2u);
  EXPECT_THAT(sorted[0].ToString(),
              HasSubstr("g:2:7: routing.selection.policies[0].cost: unknown"));
  EXPECT_THAT(sorted[1].ToString(), HasSubstr("h:"));
}

TEST(LoaderTest, RulesOfAlertsMayBeCalledAlerts) {
  ConfigProblems problems("f");
  LoadedConfig loaded =
      LoadConfigText("alerts: {rules: [{name: first}]}", &problems);
  AddSectionText("alerts",
                 "alerts:\n"
                 "  - name: second\n"
                 "    condition: error_rate > 5%\n"
                 "    action: page_oncall\n"
                 "rules: [{name: third}]\n"
                 "actions: [{name: page_oncall, log: {}}]\n",
                 "alerts.yaml", &loaded, &problems);
  // One name after the other: the second begins no list anew.
  const std::vector<ConfigProblem> sorted = problems.Sorted();
  ASSERT_EQ(sorted.size(), 1u);
  EXPECT_THAT(sorted[0].ToString(),
              HasSubstr("alerts.yaml:5:1: alerts.rules: given twice"));
  const auto& alerts = loaded.config.alerts();
  ASSERT_EQ(alerts.rules_size(), 2);
  EXPECT_EQ(alerts.rules(0).name(), "first");
  EXPECT_EQ(alerts.rules(1).name(), "second");
  EXPECT_EQ(alerts.rules(1).condition(), "error_rate > 5%");
  EXPECT_TRUE(alerts.actions(0).has_log());
  EXPECT_EQ(loaded.places.Find("alerts.rules[1].action").line, 4);
}

}  // namespace
}  // namespace gateway
