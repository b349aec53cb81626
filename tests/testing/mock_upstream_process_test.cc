#include "tests/testing/mock_upstream_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// A caller of the mock with one connection.
class Caller {
 public:
  explicit Caller(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
  }
  ~Caller() { HangUp(); }

  void Ask(absl::string_view body) {
    const std::string request = absl::StrCat(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\n",
        "Content-Type: application/json\r\nContent-Length: ", body.size(),
        "\r\n\r\n", body);
    EXPECT_EQ(send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }

  std::string ReadUntil(absl::string_view text) {
    std::string all;
    char buffer[4096];
    while (!absl::StrContains(all, text)) {
      const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
      if (n <= 0) break;
      all.append(buffer, n);
    }
    return all;
  }

  void HangUp() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

class MockUpstreamProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    auto upstream = MockUpstreamProcess::Start({});
    ASSERT_TRUE(upstream.ok()) << upstream.status();
    upstream_ = *std::move(upstream);
  }

  int64_t Stat(absl::string_view model, absl::string_view name) {
    const absl::StatusOr<int64_t> figure = upstream_->Stat(model, name);
    EXPECT_TRUE(figure.ok()) << figure.status();
    return figure.value_or(-1);
  }

  static constexpr absl::string_view kWhole =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  static constexpr absl::string_view kStream =
      R"({"model":"m","stream":true,)"
      R"("messages":[{"role":"user","content":"hi"}]})";

  std::unique_ptr<MockUpstreamProcess> upstream_;
};

TEST_F(MockUpstreamProcessTest, CountsAndKeepsWhatItWasAsked) {
  ASSERT_TRUE(upstream_
                  ->SetScript("m", R"({"text": "forty-two", "usage":
                      {"prompt_tokens": 30, "completion_tokens": 4}})")
                  .ok());
  Caller caller(upstream_->port());
  caller.Ask(kWhole);
  EXPECT_TRUE(absl::StrContains(caller.ReadUntil("fp_mock"), "forty-two"));
  EXPECT_EQ(Stat("m", "served"), 1);
  EXPECT_EQ(Stat("m", "usage.prompt_tokens"), 30);
  EXPECT_EQ(Stat("m", "statuses.200"), 1);
  EXPECT_EQ(Stat("m", "statuses.500"), 0);
  EXPECT_EQ(*upstream_->LastBody("m"), kWhole);
  EXPECT_TRUE(absl::StrContains(*upstream_->Last("m"), "content-type") ||
              absl::StrContains(*upstream_->Last("m"), "Content-Type"));
  EXPECT_TRUE(absl::StrContains(*upstream_->Stats(), "\"models\""));
}

TEST_F(MockUpstreamProcessTest, TellsWhenTheCallerHangsUp) {
  ASSERT_TRUE(
      upstream_->SetScript("m", R"({"chunks":9,"stall_after_chunks":2})")
          .ok());
  Caller caller(upstream_->port());
  caller.Ask(kStream);
  ASSERT_TRUE(upstream_->WaitFor("chunks", "m", 2).ok());
  EXPECT_EQ(
      upstream_->WaitFor("cancelled", "m", 1, absl::Milliseconds(1)).code(),
      absl::StatusCode::kDeadlineExceeded);
  caller.HangUp();
  EXPECT_TRUE(upstream_->WaitFor("cancelled", "m", 1).ok());
  EXPECT_EQ(Stat("m", "served"), 0);
}

TEST_F(MockUpstreamProcessTest, RefusesAMisspeltScript) {
  const absl::Status status = upstream_->SetScript("m", R"({"stauts":500})");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "stauts"));
}

TEST_F(MockUpstreamProcessTest, ForgetsEverythingOnReset) {
  ASSERT_TRUE(upstream_->SetScript("m", R"({"status":503})").ok());
  Caller caller(upstream_->port());
  caller.Ask(kWhole);
  EXPECT_TRUE(absl::StrContains(caller.ReadUntil("}}"), " 503 "));
  ASSERT_TRUE(upstream_->Reset().ok());
  EXPECT_EQ(Stat("m", "requests"), 0);
  EXPECT_EQ(upstream_->Last("m").status().code(),
            absl::StatusCode::kNotFound);
  caller.Ask(kWhole);
  EXPECT_TRUE(absl::StrContains(caller.ReadUntil("fp_mock"), " 200 "));
}

TEST(MockUpstreamProcessStartTest, FailsWhenThereIsNoProgram) {
  EXPECT_FALSE(MockUpstreamProcess::Start({.binary_path = "no/such"}).ok());
}

TEST(MockUpstreamProcessStartTest, FailsWhenTheProgramRefusesItsFlags) {
  EXPECT_FALSE(MockUpstreamProcess::Start({.tls_cert_path = "no/such.pem",
                                           .tls_key_path = "no/such.pem"})
                   .ok());
}

}  // namespace
}  // namespace gateway
