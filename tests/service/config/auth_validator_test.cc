#include "service/config/auth_validator.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> AuthProblems(std::string_view yaml) {
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

constexpr std::string_view kCallerKey =
    "auth: {callers: {api_keys: [{id: a, key: 'env:A'}]}}\n";

TEST(AuthValidatorTest, KeysHaveOneIdEach) {
  for (const std::string group : {"callers", "operators"}) {
    EXPECT_THAT(
        AuthProblems(absl::StrCat(
            "auth: {", group, ": {api_keys: [\n",
            "  {id: a, key: 'env:A'}, {id: a, key: 'env:B'},\n"
            "  {id: 'a b', key: 'env:C'}]}}")),
        ElementsAre(HasSubstr(absl::StrCat(
                        "auth.", group, ".api_keys[1].id: is another key's")),
                    HasSubstr(absl::StrCat("auth.", group,
                                           ".api_keys[2].id: must be 1 to"))));
  }
  EXPECT_THAT(AuthProblems("auth:\n"
                           "  callers: {api_keys: [{id: a, key: 'env:A'}]}\n"
                           "  operators: {api_keys: [{id: a, key: 'env:B'}]}"),
              IsEmpty());
}

TEST(AuthValidatorTest, AKeyComesFromSomewhere) {
  EXPECT_THAT(
      AuthProblems("auth:\n"
                   "  callers:\n"
                   "    api_keys:\n"
                   "    - {id: a}\n"
                   "    - {id: b, key_sha256: abc}\n"
                   "    - {id: c, owner: \"a\\nb\"}\n"),
      ElementsAre(HasSubstr("api_keys[0].key: is required"),
                  HasSubstr("api_keys[1].key_sha256: must be the 64 hexa"),
                  HasSubstr("api_keys[2].key: is required"),
                  HasSubstr("api_keys[2].owner: must be at most 256")));
}

TEST(AuthValidatorTest, WithoutKeysDataListenersAreOnLoopback) {
  for (const char* local : {"127.0.0.1:1", "localhost:1", "'[::1]:1'"}) {
    EXPECT_THAT(AuthProblems(absl::StrCat("listeners: {http: {address: ", local,
                                          "}, grpc: {address: ", local, "}}")),
                IsEmpty())
        << local;
  }
  for (const std::string listener : {"grpc", "http"}) {
    for (const char* open : {"0.0.0.0:1", "'[::]:1'", "10.0.0.1:1"}) {
      const std::string listeners =
          absl::StrCat("listeners: {", listener, ": {address: ", open, "}}\n");
      EXPECT_THAT(
          AuthProblems(listeners),
          ElementsAre(absl::StrCat(
              "listeners.", listener,
              ".address: is not loopback, and callers need no key; set "
              "auth.callers.api_keys, or listen on 127.0.0.1, or, to serve "
              "everybody who reaches it, set auth.insecure_allow_anonymous: "
              "true")));
      EXPECT_THAT(AuthProblems(absl::StrCat(listeners, ToAbsl(kCallerKey))),
                  IsEmpty());
      EXPECT_THAT(
          AuthProblems(absl::StrCat(
              listeners, "auth: {insecure_allow_anonymous: true}")),
          IsEmpty());
    }
  }
  // Its certificates say who may connect.
  EXPECT_THAT(AuthProblems("listeners: {grpc: {address: '0.0.0.0:1', tls: {\n"
                           "  cert_chain: 'file:/a', private_key: 'file:/b',\n"
                           "  client_ca: 'file:/c'}}}"),
              IsEmpty());
}

TEST(AuthValidatorTest, WithoutKeysTheAdminListenerIsOnLoopback) {
  const std::string open = "listeners: {admin: {address: '0.0.0.0:1'}}\n";
  EXPECT_THAT(AuthProblems(open),
              ElementsAre(HasSubstr("listeners.admin.address: is not loopback, "
                                    "and operators need no key; set "
                                    "auth.operators.api_keys")));
  // Neither callers' keys nor their leave are the operators'.
  EXPECT_EQ(AuthProblems(absl::StrCat(open, ToAbsl(kCallerKey))).size(), 1u);
  EXPECT_EQ(AuthProblems(
                absl::StrCat(open, "auth: {insecure_allow_anonymous: true}"))
                .size(),
            1u);
  EXPECT_THAT(AuthProblems(absl::StrCat(
                  open,
                  "auth: {operators: {api_keys: [{id: a, key: 'env:A'}]}}")),
              IsEmpty());
}

TEST(AuthValidatorTest, WithoutKeysOperatorsHttpPathsAreOnLoopback) {
  const std::string open = "listeners: {admin_http: {address: '0.0.0.0:1'}}\n";
  EXPECT_THAT(
      AuthProblems(open),
      ElementsAre(HasSubstr("listeners.admin_http.address: is not loopback, "
                            "and operators need no key; set "
                            "auth.operators.api_keys")));
  EXPECT_EQ(AuthProblems(absl::StrCat(open, ToAbsl(kCallerKey))).size(), 1u);
  EXPECT_THAT(
      AuthProblems(absl::StrCat(
          open, "auth: {operators: {api_keys: [{id: a, key: 'env:A'}]}}")),
      IsEmpty());
  EXPECT_THAT(AuthProblems("listeners: {admin_http: {address: '0.0.0.0:1',\n"
                           "  tls: {cert_chain: 'file:/a',\n"
                           "  private_key: 'file:/b', client_ca: 'file:/c'}}}"),
              IsEmpty());
  EXPECT_THAT(AuthProblems("listeners: {admin_http: {}}"), IsEmpty());
}

TEST(AuthValidatorTest, OperationsMayBeReachedByProbes) {
  EXPECT_THAT(AuthProblems("listeners: {operations: {address: '0.0.0.0:1'}}"),
              IsEmpty());
}

TEST(AuthValidatorTest, WhoAsksForKeysDoesNotLetEverybodyIn) {
  EXPECT_THAT(AuthProblems("auth:\n"
                           "  callers: {api_keys: [{id: a, key: 'env:A'}]}\n"
                           "  insecure_allow_anonymous: true\n"),
              ElementsAre(HasSubstr("auth.insecure_allow_anonymous: "
                                    "contradicts 'auth.callers'")));
}

TEST(AuthValidatorTest, WhoIssuesKeysAsksForThem) {
  EXPECT_THAT(AuthProblems("listeners: {http: {address: '0.0.0.0:1'}}\n"
                           "auth: {callers: {issued_keys: {}}}"),
              IsEmpty());
  EXPECT_THAT(AuthProblems("auth:\n"
                           "  callers: {issued_keys: {}}\n"
                           "  insecure_allow_anonymous: true\n"),
              ElementsAre(HasSubstr("auth.insecure_allow_anonymous: ")));
  EXPECT_THAT(AuthProblems("auth: {operators: {issued_keys: {}}}"),
              ElementsAre(HasSubstr("auth.operators.issued_keys: is for "
                                    "callers only")));
}

TEST(AuthValidatorTest, AnonymousHostsAreHostsWithoutAPort) {
  EXPECT_THAT(AuthProblems("auth: {anonymous_hosts: [a.example, 10.0.0.1,\n"
                           "  '[2001:db8::7]', '*']}"),
              IsEmpty());
  for (const char* wrong : {"a.example:80", "http://a", "2001:db8::7", "",
                            "[::1]:1", "a b", "*.example"}) {
    EXPECT_THAT(AuthProblems(absl::StrCat("auth: {anonymous_hosts: ['", wrong,
                                          "']}")),
                ElementsAre(HasSubstr("auth.anonymous_hosts[0]: must be a")))
        << wrong;
  }
}

TEST(AuthValidatorTest, ScopesAndLabelsOfCallersAreChecked) {
  EXPECT_THAT(
      AuthProblems("auth:\n"
                   "  callers:\n"
                   "    api_keys:\n"
                   "    - id: a\n"
                   "      key: 'env:A'\n"
                   "      scopes: ['model:gpt-*', 'api:gopher', 'x']\n"
                   "      labels: {'': nameless, team: red}\n"),
      ElementsAre(HasSubstr("api_keys[0].scopes[1]: the scope 'api:gopher'"),
                  HasSubstr("api_keys[0].scopes[2]: the scope 'x'"),
                  HasSubstr("api_keys[0].labels: '' must be 1 to 64")));
}

TEST(AuthValidatorTest, WhatCallsMayIsForCallersOnly) {
  EXPECT_THAT(
      AuthProblems("auth:\n"
                   "  operators:\n"
                   "    api_keys:\n"
                   "    - {id: a, key: 'env:A', scopes: ['rpc:Generate'],\n"
                   "       labels: {team: red}, priority: high,\n"
                   "       limits: [{unit: requests, limit: 5}]}\n"),
      UnorderedElementsAre(
          HasSubstr("operators.api_keys[0].scopes: is for callers"),
          HasSubstr("operators.api_keys[0].labels: is for callers"),
          HasSubstr("operators.api_keys[0].limits: is for callers"),
          HasSubstr("operators.api_keys[0].priority: is for callers")));
}

}  // namespace
}  // namespace gateway
