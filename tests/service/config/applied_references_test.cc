#include "service/config/applied_references.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

GatewayConfig WithKey(const std::string& reference,
                      const std::string& base_url = "https://api.openai.com") {
  GatewayConfig config;
  auto* provider = config.add_providers();
  provider->set_name("openai");
  provider->mutable_openai()->set_api_key(reference);
  provider->mutable_openai()->set_base_url(base_url);
  return config;
}

// The fields of `applied` that are refused.
std::vector<std::string> Refused(const GatewayConfig& file,
                                 const GatewayConfig& applied) {
  ConfigProblems problems("applied");
  AppliedReferences(AllProviderKinds(), file)
      .Check(applied, FieldPlaces(), &problems);
  std::vector<std::string> paths;
  for (const ConfigProblem& problem : problems.Sorted()) {
    paths.push_back(problem.path);
  }
  return paths;
}

TEST(AppliedReferencesTest, WhatTheFileNamesIsForItsUseAlone) {
  const GatewayConfig file = WithKey("env:KEY");
  GatewayConfig applied = file;
  applied.mutable_providers(0)->set_name("another_name");
  applied.add_providers()->mutable_mock();
  applied.mutable_providers()->SwapElements(0, 1);
  EXPECT_THAT(Refused(file, applied), IsEmpty());
  EXPECT_THAT(Refused(file, WithKey("env:KEY_2")),
              ElementsAre("providers[0].openai.api_key"));

  applied = file;
  applied.mutable_auth()->mutable_callers()->add_api_keys()->set_key("env:KEY");
  EXPECT_THAT(Refused(file, applied),
              ElementsAre("auth.callers.api_keys[0].key"));
}

TEST(AppliedReferencesTest, WhatTheFileNamesGoesWhereTheFileSendsIt) {
  const GatewayConfig file = WithKey("env:KEY", "https://api.example/v1");
  for (const char* same :
       {"https://api.example/v1", "https://API.example:443/other"}) {
    EXPECT_THAT(Refused(file, WithKey("env:KEY", same)), IsEmpty()) << same;
  }
  for (const char* elsewhere :
       {"https://evil.example/v1", "http://api.example/v1",
        "https://api.example:8443/v1", "https://api.example.evil/v1"}) {
    EXPECT_THAT(Refused(file, WithKey("env:KEY", elsewhere)),
                ElementsAre("providers[0].openai.api_key"))
        << elsewhere;
  }
  // Another of the provider's keys, whatever its kind.
  GatewayConfig applied;
  auto* provider = applied.add_providers();
  provider->mutable_openai_compatible()->set_base_url("https://api.example");
  auto* credential = provider->add_credentials();
  credential->set_api_key("env:KEY");
  EXPECT_THAT(Refused(file, applied), IsEmpty());
  provider->mutable_openai_compatible()->set_base_url("https://evil.example");
  EXPECT_THAT(Refused(file, applied),
              ElementsAre("providers[0].credentials[0].api_key"));
}

GatewayConfig WithHeader(const std::string& url, const std::string& value) {
  GatewayConfig config;
  auto* webhook = config.mutable_alerts()->add_actions()->mutable_webhook();
  webhook->set_url(url);
  webhook->set_signing_key("env:SIGNING");
  (*webhook->mutable_headers())["authorization"] = value;
  return config;
}

TEST(AppliedReferencesTest, AWebhooksHeaderGoesWhereTheFileSendsIt) {
  const GatewayConfig file = WithHeader("https://a.example/x", "env:AUTH");
  EXPECT_THAT(Refused(file, WithHeader("https://a.example/y", "env:AUTH")),
              IsEmpty());
  EXPECT_THAT(Refused(file, WithHeader("https://evil.example", "env:AUTH")),
              ElementsAre("alerts.actions[0].webhook.headers.authorization"));
  EXPECT_THAT(Refused(file, WithHeader("env:HOOK", "env:AUTH")).size(), 2u);
  // What is no reference is no secret of the machine's.
  EXPECT_THAT(Refused(file, WithHeader("https://evil.example", "Bearer a")),
              IsEmpty());
  const GatewayConfig literal = WithHeader("https://a.example", "Bearer a");
  EXPECT_THAT(Refused(literal, WithHeader("https://a.example", "env:AUTH")),
              ElementsAre("alerts.actions[0].webhook.headers.authorization"));
}

TEST(AppliedReferencesTest, AProxyThatSeesAKeyIsPartOfItsWay) {
  for (const char* url : {"http://api.internal", "https://api.internal"}) {
    const GatewayConfig file = WithKey("env:KEY", url);
    GatewayConfig applied = file;
    applied.mutable_providers(0)->mutable_openai()->mutable_http()->set_proxy(
        "http://evil.example:3128");
    const bool sees = std::string(url) == "http://api.internal";
    EXPECT_EQ(Refused(file, applied).size(), sees ? 1u : 0u) << url;
  }
}

TEST(AppliedReferencesTest, TheRefusalSaysWhatToDo) {
  ConfigProblems problems("applied");
  AppliedReferences(AllProviderKinds(), WithKey("env:KEY", "https://a.example"))
      .Check(WithKey("env:KEY", "https://b.example"), FieldPlaces(), &problems);
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems.Sorted()[0].message,
            "must not be taken from variable KEY for https://b.example:443: "
            "the file names it for something else; put this use of it into the "
            "file first");
}

TEST(AppliedReferencesTest, VariablesAreAllowedByTheirBeginning) {
  GatewayConfig file = WithKey("env:KEY");
  file.mutable_runtime()->add_applied_references("env:TEAM_");
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_KEY")), IsEmpty());
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_")), IsEmpty());
  for (const char* other :
       {"env:TEAM", "env:MY_TEAM_KEY", "env:team_key", "file:TEAM_KEY"}) {
    EXPECT_THAT(Refused(file, WithKey(other)),
                ElementsAre("providers[0].openai.api_key"))
        << other;
  }
}

TEST(AppliedReferencesTest, WhatIsAllowedGoesWhereTheFileSendsSomeSecret) {
  GatewayConfig file = WithKey("env:KEY", "https://api.example");
  file.mutable_runtime()->add_applied_references("env:TEAM_");
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_KEY", "https://api.example")),
              IsEmpty());
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_KEY", "https://evil.example")),
              ElementsAre("providers[0].openai.api_key"));
  GatewayConfig applied;
  applied.mutable_auth()->mutable_operators()->add_api_keys()->set_key(
      "env:TEAM_KEY");
  EXPECT_THAT(Refused(file, applied),
              ElementsAre("auth.operators.api_keys[0].key"));
  // What the file itself names is not free, though it is allowed, too.
  file = WithKey("env:TEAM_A", "https://a.example");
  *file.add_providers() =
      WithKey("env:TEAM_B", "https://b.example").providers(0);
  file.mutable_runtime()->add_applied_references("env:TEAM_");
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_A", "https://b.example")),
              ElementsAre("providers[0].openai.api_key"));
  EXPECT_THAT(Refused(file, WithKey("env:TEAM_C", "https://b.example")),
              IsEmpty());
}

TEST(AppliedReferencesTest, AnotherNameOfAFileIsNoOtherSecret) {
  namespace fs = std::filesystem;
  std::string folder = testing::TempDir() + "/named.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/a") << "key";
  fs::create_symlink("a", folder + "/b");
  GatewayConfig file = WithKey("file:" + folder + "/a", "https://a.example");
  *file.add_providers() = WithKey("env:B", "https://b.example").providers(0);
  file.mutable_runtime()->add_applied_references("file:" + folder + "/");
  for (const char* name : {"/a", "/./a", "//a", "/b"}) {
    const std::string reference = "file:" + folder + name;
    EXPECT_THAT(Refused(file, WithKey(reference, "https://a.example")),
                IsEmpty())
        << name;
    EXPECT_THAT(Refused(file, WithKey(reference, "https://b.example")),
                ElementsAre("providers[0].openai.api_key"))
        << name;
  }
}

TEST(AppliedReferencesTest, FilesAreAllowedWithinTheirFolder) {
  namespace fs = std::filesystem;
  std::string folder = testing::TempDir() + "/applied.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  fs::create_directories(folder + "/secrets/..2026");
  fs::create_directory(folder + "/secrets_of_others");
  std::ofstream(folder + "/secrets/..2026/key") << "key";
  std::ofstream(folder + "/outside") << "key";
  fs::create_symlink("..2026/key", folder + "/secrets/key");
  fs::create_symlink("../outside", folder + "/secrets/link");
  fs::create_symlink("..", folder + "/secrets/up");
  GatewayConfig file = WithKey("env:KEY");
  file.mutable_runtime()->add_applied_references("file:" + folder +
                                                 "/secrets/");
  for (const char* good :
       {"/secrets/key", "/secrets/missing", "/./secrets//..2026/key"}) {
    EXPECT_THAT(Refused(file, WithKey("file:" + folder + good)), IsEmpty())
        << good;
  }
  for (const char* bad : {"/outside", "/secrets/../outside", "/secrets/link",
                          "/secrets/up/outside", "/secrets_of_others/key"}) {
    EXPECT_THAT(Refused(file, WithKey("file:" + folder + bad)),
                ElementsAre("providers[0].openai.api_key"))
        << bad;
  }
  EXPECT_THAT(Refused(file, WithKey("file:secrets/key")),
              ElementsAre("providers[0].openai.api_key"));
}

TEST(AppliedReferencesTest, ProgramsAndAuthoritiesAreTheFiles) {
  GatewayConfig file;
  auto* provider = file.add_providers();
  provider->set_name("cli");
  provider->mutable_local_cli()->set_executable("claude");
  GatewayConfig applied = file;
  applied.mutable_providers(0)->set_name("another_name");
  EXPECT_THAT(Refused(file, applied), IsEmpty());
  applied.mutable_providers(0)->mutable_local_cli()->set_executable("/bin/sh");
  EXPECT_THAT(Refused(file, applied), ElementsAre("providers[0]"));

  applied = WithKey("");
  applied.mutable_providers(0)->mutable_openai()->mutable_http()->set_ca_file(
      "/etc/shadow");
  EXPECT_THAT(Refused(file, applied),
              ElementsAre("providers[0].openai.http.ca_file"));
  EXPECT_THAT(Refused(applied, applied), IsEmpty());
}

TEST(AppliedReferencesTest, AnEntryIsAPrefixOrAFolder) {
  for (const char* good :
       {"env:TEAM_", "env:A", "file:secrets/", "file:/run/secrets/"}) {
    EXPECT_TRUE(CheckAppliedReference(good).ok()) << good;
  }
  for (const char* bad : {"", "TEAM_", "env:", "env:A-B", "file:", "file:/",
                          "file:secrets", "file:../", "file:a/../b/"}) {
    EXPECT_FALSE(CheckAppliedReference(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace gateway
