#include "service/first_calls.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/app.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "tests/testing/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kMockAlone[] = "providers: [{name: mock, mock: {}}]\n";

class FirstCallsTest : public testing::Test {
 protected:
  static std::string TextFor(const std::string& yaml,
                             const Environment& environment = {}) {
    const ConfigReading reading = ReadConfigText(
        AllProviderKinds(), yaml, "f", environment, absl::UnixEpoch());
    for (const ConfigProblem& problem : reading.problems) {
      ADD_FAILURE() << problem.ToString();
    }
    return FirstCalls(at_, *reading.snapshot, environment);
  }

  static inline const App::Addresses at_ = {.grpc = "127.0.0.1:1001",
                                            .http = "127.0.0.1:1002",
                                            .admin = "127.0.0.1:1003",
                                            .operations = "127.0.0.1:1004"};
};

TEST_F(FirstCallsTest, TellsWhereEachListenerIs) {
  const std::string text = TextFor(kMockAlone);
  EXPECT_THAT(text, HasSubstr("  gRPC        127.0.0.1:1001\n"));
  EXPECT_THAT(text, HasSubstr("  HTTP        127.0.0.1:1002\n"));
  EXPECT_THAT(text, HasSubstr("  admin gRPC  127.0.0.1:1003\n"));
  EXPECT_THAT(text, HasSubstr("  operations  127.0.0.1:1004\n"));
}

TEST_F(FirstCallsTest, TellsOfTheOperatorsHttpPathsWhereTheyAreServed) {
  EXPECT_THAT(TextFor(kMockAlone), Not(HasSubstr("admin HTTP")));
  const ConfigReading reading =
      ReadConfigText(AllProviderKinds(),
                     absl::StrCat(kMockAlone, "listeners: {admin_http: {}}\n"),
                     "f", {}, absl::UnixEpoch());
  App::Addresses at = at_;
  at.admin_http = "127.0.0.1:1005";
  EXPECT_THAT(FirstCalls(at, *reading.snapshot, {}),
              HasSubstr("  admin HTTP  127.0.0.1:1005\n"));
}

TEST_F(FirstCallsTest, EachCommandGoesToTheListenerThatServesIt) {
  const std::string text = TextFor(kMockAlone);
  for (const char* command :
       {" 127.0.0.1:1001 llmgateway.v1.GatewayService/Generate\n",
        " 127.0.0.1:1001 llmgateway.v1.GatewayService/StreamGenerate\n",
        "curl -s http://127.0.0.1:1002/v1/chat/completions ",
        "curl -sN http://127.0.0.1:1002/v1/chat/completions ",
        "curl -s http://127.0.0.1:1002/v1/messages ",
        "curl -s http://127.0.0.1:1002/v1/responses ",
        "curl -s http://127.0.0.1:1002/v1/models\n",
        "grpcurl -plaintext 127.0.0.1:1001 grpc.health.v1.Health/Check\n",
        "grpcurl -plaintext 127.0.0.1:1001 list\n",
        "curl -s http://127.0.0.1:1004/readyz\n"}) {
    EXPECT_THAT(text, HasSubstr(command));
  }
  EXPECT_THAT(text, HasSubstr("\"model\":\"mock-model\""));
  // Nothing is left for the shell to fill in.
  EXPECT_THAT(text, Not(HasSubstr("$")));
}

TEST_F(FirstCallsTest, WhoListensOnEveryInterfaceIsCalledAtLoopback) {
  const ConfigReading reading = ReadConfigText(AllProviderKinds(), kMockAlone,
                                               "f", {}, absl::UnixEpoch());
  const App::Addresses at = {.grpc = "[::]:1001",
                             .http = "[::]:1002",
                             .admin = "127.0.0.1:1003",
                             .operations = "0.0.0.0:1004"};
  const std::string text = FirstCalls(at, *reading.snapshot, {});
  EXPECT_THAT(text, HasSubstr("grpcurl -plaintext '[::1]:1001' list\n"));
  EXPECT_THAT(text, HasSubstr("curl -s 'http://[::1]:1002/v1/models'\n"));
  EXPECT_THAT(text, HasSubstr("curl -s http://127.0.0.1:1004/readyz\n"));
}

TEST_F(FirstCallsTest, GrpcurlHasItsPath) {
  EXPECT_THAT(TextFor(kMockAlone), HasSubstr("grpcurl is not in the PATH"));
  // Any program will do: no grpcurl is there for sure.
  const std::string folder = testing::TempDir();
  const std::string program = absl::StrCat(folder, "/grpcurl");
  unlink(program.c_str());
  ASSERT_EQ(symlink("/bin/sh", program.c_str()), 0);
  const std::string text =
      TextFor(kMockAlone, {{"PATH", absl::StrCat("/nowhere::", folder)}});
  EXPECT_THAT(text, HasSubstr(absl::StrCat("  ", program, " -plaintext ")));
  EXPECT_THAT(text, Not(HasSubstr("not in the PATH")));
}

TEST_F(FirstCallsTest, TlsIsUsedWhereItIsServed) {
  const TestCertificates certificates;
  const std::string text = TextFor(absl::StrCat(
      kMockAlone, "listeners:\n  grpc: {tls: {cert_chain: 'file:",
      certificates.good().chain_file, "', private_key: 'file:",
      certificates.good().key_file, "', client_ca: 'file:",
      certificates.ca_file(), "'}}\n  http: {tls: {cert_chain: 'file:",
      certificates.good().chain_file, "', private_key: 'file:",
      certificates.good().key_file, "'}}\n"));
  EXPECT_THAT(text, HasSubstr("  gRPC        127.0.0.1:1001  TLS\n"));
  EXPECT_THAT(text, HasSubstr("-insecure -cert client.crt -key client.key "
                              "127.0.0.1:1001 list\n"));
  EXPECT_THAT(text, HasSubstr("client.crt and client.key stand for"));
  EXPECT_THAT(text, HasSubstr("curl -sk https://127.0.0.1:1002/v1/models\n"));
  EXPECT_THAT(text, HasSubstr("curl -sNk https://127.0.0.1:1002/v1/chat"));
  EXPECT_THAT(text, HasSubstr("curl -s http://127.0.0.1:1004/readyz\n"));
  EXPECT_THAT(text, Not(HasSubstr("-plaintext")));
}

TEST_F(FirstCallsTest, AKeyIsShownByWhereItIs) {
  const std::string text = TextFor(
      absl::StrCat(kMockAlone,
                   "auth: {callers: {api_keys: [{id: a, key: 'env:CALLER'}]}}"),
      {{"CALLER", "hunter2-0123456789"}});
  EXPECT_THAT(text, HasSubstr("-H \"authorization: Bearer $CALLER\" "
                              "127.0.0.1:1001 llmgateway.v1"));
  EXPECT_THAT(text, HasSubstr("1002/v1/models -H \"authorization: Bearer "
                              "$CALLER\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST_F(FirstCallsTest, AKeyThatIsKnownByItsDigestIsTheReaders) {
  EXPECT_THAT(
      TextFor(absl::StrCat(kMockAlone, "auth: {callers: {api_keys: [{id: a, "
                                  "key_sha256: '", std::string(64, 'a'),
                           "'}]}}")),
      HasSubstr("Bearer $GATEWAY_KEY\""));
}

TEST_F(FirstCallsTest, TheModelIsOneOfTheConfigurations) {
  EXPECT_THAT(TextFor("providers:\n"
                      "- {name: a, models: [own], openai: {}}\n"
                      "- {name: mock, models: [toy], mock: {}}\n"),
              HasSubstr("{\"model\":\"toy\""));
  EXPECT_THAT(TextFor("providers: [{name: a, models: [own], openai: {}}]\n"),
              HasSubstr("{\"model\":\"own\""));
  EXPECT_THAT(TextFor("providers: [{name: a, openai: {}}]\n"),
              HasSubstr("Put a model's name for MODEL."));
  EXPECT_THAT(TextFor("providers: [{name: a, openai: {}}]\n"
                      "routing: {default_target: a/own}\n"),
              HasSubstr("{\"model\":\"own\""));
}

TEST_F(FirstCallsTest, ProvidersWithoutAKeyAreNamed) {
  EXPECT_THAT(TextFor("providers:\n"
                      "- {name: a, openai: {api_key: 'env:NOT_SET'}}\n"),
              HasSubstr("models are not served: a."));
}

}  // namespace
}  // namespace gateway
