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

GatewayConfig WithKey(const std::string& reference) {
  GatewayConfig config;
  auto* provider = config.add_providers();
  provider->set_name("openai");
  provider->mutable_openai()->set_api_key(reference);
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

TEST(AppliedReferencesTest, WhatTheFileNamesMayBeNamedAnywhere) {
  GatewayConfig applied;
  applied.mutable_auth()->mutable_callers()->add_api_keys()->set_key("env:KEY");
  EXPECT_THAT(Refused(WithKey("env:KEY"), applied), IsEmpty());
  EXPECT_THAT(Refused(WithKey("env:KEY_2"), applied),
              ElementsAre("auth.callers.api_keys[0].key"));
}

TEST(AppliedReferencesTest, VariablesAreAllowedByTheirBeginning) {
  GatewayConfig file;
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
  GatewayConfig file;
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
