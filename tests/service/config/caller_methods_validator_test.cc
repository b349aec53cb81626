#include "service/config/caller_methods_validator.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/auth_validator.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> ProblemsOfMethods(std::string_view yaml) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(yaml, &problems);
  EXPECT_TRUE(problems.empty()) << problems.Sorted()[0].ToString();
  ApplyDefaults(AllProviderKinds(), &loaded.config);
  CheckAuth(loaded.config, loaded.places, &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
  }
  return lines;
}

constexpr std::string_view kTls =
    "{tls: {cert_chain: 'env:A', private_key: 'env:B', client_ca: 'env:C'}}";

TEST(CallerMethodsValidatorTest, IssuersAreCompleteAndOfNoOthersName) {
  EXPECT_THAT(
      ProblemsOfMethods("auth: {callers: {jwt_issuers: [\n"
                        "  {issuer: 'https://a.example', audiences: [x]},\n"
                        "  {issuer: 'https://a.example', audiences: [x]},\n"
                        "  {caller_prefix: 'b:'},\n"
                        "  {issuer: 'https://c.example', audiences: [''],\n"
                        "   caller_prefix: c},\n"
                        "  {issuer: 'https://d.example', audiences: [x],\n"
                        "   caller_prefix: 'dns:'}]}}"),
      ElementsAre(
          HasSubstr("jwt_issuers[1].caller_prefix: is another issuer's too"),
          HasSubstr("jwt_issuers[1].issuer: is another entry's too"),
          HasSubstr("jwt_issuers[2].issuer: is required"),
          HasSubstr("jwt_issuers[2].audiences: is required"),
          HasSubstr("jwt_issuers[3].audiences[0]: must not be empty"),
          HasSubstr("jwt_issuers[3].caller_prefix: must be 1 to 63"),
          HasSubstr("jwt_issuers[4].caller_prefix: must be 1 to 63")));
}

TEST(CallerMethodsValidatorTest, KeySetsAreWhereNobodyListensIn) {
  const auto problems = [](std::string_view issuer, std::string_view key_set) {
    return ProblemsOfMethods(absl::StrCat(
        "auth: {callers: {jwt_issuers: [{audiences: [x], issuer: '",
        std::string(issuer), "', key_set: '", std::string(key_set), "'}]}}"));
  };
  for (const char* good :
       {"https://id.example/keys", "https://id.example/keys?p=a",
        "http://localhost:1/keys", "http://127.0.0.1/keys", "file:keys.json"}) {
    EXPECT_THAT(problems("mine", good), IsEmpty()) << good;
  }
  for (const char* bad :
       {"http://id.example/keys", "keys.json", "file:", "env:KEYS",
        "https://id.example/keys#a", "https://a:b@id.example/keys"}) {
    EXPECT_THAT(problems("mine", bad),
                ElementsAre(HasSubstr("jwt_issuers[0].key_set: ")))
        << bad;
  }
  EXPECT_THAT(problems("https://id.example/a", ""), IsEmpty());
  EXPECT_THAT(problems("mine", ""),
              ElementsAre(HasSubstr("key_set: is required, since 'issuer'")));
  EXPECT_THAT(problems("http://id.example", ""),
              ElementsAre(HasSubstr("key_set: is required, since 'issuer'")));
}

TEST(CallerMethodsValidatorTest, OperatorsAreGrantedNothing) {
  EXPECT_THAT(
      ProblemsOfMethods("auth: {operators: {jwt_issuers: [\n"
                        "  {issuer: 'https://a.example', audiences: [x],\n"
                        "   grants: {scopes: ['api:grpc'], labels: {a: b},\n"
                        "            priority: high,\n"
                        "            limits: [{unit: requests, limit: 5}],\n"
                        "            owner: \"a\\tb\"}}]}}"),
      UnorderedElementsAre(HasSubstr("grants.scopes: is for callers only"),
                           HasSubstr("grants.labels: is for callers only"),
                           HasSubstr("grants.priority: is for callers only"),
                           HasSubstr("grants.limits: is for callers only"),
                           HasSubstr("grants.owner: must be at most 256")));
}

TEST(CallerMethodsValidatorTest, WhatIsGrantedIsCheckedAsOfKeys) {
  EXPECT_THAT(
      ProblemsOfMethods("auth: {callers: {jwt_issuers: [\n"
                        "  {issuer: 'https://a.example', audiences: [x],\n"
                        "   grants: {scopes: ['api:telepathy'],\n"
                        "            priority: low,\n"
                        "            limits: [{limit: 5}]}}]}}"),
      ElementsAre(HasSubstr("grants.scopes[0]: "),
                  HasSubstr("grants.limits[0].unit: is required")));
}

TEST(CallerMethodsValidatorTest, CertificatesComeThroughAListenerThatAsks) {
  EXPECT_THAT(
      ProblemsOfMethods(
          "auth: {callers: {client_certificates: {names: ['CN=a', b]}}}"),
      ElementsAre(HasSubstr("client_certificates: is for a listener with "
                            "tls.client_ca"),
                  HasSubstr("client_certificates.names[1]: ")));
  for (const char* listener : {"grpc", "http"}) {
    EXPECT_THAT(ProblemsOfMethods(absl::StrCat(
                    "listeners: {", listener, ": ", std::string(kTls),
                    "}\n"
                    "auth: {callers: {client_certificates: "
                    "{names: ['CN=a']}}}")),
                IsEmpty())
        << listener;
  }
  EXPECT_THAT(ProblemsOfMethods(absl::StrCat(
                  "listeners: {admin: ", std::string(kTls),
                  "}\nauth: {operators: {client_certificates: {}}}")),
              ElementsAre(HasSubstr("client_certificates.names: is required")));
}

TEST(CallerMethodsValidatorTest, TheReferenceEngineTellsOfNoCertificates) {
  EXPECT_THAT(
      ProblemsOfMethods(
          "listeners: {grpc: {engine: grpc_core, tls: {cert_chain: 'env:A',\n"
          "  private_key: 'env:B', client_ca: 'env:C'}}}\n"
          "auth: {callers: {client_certificates: {names: ['CN=a']}}}"),
      ElementsAre(HasSubstr("listeners.grpc.engine: does not tell who")));
}

}  // namespace
}  // namespace gateway
