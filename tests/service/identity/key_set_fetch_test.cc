#include "service/identity/key_set_fetch.h"

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/http/http_handler.h"
#include "base/os/file.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/identity/json_web_key_set.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kToken = "token-of-the-gateway";

// Answers by path, and keeps what it was asked: `path?query token`.
class Documents final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    asked.push_back(absl::StrCat(
        ToAbsl(request.path), request.query.empty() ? "" : "?",
        ToAbsl(request.query), " ", ToAbsl(request.Find("authorization"))));
    const auto found = texts.find(request.path);
    const HttpField moved[] = {{"location", "/elsewhere"}};
    const std::string_view body[] = {found == texts.end() ? std::string_view()
                                                          : found->second};
    const int status = found != texts.end() ? 200 : 302;
    static_cast<void>(co_await responder.Send({status, moved}, body));
  }

  std::map<std::string, std::string, std::less<>> texts;
  std::vector<std::string> asked;
};

class KeySetFetchTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Fetch(std::string_view issuer,
                                    std::string_view key_set,
                                    std::string ca_pem = "") {
    return client_.Run([&] {
      return FetchKeySet(
          KeySetFetch{client_.http(), worker_, cancel_},
          {.issuer = std::string(issuer), .key_set = std::string(key_set)},
          {.token = Secret(std::string(kToken)), .ca_pem = std::move(ca_pem)});
    });
  }
  static std::string UrlOf(const TestHttpServer& server, std::string_view path,
                           bool tls = false) {
    return absl::StrCat(tls ? "https" : "http", "://localhost:", server.port(),
                        ToAbsl(path));
  }
  void Serve(std::string_view path, std::string text) {
    documents_.texts.emplace(path, std::move(text));
  }

  BlockingWorker worker_{{.name = "test"}};
  CancelSignal cancel_;
  LoopClient client_;
  Documents documents_;
};

TEST_F(KeySetFetchTest, WhereASetMayBe) {
  for (const char* good :
       {"https://id.example", "https://id.example:8443/keys/?p=a&b",
        "http://127.0.0.1:1/keys", "http://[::1]/keys", "file:keys.json"}) {
    EXPECT_TRUE(CheckKeySet(good).ok()) << good;
  }
  for (const char* bad :
       {"", "file:", "keys.json", "env:KEYS", "http://id.example/keys",
        "http://127.0.0.1.id.example/keys", "https://", "ftp://id.example",
        "https://a:b@id.example/", "https://id.example/#a",
        "https://id.example/?a b"}) {
    EXPECT_FALSE(CheckKeySet(bad).ok()) << bad;
  }
  EXPECT_TRUE(CheckDiscoveredIssuer("https://id.example/realm").ok());
  for (const char* bad : {"mine", "file:keys.json", "http://id.example",
                          "https://id.example/?a"}) {
    EXPECT_FALSE(CheckDiscoveredIssuer(bad).ok()) << bad;
  }
}

TEST_F(KeySetFetchTest, AFileIsRead) {
  const std::string path = testing::TempDir() + "/keys.json";
  std::ofstream(path) << "{}";
  EXPECT_EQ(*Fetch("a", "file:" + path), "{}");
  std::ofstream(path) << std::string(kKeySetBytesMax + 1, ' ');
  EXPECT_FALSE(Fetch("a", "file:" + path).ok());
  EXPECT_THAT(Fetch("a", "file:/no/such/file").status().message(),
              HasSubstr("/no/such/file: "));
}

TEST_F(KeySetFetchTest, AServerIsAskedWithTheTokenAndTheQuery) {
  Serve("/keys/", "{}");
  const TestHttpServer server(documents_);
  EXPECT_EQ(*Fetch("a", UrlOf(server, "/keys/?p=a")), "{}");
  EXPECT_THAT(documents_.asked,
              ElementsAre("/keys/?p=a Bearer token-of-the-gateway"));
}

// Whoever is not known can have a set read again and again, by tokens that name
// another key.
TEST_F(KeySetFetchTest, NothingPilesUpInTheClient) {
  Serve("/keys", "{}");
  const TestHttpServer server(documents_);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(*Fetch("a", UrlOf(server, "/keys")), "{}");
    EXPECT_FALSE(Fetch("a", UrlOf(server, "/moved")).ok());
    EXPECT_EQ(client_.http().destinations(), 1u);
  }
}

TEST_F(KeySetFetchTest, WhatIsNoAnswerIsToldWithoutTheToken) {
  Serve("/large", std::string(kKeySetBytesMax + 1, ' '));
  const TestHttpServer server(documents_);
  const auto moved = Fetch("a", UrlOf(server, "/moved"));
  EXPECT_THAT(moved.status().message(),
              HasSubstr("/moved: answered 302 and not 200; redirects are not "
                        "followed"));
  EXPECT_THAT(moved.status().message(), Not(HasSubstr(ToAbsl(kToken))));
  // Nobody was asked where it leads.
  EXPECT_EQ(documents_.asked.size(), 1u);
  EXPECT_FALSE(Fetch("a", UrlOf(server, "/large")).ok());
}

TEST_F(KeySetFetchTest, AServerMustBeOneOfTheAuthoritys) {
  const TestCertificates certificates;
  Serve("/keys", "{}");
  const TestHttpServer server(documents_, {}, ServerTls(certificates.good()));
  const std::string url = UrlOf(server, "/keys", /*tls=*/true);
  EXPECT_EQ(*Fetch("a", url, ReadPem(certificates.ca_file())), "{}");
  // The system's authorities know it as little as another one does.
  EXPECT_FALSE(Fetch("a", url).ok());
  EXPECT_FALSE(
      Fetch("a", url, ReadPem(certificates.self_signed().chain_file)).ok());
  // Who is refused is shown nothing.
  EXPECT_EQ(documents_.asked.size(), 1u);
}

TEST_F(KeySetFetchTest, TheIssuersOwnServerAloneIsShownTheToken) {
  const TestCertificates certificates;
  const std::string ca = ReadPem(certificates.ca_file());
  const TestHttpServer server(documents_, {}, ServerTls(certificates.good()));
  Documents others;
  others.texts.emplace("/keys", "{}");
  const TestHttpServer other(others, {}, ServerTls(certificates.good()));
  const auto configuration = [](const std::string& issuer,
                                const std::string& keys) {
    return absl::StrCat(R"({"issuer":")", issuer, R"(","jwks_uri":")", keys,
                        R"("})");
  };
  Serve("/keys", "{}");
  const std::string own = UrlOf(server, "/own", true);
  const std::string away = UrlOf(server, "/away", true);
  Serve("/own/.well-known/openid-configuration",
        configuration(own, UrlOf(server, "/keys", true)));
  Serve("/away/.well-known/openid-configuration",
        configuration(away, UrlOf(other, "/keys", true)));
  EXPECT_EQ(*Fetch(own, "", ca), "{}");
  EXPECT_EQ(*Fetch(away, "", ca), "{}");
  EXPECT_THAT(
      documents_.asked,
      ElementsAre(
          "/own/.well-known/openid-configuration Bearer token-of-the-gateway",
          "/keys Bearer token-of-the-gateway",
          "/away/.well-known/openid-configuration Bearer "
          "token-of-the-gateway"));
  EXPECT_THAT(others.asked, ElementsAre("/keys "));
}

TEST_F(KeySetFetchTest, AnIssuerSpeaksForItselfOnly) {
  const TestCertificates certificates;
  const TestHttpServer server(documents_, {}, ServerTls(certificates.good()));
  Serve("/a/.well-known/openid-configuration",
        absl::StrCat(R"({"issuer":"https://other.example","jwks_uri":")",
                     UrlOf(server, "/keys", true), R"("})"));
  Serve("/keys", "{}");
  EXPECT_FALSE(
      Fetch(UrlOf(server, "/a", true), "", ReadPem(certificates.ca_file()))
          .ok());
  EXPECT_EQ(documents_.asked.size(), 1u);
}

TEST_F(KeySetFetchTest, WhoIsCancelledWaitsForNobody) {
  Serve("/keys", "{}");
  const TestHttpServer server(documents_);
  cancel_.Cancel(absl::CancelledError("over"));
  EXPECT_FALSE(Fetch("a", UrlOf(server, "/keys")).ok());
  EXPECT_TRUE(documents_.asked.empty());
}

}  // namespace
}  // namespace gateway
