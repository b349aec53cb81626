#include "service/config/validator.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(ValidatorTest, ASmallConfigurationIsEnough) {
  EXPECT_THAT(ProblemsBesideAMock(""), IsEmpty());
}

TEST(ValidatorTest, AskForAProvider) {
  EXPECT_THAT(ProblemsOf(""), ElementsAre(HasSubstr("providers: is required")));
}

TEST(ValidatorTest, ProvidersHaveOneNameEach) {
  EXPECT_THAT(
      ProblemsOf("providers:\n"
                 "- {name: a, mock: {}}\n"
                 "- {name: A b, mock: {}}\n"
                 "- {mock: {}}\n"
                 "- {name: a, mock: {}}\n"),
      ElementsAre("providers[1].name: must be 1 to 64 of lower-case letters, "
                  "digits and '-_'",
                  "providers[2].name: must be 1 to 64 of lower-case letters, "
                  "digits and '-_'",
                  "providers[3].name: is the name of providers[0] too; choose "
                  "another"));
}

TEST(ValidatorTest, ProvidersHaveAKind) {
  EXPECT_THAT(ProblemsOf("providers: [{name: a}]"),
              ElementsAre(HasSubstr("providers[0]: has no kind")));
}

TEST(ValidatorTest, ModelsHaveNamesAndAreListedOnce) {
  EXPECT_THAT(
      ProblemsOf("providers:\n- name: a\n  mock: {}\n"
                 "  models: [m, 'two words', m]\n"
                 "  model_aliases: {x: ''}\n"),
      ElementsAre(HasSubstr("providers[0].models[1]: must be a model's name"),
                  "providers[0].models[2]: is listed already; remove it",
                  HasSubstr("providers[0].model_aliases.x: must be a model's "
                            "name")));
}

TEST(ValidatorTest, KeysAndPromptsDoNotCrossTheNetworkInTheClear) {
  const auto with_url = [](std::string_view url, std::string_view http) {
    return ProblemsOf(absl::StrCat("providers: [{name: a, openai: {base_url: '",
                                   ToAbsl(url), "', http: {", ToAbsl(http),
                                   "}}}]"));
  };
  EXPECT_THAT(with_url("http://api.example", ""),
              ElementsAre(HasSubstr("base_url: must be https")));
  EXPECT_THAT(with_url("http://api.example", "allow_plaintext: true"),
              IsEmpty());
  EXPECT_THAT(with_url("http://127.0.0.1:8000/v1", ""), IsEmpty());
  EXPECT_THAT(with_url("https://api.example", ""), IsEmpty());
  EXPECT_THAT(with_url("https://u:p@api.example", ""),
              ElementsAre(HasSubstr("must not hold a user name")));
}

TEST(ValidatorTest, SecretsAreReferences) {
  EXPECT_THAT(
      ProblemsOf("providers:\n"
                 "- {name: a, openai: {api_key: sk-1}}\n"
                 "- {name: b, anthropic: {api_key: sk-2}}\n"
                 "auth:\n"
                 "  callers: {api_keys: [{id: c, key: sk-3}, {id: d}]}\n"
                 "  operators: {api_keys: [{id: e, key: sk-4}]}\n"),
      ElementsAre(
          HasSubstr("providers[0].openai.api_key: must be 'env:NAME'"),
          HasSubstr("providers[1].anthropic.api_key: must be 'env:NAME'"),
          HasSubstr("auth.callers.api_keys[0].key: must be 'env:NAME'"),
          HasSubstr("auth.callers.api_keys[1].key: is required"),
          HasSubstr("auth.operators.api_keys[0].key: must be 'env:NAME'")));
}

TEST(ValidatorTest, HeadersAndProxiesAreWellFormed) {
  EXPECT_THAT(
      ProblemsOf("providers:\n"
                 "- name: a\n"
                 "  anthropic:\n"
                 "    betas: [ok-2025, 'a b']\n"
                 "    http:\n"
                 "      proxy: 'https://proxy.example:1'\n"
                 "      headers: {x-a: ok, X-A: ok, Host: b, x-b: \"a\\nb\"}\n"
                 "- name: b\n"
                 "  openai: {organization: \"a\\nb\"}\n"),
      ElementsAre(
          HasSubstr("providers[0].anthropic.betas[1]: must be"),
          "providers[0].anthropic.http.proxy: must be http://host:port",
          "providers[0].anthropic.http.headers.x-a: is given twice but for its "
          "letter case; keep one",
          HasSubstr("headers.Host: is written by the gateway itself"),
          HasSubstr("headers.x-b: must be printable"),
          HasSubstr("providers[1].openai.organization: must be printable")));
}

TEST(ValidatorTest, TrustedProxiesAreNetworks) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "listeners:\n"
          "  grpc: {trusted_proxies: [10.0.0.0/8, proxy.internal]}\n"
          "  http: {trusted_proxies: ['::/0']}\n"
          "  admin: {trusted_proxies: [10.0.0.1/8]}\n"
          "  admin_http: {trusted_proxies: ['2001:db8::/32', x]}\n"
          "  operations: {trusted_proxies: [10.0.0.0/8]}\n"),
      testing::UnorderedElementsAre(
          HasSubstr("listeners.grpc.trusted_proxies[1]: must be an address"),
          HasSubstr("listeners.http.trusted_proxies[0]: must have 1 to 128"),
          HasSubstr("listeners.admin.trusted_proxies[0]: is an address in"),
          HasSubstr("listeners.admin_http.trusted_proxies[1]: must be an"),
          HasSubstr("listeners.operations.trusted_proxies: means nothing")));
}

TEST(ValidatorTest, CredentialsHaveNamesOfTheirOwn) {
  EXPECT_THAT(
      ProblemsOf("providers:\n"
               "- name: a\n"
               "  credentials:\n"
               "  - {api_key: 'env:A', name: one}\n"
               "  - {api_key: 'env:B', name: one}\n"
               "  - {api_key: 'env:C', name: default}\n"
               "  - {api_key: 'env:D', name: 'a b'}\n"
               "  openai: {}\n"),
      ElementsAre(HasSubstr("providers[0].credentials[1].name: is 'one', which "
                            "another credential is called"),
                  HasSubstr("providers[0].credentials[2].name: is 'default'"),
                  HasSubstr("providers[0].credentials[3].name: must be 1 to "
                            "64 of letters")));
}

TEST(ValidatorTest, ListenersDoNotShareAnAddress) {
  EXPECT_THAT(
      ProblemsBesideAMock("listeners:\n"
                          "  grpc: {address: '127.0.0.1:8080'}\n"
                          "  admin: {address: 'nowhere'}\n"),
      ElementsAre("listeners.http.address: is taken by listeners.grpc already; "
                  "choose another port",
                  HasSubstr("listeners.admin.address: must be an IP address")));
  EXPECT_THAT(ProblemsBesideAMock("listeners:\n"
                                  "  grpc: {address: '127.0.0.1:0'}\n"
                                  "  http: {address: '127.0.0.1:0'}\n"),
              IsEmpty());
}

TEST(ValidatorTest, AListenerOnEveryInterfaceHasItsPortOnAll) {
  const auto told = [](std::string_view grpc, std::string_view http) {
    return ProblemsBesideAMock(absl::StrCat(
        "listeners: {grpc: {address: '", ToAbsl(grpc), "'}, http: {address: '",
        ToAbsl(http), "'}}\nauth: {insecure_allow_anonymous: true}\n"));
  };
  EXPECT_THAT(told("0.0.0.0:80", "127.0.0.1:80"),
              ElementsAre("listeners.http.address: has the port of "
                          "listeners.grpc, 0.0.0.0:80; choose another"));
  for (const auto& [one, other] :
       {std::pair("[::]:80", "0.0.0.0:80"), std::pair("[::]:80", "[::1]:80"),
        std::pair("[::]:80", "127.0.0.1:80"),
        std::pair("[0:0::0]:80", "[::]:80"),
        std::pair("0.0.0.0:80", "localhost:80"),
        std::pair("localhost:80", "127.0.0.1:80"),
        std::pair("localhost:80", "[::1]:80"),
        std::pair("127.0.0.1:80", "127.0.0.1:080")}) {
    EXPECT_THAT(told(one, other), SizeIs(1)) << one << " " << other;
    EXPECT_THAT(told(other, one), SizeIs(1)) << one << " " << other;
  }
  for (const auto& [one, other] : {std::pair("0.0.0.0:80", "0.0.0.0:81"),
                                   std::pair("127.0.0.1:80", "127.0.0.2:80"),
                                   std::pair("0.0.0.0:80", "[::1]:80"),
                                   std::pair("0.0.0.0:0", "[::]:0")}) {
    EXPECT_THAT(told(one, other), IsEmpty()) << one << " " << other;
  }
}

TEST(ValidatorTest, StreamsWindowsFitInTheirConnections) {
  const auto with = [](std::string_view fields) {
    return ProblemsBesideAMock(
        absl::StrCat("listeners: {grpc: {", ToAbsl(fields), "}}"));
  };
  // 2 GiB less one byte is what a connection can have.
  EXPECT_THAT(with("stream_window_bytes_limit: 2097151, "
                   "concurrent_streams_limit: 1024"),
              IsEmpty());
  EXPECT_THAT(with("stream_window_bytes_limit: 2MiB, "
                   "concurrent_streams_limit: 1024"),
              ElementsAre("listeners.grpc.stream_window_bytes_limit: times "
                          "concurrent_streams_limit is 2147483648 bytes; one "
                          "connection can have at most 2147483647"));
  EXPECT_THAT(with("concurrent_streams_limit: 100000"),
              ElementsAre(HasSubstr("times concurrent_streams_limit")));
  EXPECT_THAT(with("concurrent_streams_limit: 100000, engine: grpc_core"),
              IsEmpty());
  EXPECT_THAT(with("stream_window_bytes_limit: 9223372036854775807"),
              ElementsAre("listeners.grpc.stream_window_bytes_limit: must be "
                          "16KiB to 16MiB"));
}

TEST(ValidatorTest, RequestBuffersHoldTheLargestMessageTwice) {
  const auto with = [](std::string_view fields) {
    return ProblemsBesideAMock(
        absl::StrCat("listeners: {grpc: {", ToAbsl(fields), "}}"));
  };
  EXPECT_THAT(with("request_buffer_bytes_limit: 64MiB, "
                   "receive_message_bytes_limit: 32MiB"),
              IsEmpty());
  EXPECT_THAT(with("request_buffer_bytes_limit: 67108863, "
                   "receive_message_bytes_limit: 32MiB"),
              ElementsAre("listeners.grpc.request_buffer_bytes_limit: must be "
                          "at least twice receive_message_bytes_limit, which "
                          "is 33554432 bytes"));
  EXPECT_THAT(with("request_buffer_bytes_limit: 1MiB, engine: grpc_core"),
              IsEmpty());
}

TEST(ValidatorTest, TlsNeedsACertificateAndItsKey) {
  EXPECT_THAT(
      ProblemsBesideAMock("listeners:\n"
                          "  grpc: {tls: {}}\n"
                          "  http: {tls: {cert_chain: 'file:/a',\n"
                          "               private_key: 'PEM',\n"
                          "               client_ca: 'file:'}}\n"),
      ElementsAre(
          HasSubstr("listeners.grpc.tls.cert_chain: is required"),
          HasSubstr("listeners.grpc.tls.private_key: is required"),
          HasSubstr("listeners.http.tls.private_key: must be 'env:NAME'"),
          HasSubstr("listeners.http.tls.client_ca: must give a path")));
}

TEST(ValidatorTest, WaitsGrow) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "resilience: {retry: {backoff_base: 2s, backoff_limit: 1s}}"),
      ElementsAre(
          "resilience.retry.backoff_limit: must be at least backoff_base"));
  const auto problems = [](const char* base) {
    return ProblemsOf(
        absl::StrCat("providers: [{name: mock, mock: {}, resilience: {retry: "
                     "{backoff_base: ",
                     base, "}}}]\nrouting: {default_target: mock}\n",
                     "resilience: {retry: {backoff_limit: 1s}}\n"));
  };
  EXPECT_THAT(problems("1s"), IsEmpty());
  EXPECT_THAT(problems("1001ms"),
              ElementsAre("providers[0].resilience.retry.backoff_limit: must "
                          "be at least backoff_base"));
  // Of a model, against what its provider says.
  EXPECT_THAT(
      ProblemsOf("providers: [{name: mock, mock: {}, resilience: {retry: "
                 "{backoff_base: 100ms, backoff_limit: 1s}, models: [{model: "
                 "m, retry: {backoff_base: 900ms}}, {model: n, retry: "
                 "{backoff_base: 2s}}]}}]\nrouting: {default_target: mock}\n"),
      ElementsAre("providers[0].resilience.models[1].retry.backoff_limit: must "
                  "be at least backoff_base"));
}

TEST(ValidatorTest, EjectionsGrow) {
  EXPECT_THAT(
      ProblemsBesideAMock("resilience: {outlier_ejection: {base_ejection: 2s, "
                          "ejection_limit: 1s}}"),
      ElementsAre("resilience.outlier_ejection.ejection_limit: must be at "
                  "least base_ejection"));
  EXPECT_THAT(
      ProblemsBesideAMock("resilience: {outlier_ejection: {base_ejection: "
                          "1h}}"),
      IsEmpty());
}

TEST(ValidatorTest, ModulesHaveNames) {
  EXPECT_THAT(
      ProblemsBesideAMock("logging:\n"
                          "  module_levels:\n"
                          "    pipeline: debug\n"
                          "    pipelin: debug\n"
                          "    routing: debug\n"),
      ElementsAre(HasSubstr("logging.module_levels.pipelin: is no module of "
                            "the log; did you mean 'pipeline'?"),
                  HasSubstr("logging.module_levels.routing: is no module of "
                            "the log; known are 'access_log', 'alerts', ")));
}

TEST(ValidatorTest, ALogIsSetAsideByItsSizeOrItsAge) {
  EXPECT_THAT(ProblemsBesideAMock("logging: {file: /tmp/a.log, rotation: "
                                  "{size_bytes_limit: 64KiB, interval: 1m}}"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock("logging: {rotation: {size_bytes_limit: 1MiB}}"),
      ElementsAre(HasSubstr("logging.rotation: needs logging.file")));
  EXPECT_THAT(
      ProblemsBesideAMock("logging: {file: /tmp/a.log, rotation: "
                          "{files_limit: 3}}"),
      ElementsAre("logging.rotation: needs size_bytes_limit, interval, or "
                  "both"));
  EXPECT_THAT(
      ProblemsBesideAMock("logging: {file: /tmp/a.log, rotation: "
                          "{size_bytes_limit: 65535, interval: 59s, "
                          "files_limit: 0}}"),
      UnorderedElementsAre(
          HasSubstr("logging.rotation.files_limit: must be 1 to 10000"),
          HasSubstr("logging.rotation.interval: must be 0s, for never, or"),
          HasSubstr("logging.rotation.size_bytes_limit: must be 0, for")));
}

TEST(ValidatorTest, MembersOfTheAccessLogHaveNames) {
  EXPECT_THAT(ProblemsBesideAMock("logging: {access_log_fields: [request_id, "
                                  "status, duration_us, ts]}"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock("logging: {access_log_fields: [request_id, "
                          "statuss, start_us]}"),
      ElementsAre(
          HasSubstr("logging.access_log_fields[1]: is no member of a line of "
                    "the access log; did you mean 'status'?"),
          HasSubstr("logging.access_log_fields[2]: is no member of a line of "
                    "the access log")));
}

TEST(ValidatorTest, ListsAreBounded) {
  std::string providers = "providers:\n";
  for (int i = 0; i < 256; ++i) {
    absl::StrAppend(&providers, "- {name: p", i, ", mock: {}}\n");
  }
  EXPECT_THAT(ProblemsOf(providers), IsEmpty());
  absl::StrAppend(&providers, "- {name: last, mock: {}}\n");
  EXPECT_THAT(ProblemsOf(providers),
              ElementsAre("providers: has 257 entries; at most 256 are "
                          "allowed"));
}

}  // namespace
}  // namespace gateway
