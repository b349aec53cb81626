#include "service/config/provider_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Check(const std::string& text) {
  llmgateway::config::v1::GatewayConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      text, config.add_providers()))
      << text;
  ApplyDefaults(AllProviderKinds(), &config);
  ConfigProblems problems("f");
  CheckProvider(AllProviderKinds(), config.providers(0), "providers[0]",
                FieldPlaces(), &problems);
  std::vector<std::string> told;
  for (const ConfigProblem& problem : problems.Sorted()) {
    told.push_back(problem.ToString());
  }
  return told;
}

TEST(ProviderValidatorTest, EveryKindIsFineAsItComes) {
  for (const char* kind :
       {"openai {}", "anthropic {}", "gemini {}", "deepseek {}",
        "openrouter {}", "ollama {}", "local_cli {}", "mock {}",
        "azure_openai { base_url: 'https://a.example' }",
        "openai_compatible { base_url: 'http://127.0.0.1:8000/v1' }",
        "openai_compatible { preset: PRESET_VLLM }",
        "openai_compatible { preset: PRESET_LLAMA_CPP }",
        "openai_compatible { preset: PRESET_GROQ }",
        "openai_compatible { preset: PRESET_MISTRAL }",
        "openai_compatible { preset: PRESET_OLLAMA }"}) {
    EXPECT_THAT(Check(kind), IsEmpty()) << kind;
  }
}

TEST(ProviderValidatorTest, ServicesWithoutAnAddressMustBeGivenOne) {
  for (const char* kind : {"azure_openai {}", "openai_compatible {}"}) {
    EXPECT_THAT(Check(kind), ElementsAre(HasSubstr("base_url: is required")))
        << kind;
  }
}

TEST(ProviderValidatorTest, KeysDoNotCrossTheNetworkInTheClear) {
  for (const char* kind :
       {"openai", "anthropic", "gemini", "azure_openai", "deepseek",
        "openrouter", "ollama", "openai_compatible"}) {
    const std::string at =
        std::string(kind) + " { base_url: 'http://a.example'";
    EXPECT_THAT(Check(at + "}"), ElementsAre(HasSubstr("must be https")))
        << kind;
    EXPECT_THAT(Check(at + " http { allow_plaintext: true } }"), IsEmpty())
        << kind;
  }
}

TEST(ProviderValidatorTest, CredentialsAreReferences) {
  EXPECT_THAT(Check("openai {} credentials { api_key: 'sk-secret' }"),
              ElementsAre(HasSubstr("providers[0].credentials[0].api_key")));
  EXPECT_THAT(Check("openai {} credentials { weight: 2 }"),
              ElementsAre(HasSubstr("api_key: is required")));
  EXPECT_THAT(Check("openai {} credentials { api_key: 'env:A' weight: 2 }"),
              IsEmpty());
}

TEST(ProviderValidatorTest, CredentialsAreForThoseWhoTakeThem) {
  EXPECT_THAT(
      Check("openai { api_key: 'env:A' } credentials { api_key: 'env:B' }"),
      IsEmpty());
  EXPECT_THAT(Check("mock {} credentials { api_key: 'env:B' }"),
              ElementsAre(HasSubstr("are of no use to this kind")));
}

TEST(ProviderValidatorTest, OnlyThoseThatListTheirModelsAreProbed) {
  constexpr char kProbed[] = " resilience { health_check { enabled: true } }";
  EXPECT_THAT(Check(absl::StrCat("openai { api_key: 'env:A' }", kProbed)),
              IsEmpty());
  for (const char* kind :
       {"mock {}", "azure_openai { base_url: 'https://a.example' }"}) {
    EXPECT_THAT(
        Check(absl::StrCat(kind, kProbed)),
        ElementsAre(HasSubstr("providers[0].resilience.health_check: is of no "
                              "use to")));
  }
  EXPECT_THAT(Check("mock {} resilience { health_check {} }"), IsEmpty());
}

TEST(ProviderValidatorTest, PoliciesAreOfAModelByItsOwnName) {
  const auto check = [](const std::string& kind, const std::string& models) {
    return Check(kind +
                 " model_aliases { key: 'fast' value: 'm-mini' } "
                 "resilience { " +
                 models + " }");
  };
  EXPECT_THAT(check("mock {}",
                    "models { model: 'm-mini' } "
                    "models { model: 'm' timeouts { first_content "
                    "{ seconds: 1 } } }"),
              IsEmpty());
  EXPECT_THAT(
      check("mock {}", "models { model: 'fast' }"),
      ElementsAre(HasSubstr("resilience.models[0].model: is an alias "
                            "of this provider; name the model, 'm-mini'")));
  for (const char* pattern : {"g*", "gpt-?"}) {
    EXPECT_THAT(
        check("mock {}", absl::StrCat("models { model: '", pattern, "' }")),
        ElementsAre(HasSubstr("models[0].model: is one name and no pattern")));
  }
  EXPECT_THAT(check("mock {}", "models { model: 'm' } models { model: 'm' }"),
              ElementsAre(HasSubstr("models[1].model: is named already")));
  EXPECT_THAT(check("mock {}", "models {}"),
              ElementsAre(HasSubstr("models[0].model: ")));
  constexpr char kTimed[] =
      "models { model: 'm' timeouts { first_byte { seconds: 1 } } }";
  EXPECT_THAT(check("openai { api_key: 'env:A' }", kTimed), IsEmpty());
  EXPECT_THAT(check("mock {}", kTimed),
              ElementsAre(HasSubstr("models[0].timeouts.first_byte: is of no "
                                    "use to a provider that is not reached by "
                                    "HTTP")));
}

TEST(ProviderValidatorTest, CapabilitiesAreOfANamedModel) {
  EXPECT_THAT(Check("mock {} model_capabilities { tools: true }"),
              ElementsAre(HasSubstr("model_capabilities[0].model")));
  EXPECT_THAT(Check("mock {} model_capabilities { model: 'm-*' tools: true }"),
              IsEmpty());
}

TEST(ProviderValidatorTest, WhatOneKindAsksForIsNamed) {
  EXPECT_THAT(Check("gemini { api_version: 'v1/x' }"),
              ElementsAre(HasSubstr("gemini.api_version")));
  EXPECT_THAT(Check("azure_openai { base_url: 'https://a.example' "
                    "deployments { key: 'a b' value: 'c' } }"),
              ElementsAre(HasSubstr("azure_openai.deployments")));
  EXPECT_THAT(Check("openrouter { title: 'a\\nb' }"),
              ElementsAre(HasSubstr("openrouter.title")));
  EXPECT_THAT(Check("local_cli { environment { key: 'A=B' value: '' } }"),
              ElementsAre(HasSubstr("local_cli.environment")));
  EXPECT_THAT(Check("local_cli { inherit_environment: ['A', 'B=C', ''] }"),
              ElementsAre(HasSubstr("local_cli.inherit_environment[1]"),
                          HasSubstr("local_cli.inherit_environment[2]")));
  EXPECT_THAT(Check("openai_compatible { preset: PRESET_GROQ "
                    "credential_header: 'a b' "
                    "quirks { reasoning_field: 'thoughts' } }"),
              ElementsAre(HasSubstr("credential_header"),
                          HasSubstr("quirks.reasoning_field")));
}

TEST(ProviderValidatorTest, AdaptiveLimitsAreInOrder) {
  const auto check = [](const std::string& limits) {
    return Check("mock {} resilience { adaptive_concurrency { " + limits +
                 " } }");
  };
  EXPECT_THAT(check(""), IsEmpty());
  EXPECT_THAT(check("max_limit: 5"), IsEmpty());
  EXPECT_THAT(check("min_limit: 300 max_limit: 300"), IsEmpty());
  EXPECT_THAT(check("min_limit: 1 initial_limit: 1 max_limit: 1"), IsEmpty());
  EXPECT_THAT(check("min_limit: 9 max_limit: 8"),
              ElementsAre(HasSubstr(
                  "providers[0].resilience.adaptive_concurrency.min_limit: "
                  "must be at most max_limit, which is 8, and not 9")));
  EXPECT_THAT(check("min_limit: 9 initial_limit: 8"),
              ElementsAre(HasSubstr(
                  "adaptive_concurrency.initial_limit: must be at least "
                  "min_limit, which is 9, and not 8")));
  EXPECT_THAT(check("initial_limit: 201"),
              ElementsAre(HasSubstr(
                  "adaptive_concurrency.initial_limit: must be at most "
                  "max_limit, which is 200, and not 201")));
}

}  // namespace
}  // namespace gateway
