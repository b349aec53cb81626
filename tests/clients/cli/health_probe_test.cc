#include "clients/cli/health_probe.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/net/listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Says the same to everybody.
class Gateway final : public HttpHandler {
 public:
  Gateway(int status, std::string text)
      : status_(status), text_(std::move(text)) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    asked_ = absl::StrCat(std::string(request.method), " ",
                          std::string(request.path));
    const HttpField fields[] = {{"content-type", "text/plain"}};
    const std::string_view body[] = {text_};
    (co_await responder.Send({status_, fields}, body)).IgnoreError();
  }

  const std::string& asked() const { return asked_; }

 private:
  const int status_;
  const std::string text_;
  std::string asked_;
};

ReadyQuestion To(int port) {
  return {.url = absl::StrCat("http://127.0.0.1:", port), .path = "/readyz"};
}

TEST(HealthProbeTest, AReadyGatewayIsReady) {
  Gateway gateway(200, "ready\n");
  TestHttpServer server(gateway);
  const Readout readout = AskReady(To(server.port()));
  EXPECT_TRUE(readout.ready);
  EXPECT_EQ(readout.text, "ready");
  EXPECT_EQ(gateway.asked(), "GET /readyz");
}

TEST(HealthProbeTest, AGatewayThatDrainsIsNot) {
  Gateway gateway(503, "not ready: the gateway is shutting down\n");
  TestHttpServer server(gateway);
  const Readout readout = AskReady(To(server.port()));
  EXPECT_FALSE(readout.ready);
  EXPECT_EQ(readout.text, "not ready: the gateway is shutting down");
}

TEST(HealthProbeTest, AnAnswerOutOfProportionIsNone) {
  Gateway gateway(200, std::string(100 * 1024, 'x'));
  TestHttpServer server(gateway);
  const Readout readout = AskReady(To(server.port()));
  EXPECT_FALSE(readout.ready);
  EXPECT_THAT(readout.text, StartsWith("no answer: "));
}

TEST(HealthProbeTest, NobodyThereIsNotReady) {
  // Taken, though nothing is accepted on it.
  const absl::StatusOr<ListenAddress> address = BindAddress("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  const Readout readout = AskReady(To(address->port()));
  EXPECT_FALSE(readout.ready);
  EXPECT_THAT(readout.text, StartsWith("no answer: "));
}

TEST(HealthProbeTest, AListenerWithTlsIsAskedAndMustBeTrusted) {
  const TestCertificates certificates;
  Gateway gateway(200, "ready\n");
  TestHttpServer server(gateway, {}, ServerTls(certificates.good()));
  ReadyQuestion question = {
      .url = absl::StrCat("https://localhost:", server.port()),
      .path = "/readyz"};
  const Readout stranger = AskReady(question);
  EXPECT_FALSE(stranger.ready);
  EXPECT_THAT(stranger.text, HasSubstr("certificate"));
  question.ca_file = certificates.ca_file();
  const Readout known = AskReady(question);
  EXPECT_TRUE(known.ready) << known.text;
}

TEST(HealthProbeTest, ACaFileThatCannotBeReadIsNamed) {
  const Readout readout = AskReady({.url = "https://127.0.0.1:1",
                                    .path = "/readyz",
                                    .ca_file = "/nowhere/ca.pem"});
  EXPECT_FALSE(readout.ready);
  EXPECT_THAT(readout.text, HasSubstr("/nowhere/ca.pem"));
}

TEST(HealthProbeTest, ALongAnswerIsItsStatus) {
  Gateway gateway(404, "<html>\n<body>not found</body>\n</html>\n");
  TestHttpServer server(gateway);
  EXPECT_EQ(AskReady(To(server.port())).text,
            "not ready: it answers with status 404");
}

TEST(HealthProbeTest, WhatIsNoUrlIsNotReady) {
  EXPECT_FALSE(AskReady({.url = "gateway"}).ready);
}

}  // namespace
}  // namespace gateway
