#include "service/config/snapshot_resolver.h"

#include <fstream>
#include <ios>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/config/environment.h"
#include "tests/service/config/made_snapshot.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string WriteKeyFile(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(SnapshotResolverTest, HoldsTheWeightedCredentialsThatAreAtHand) {
  const Made made = Make(
      "providers:\n"
      "- name: openai\n"
      "  credentials:\n"
      "  - {api_key: 'env:ONE', weight: 3}\n"
      "  - {api_key: 'env:MISSING'}\n"
      "  - {api_key: 'env:TWO'}\n"
      "  openai: {}\n"
      "- name: other\n"
      "  credentials: [{api_key: 'env:MISSING'}]\n"
      "  openai: {}\n",
      {{"ONE", "sk-one"}, {"TWO", "sk-two"}});
  ASSERT_NE(made.snapshot, nullptr);
  const auto& keys = made.snapshot->CredentialsOf("openai");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key.Reveal(), "sk-one");
  EXPECT_EQ(keys[0].weight, 3);
  EXPECT_EQ(keys[0].name, "credential-1");
  EXPECT_EQ(keys[1].key.Reveal(), "sk-two");
  EXPECT_EQ(keys[1].name, "credential-3");
  EXPECT_EQ(keys[1].weight, 1);
  EXPECT_EQ(made.snapshot->CredentialOf("other"),
            ConfigSnapshot::Credential::kAbsent);
}

TEST(SnapshotResolverTest, AMissingKeyFileIsAnErrorThatNamesTheField) {
  const Made made = Make(
      "providers:\n- {name: a, openai: {api_key: 'file:/nonexistent/k'}}\n",
      {});
  EXPECT_EQ(made.snapshot, nullptr);
  EXPECT_THAT(made.problems,
              ElementsAre(HasSubstr("f:2:22: providers[0].openai.api_key: file "
                                    "/nonexistent/k: ")));
}

TEST(SnapshotResolverTest, HoldsTheKeysOfCallers) {
  const Made made = Make(
      "auth:\n"
      "  callers:\n"
      "    api_keys:\n"
      "    - {id: a, key: 'env:A'}\n"
      // Of `abc`, by FIPS 180-4.
      "    - id: b\n"
      "      key_sha256: ba7816bf8f01cfea414140de5dae2223"
      "B00361A396177A9CB410FF61F20015AD\n"
      "      state: disabled\n"
      "      expire_time: 2027-01-31T00:00:00Z\n"
      "      owner: b@example.com\n"
      "  operators: {api_keys: [{id: ops, key: 'env:A'}]}\n",
      {{"A", "0123456789abcdef"}});
  ASSERT_NE(made.snapshot, nullptr);
  ASSERT_EQ(made.snapshot->caller_keys().size(), 2u);
  const ConfigSnapshot::AccessKey& full = made.snapshot->caller_keys()[0];
  EXPECT_EQ(full.caller.id, "a");
  EXPECT_TRUE(full.key->Equals("0123456789abcdef"));
  EXPECT_EQ(full.digest, Sha256("0123456789abcdef"));
  EXPECT_FALSE(full.disabled);
  EXPECT_EQ(full.caller.expire_time, absl::InfiniteFuture());
  const ConfigSnapshot::AccessKey& hashed = made.snapshot->caller_keys()[1];
  EXPECT_FALSE(hashed.key.has_value());
  EXPECT_EQ(hashed.digest, Sha256("abc"));
  EXPECT_TRUE(hashed.disabled);
  EXPECT_EQ(hashed.caller.expire_time, absl::FromUnixSeconds(1'801'353'600));
  EXPECT_EQ(hashed.caller.owner, "b@example.com");
  ASSERT_EQ(made.snapshot->operator_keys().size(), 1u);
  EXPECT_EQ(made.snapshot->operator_keys()[0].caller.id, "ops");
}

TEST(SnapshotResolverTest, KeysOfCallersAreThereAndLongAndDifferent) {
  const Made made = Make(
      "auth:\n"
      "  callers:\n"
      "    api_keys:\n"
      "    - {id: a, key: 'env:A'}\n"
      "    - {id: b, key: 'env:B'}\n"
      "    - {id: c, key: 'env:C'}\n"
      "    - {id: d, key: 'env:D'}\n"
      "    - {id: e, key_sha256: 9f9f5111f7b27a781f1f1ddde5ebc2dd"
      "2b796bfc7365c9c28b548e564176929f}\n",
      {{"A", "0123456789abcdef"},
       {"C", "0123456789abcde"},
       {"D", "0123456789abcdef"}});
  EXPECT_EQ(made.snapshot, nullptr);
  EXPECT_THAT(made.problems,
              ElementsAre(HasSubstr("auth.callers.api_keys[1].key: variable "
                                    "B is not set; set it"),
                          HasSubstr("auth.callers.api_keys[2].key: variable "
                                    "C is a key of less than 16"),
                          HasSubstr("auth.callers.api_keys[3].key: leads to "
                                    "the same key as 'a'"),
                          HasSubstr("auth.callers.api_keys[4].key_sha256: "
                                    "leads to the same key as 'a'")));
  for (const std::string& problem : made.problems) {
    EXPECT_THAT(problem, Not(HasSubstr("0123456789")));
  }
}

class TlsResolverTest : public testing::Test {
 protected:
  // Of a gRPC listener whose key is in the variable TLS_KEY.
  static Made MakeTls(const std::string& chain_file, const std::string& key,
                      const std::string& more = "") {
    return Make(absl::StrCat("listeners: {grpc: {tls: {cert_chain: 'file:",
                             chain_file, "', private_key: 'env:TLS_KEY'", more,
                             "}}}"),
                {{"TLS_KEY", key}});
  }

  static inline const TestCertificates certificates_;
  static inline const std::string chain_file_ = certificates_.good().chain_file;
  static inline const std::string key_ = ReadPem(certificates_.good().key_file);
};

TEST_F(TlsResolverTest, HoldsWhatListenersNeed) {
  const Made made = MakeTls(chain_file_, key_);
  EXPECT_THAT(made.problems, IsEmpty());
  ASSERT_NE(made.snapshot, nullptr);
  const ConfigSnapshot::Tls* tls = made.snapshot->FindTls("grpc");
  ASSERT_NE(tls, nullptr);
  EXPECT_EQ(tls->cert_chain.Reveal(), ReadPem(chain_file_));
  EXPECT_EQ(tls->private_key.Reveal(), key_);
  EXPECT_FALSE(tls->client_ca.has_value());
  EXPECT_EQ(made.snapshot->FindTls("http"), nullptr);
}

// What connections to Redis need, by the fields of `redis`.
class RedisResolverTest : public testing::Test {
 protected:
  static Made MakeRedis(const std::string& fields,
                        const Environment& environment = {}) {
    return Make(absl::StrCat("redis: {addresses: ['cache:6379'], ", fields,
                             "}\nproviders: [{name: mock, mock: {}}]\n"),
                environment);
  }

  static inline const TestCertificates certificates_;
};

TEST_F(RedisResolverTest, HoldsPasswordsAlsoThoseOfAUrl) {
  const Environment environment = {{"PLAIN", "pass word"},
                                   {"URL", "redis://gw:se%2Fcret@cache/1"}};
  const Made plain = MakeRedis("password: 'env:PLAIN'", environment);
  ASSERT_NE(plain.snapshot, nullptr);
  EXPECT_EQ(plain.snapshot->redis_secrets().password.Reveal(), "pass word");
  const Made url = MakeRedis("password: 'env:URL'", environment);
  ASSERT_NE(url.snapshot, nullptr);
  EXPECT_EQ(url.snapshot->redis_secrets().password.Reveal(), "se/cret");
  EXPECT_NE(plain.snapshot->fingerprint(), url.snapshot->fingerprint());
  EXPECT_THAT(MakeRedis("password: 'env:NONE'").problems,
              ElementsAre(HasSubstr("variable NONE is not set")));
}

TEST_F(RedisResolverTest, ChecksWhatTlsIsSpokenWith) {
  const auto tls = [](const std::string& chain, const std::string& key) {
    return absl::StrCat("tls: {ca: 'file:", certificates_.ca_file(),
                        "', cert_chain: 'file:", chain,
                        "', private_key: 'file:", key, "'}");
  };
  const TestCertificates::Pair& own = certificates_.client();
  const Made good = MakeRedis(tls(own.chain_file, own.key_file));
  ASSERT_NE(good.snapshot, nullptr);
  EXPECT_EQ(good.snapshot->redis_secrets().ca,
            ReadPem(certificates_.ca_file()));
  EXPECT_THAT(
      MakeRedis(tls(own.chain_file, certificates_.good().key_file)).problems,
      ElementsAre(HasSubstr("redis.tls: private key: is not the key of")));
}

TEST_F(TlsResolverTest, AVariableThatIsNotSetIsNamed) {
  EXPECT_THAT(MakeTls(chain_file_, "").problems,
              ElementsAre(HasSubstr("listeners.grpc.tls.private_key: variable "
                                    "TLS_KEY is not set; set it")));
}

TEST_F(TlsResolverTest, TheKeyOfAnotherCertificateIsNamedByItsVariable) {
  const Made made =
      MakeTls(chain_file_, ReadPem(certificates_.client().key_file));
  EXPECT_EQ(made.snapshot, nullptr);
  EXPECT_THAT(made.problems,
              ElementsAre(HasSubstr("listeners.grpc.tls.private_key: variable "
                                    "TLS_KEY is not the key of the "
                                    "certificate, which is for 'good'")));
}

TEST_F(TlsResolverTest, WhatIsNoCertificateIsNamedByItsFile) {
  const std::string junk = WriteKeyFile("junk.pem", "this is none");
  const Made made =
      MakeTls(junk, key_, absl::StrCat(", client_ca: 'file:", junk, "'"));
  EXPECT_THAT(
      made.problems,
      ElementsAre(
          HasSubstr(absl::StrCat("listeners.grpc.tls.cert_chain: file ", junk,
                                 " holds no certificate in PEM")),
          HasSubstr(absl::StrCat("listeners.grpc.tls.client_ca: file ", junk,
                                 " holds no certificate in PEM"))));
  for (const std::string& problem : made.problems) {
    EXPECT_THAT(problem, Not(HasSubstr("this is none")));
  }
}

TEST(SnapshotResolverTest, WarnsOfCredentialsThatAreNotSet) {
  const Made made = Make(
      "providers:\n"
      "- {name: a, openai: {api_key: 'env:A'}}\n"
      "- name: b\n"
      "  openai: {api_key: 'env:B'}\n"
      "  credentials: [{api_key: 'env:B2'}]\n"
      "- {name: c, openai: {}}\n",
      {{"B2", "sk-hunter2"}});
  ASSERT_NE(made.snapshot, nullptr);
  EXPECT_THAT(
      made.warnings,
      ElementsAre("f:2:22: providers[0].openai.api_key: variable A is not set; "
                  "until it is, rules skip this provider",
                  "f:4:12: providers[1].openai.api_key: variable B is not set; "
                  "the other credentials serve alone"));
}

constexpr std::string_view kAlerts =
    "alerts:\n"
    "  actions:\n"
    "  - {name: page, webhook: {url: 'env:HOOK', signing_key: 'env:KEY'}}\n"
    "  - {name: chat, webhook: {url: 'https://chat.example/hunter2'}}\n"
    "  - {name: note, log: {}}\n";

TEST(SnapshotResolverTest, HeadersOfTracesMayHaveWords) {
  const Made made = Make(
      "tracing: {endpoint: 'https://a.example:4317', headers: [\n"
      "  {name: authorization, value: 'env:AUTH'}]}\n",
      {{"AUTH", "Basic dTpw"}});
  ASSERT_NE(made.snapshot, nullptr) << made.problems[0];
  ASSERT_EQ(made.snapshot->tracing_headers().size(), 1u);
  EXPECT_EQ(made.snapshot->tracing_headers()[0].value.Reveal(), "Basic dTpw");
}

TEST(SnapshotResolverTest, HeadersOfWebhooksAreNamedOrStandThere) {
  constexpr std::string_view kHeaders =
      "alerts:\n"
      "  actions:\n"
      "  - name: page\n"
      "    webhook:\n"
      "      url: 'https://a.example'\n"
      "      headers: {x-team: hunter2, authorization: 'env:AUTH'}\n";
  const Made made = Make(kHeaders, {{"AUTH", "GenieKey abc"}});
  ASSERT_NE(made.snapshot, nullptr) << made.problems[0];
  const auto& headers = made.snapshot->alert_webhooks().at("page").headers;
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0].name, "authorization");
  EXPECT_EQ(headers[0].value.Reveal(), "GenieKey abc");
  EXPECT_TRUE(headers[0].is_named);
  EXPECT_EQ(headers[1].name, "x-team");
  EXPECT_EQ(headers[1].value.Reveal(), "hunter2");
  EXPECT_FALSE(headers[1].is_named);
  EXPECT_THAT(made.snapshot->masked_yaml(), HasSubstr("env:AUTH"));
  EXPECT_THAT(made.snapshot->masked_yaml(), Not(HasSubstr("hunter2")));
  const Made rotated = Make(kHeaders, {{"AUTH", "GenieKey def"}});
  EXPECT_NE(rotated.snapshot->fingerprint(), made.snapshot->fingerprint());
  const Made absent = Make(kHeaders, {});
  EXPECT_EQ(absent.snapshot, nullptr);
  EXPECT_THAT(absent.problems,
              ElementsAre(HasSubstr("alerts.actions[0].webhook.headers."
                                    "authorization: variable AUTH is not")));
}

TEST(SnapshotResolverTest, HoldsTheAddressesAndKeysOfWebhooks) {
  const Made made =
      Make(kAlerts, {{"HOOK", "https://a.example/x"}, {"KEY", "k1"}});
  ASSERT_NE(made.snapshot, nullptr) << made.problems[0];
  const ConfigSnapshot::AlertWebhooks& webhooks =
      made.snapshot->alert_webhooks();
  ASSERT_EQ(webhooks.size(), 2u);
  EXPECT_EQ(webhooks.at("page").url.Reveal(), "https://a.example/x");
  EXPECT_EQ(webhooks.at("page").signing_key.Reveal(), "k1");
  EXPECT_EQ(webhooks.at("chat").url.Reveal(), "https://chat.example/hunter2");
  EXPECT_TRUE(webhooks.at("chat").signing_key.empty());
  EXPECT_THAT(made.snapshot->masked_yaml(), HasSubstr("env:HOOK"));
  EXPECT_THAT(made.snapshot->masked_yaml(), Not(HasSubstr("hunter2")));
  const Made rotated =
      Make(kAlerts, {{"HOOK", "https://a.example/x"}, {"KEY", "k2"}});
  EXPECT_NE(rotated.snapshot->fingerprint(), made.snapshot->fingerprint());
  EXPECT_EQ(rotated.snapshot->etag(), made.snapshot->etag());
}

TEST(SnapshotResolverTest, AnAddressThatIsNoneIsNotRepeated) {
  const Made made = Make(kAlerts, {{"HOOK", "hunter2"}});
  EXPECT_EQ(made.snapshot, nullptr);
  EXPECT_THAT(made.problems,
              ElementsAre(AllOf(HasSubstr("alerts.actions[0].webhook.url: "
                                          "variable HOOK "),
                                Not(HasSubstr("hunter2"))),
                          AllOf(HasSubstr("alerts.actions[0].webhook."
                                          "signing_key: "),
                                HasSubstr("KEY"))));
}

}  // namespace
}  // namespace gateway
