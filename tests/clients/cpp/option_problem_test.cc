#include "clients/cpp/option_problem.h"

#include <fstream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr const char* kSecret = "token-of-a-caller";

TEST(OptionProblemTest, NamesTheOption) {
  const absl::Status status = OptionProblem("attempts_max", "is 0");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "attempts_max is 0");
  EXPECT_EQ(WrongOptionOf(status), "attempts_max");
  EXPECT_EQ(WrongOptionOf(absl::InvalidArgumentError("another")),
            std::nullopt);
  EXPECT_EQ(WrongOptionOf(absl::OkStatus()), std::nullopt);
}

TEST(OptionProblemTest, TellsATargetByItsLooks) {
  for (const char* target :
       {"localhost", "localhost:1", "[::1]:1", "dns:///localhost:1",
        "unix:/run/gateway", "ipv4:127.0.0.1:1,0.0.0.0:65535",
        "ipv6:[::1]:1,[fe80::1%eth0]:2,[::ffff:1.2.3.4]:3"}) {
    EXPECT_EQ(CheckTarget(target), absl::OkStatus()) << target;
  }
  for (const char* target :
       {"", " ", "a:1\n", "http://a:1", "https://a", "ipv4:", "ipv4:1.2.3.4",
        "ipv4:1.2.3.4:", "ipv4:1.2.3.4:0", "ipv4:1.2.3.4:65536",
        "ipv4:1.2.3.4:+1", "ipv4:1.2.3:1", "ipv4:1.2.3.256:1",
        "ipv4:1.2.3.4:1,", "ipv4:localhost:1", "ipv6:::1", "ipv6:[::1]",
        "ipv6:[1.2.3.4]:1", "ipv6:[x::1]:1"}) {
    EXPECT_EQ(WrongOptionOf(CheckTarget(target)), "target") << target;
  }
}

TEST(OptionProblemTest, TellsAListFromOneAddress) {
  EXPECT_TRUE(IsAddressList("ipv4:1.2.3.4:1,1.2.3.5:1"));
  EXPECT_TRUE(IsAddressList("ipv6:[::1]:1,[::2]:1"));
  for (const char* target :
       {"", "ipv4:1.2.3.4:1", "a:1", "dns:///a,b:1", "unix:a,b"}) {
    EXPECT_FALSE(IsAddressList(target)) << target;
  }
}

TEST(OptionProblemTest, ShowsNoTextThatCannotBeSent) {
  EXPECT_EQ(CheckText("api_key", " ~"), absl::OkStatus());
  for (const char* letter : {"\n", "\x1f", "\x7f", "\xc3\xa9"}) {
    const absl::Status status =
        CheckText("api_key", std::string(kSecret) + letter);
    EXPECT_EQ(WrongOptionOf(status), "api_key");
    EXPECT_FALSE(absl::StrContains(status.message(), kSecret)) << status;
  }
}

TEST(OptionProblemTest, MetadataHasNamesInSmallLetters) {
  const absl::StatusOr<CallMetadata> sent = SendableMetadata(
      {{"X-Team", "search"}, {"x-team", "two"}, {"x-trace-bin", "\n"}});
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(*sent, (CallMetadata{{"x-team", "search"},
                                 {"x-team", "two"},
                                 {"x-trace-bin", "\n"}}));
}

TEST(OptionProblemTest, MetadataThatCannotBeSentIsNamedAndNotShown) {
  const CallMetadata wrong = {{"", kSecret},
                              {"x team", kSecret},
                              {"x-team\n", kSecret},
                              {"\xc3\xa9", kSecret},
                              {"Grpc-Timeout", kSecret},
                              {"x-token", std::string(kSecret) + "\n"}};
  for (const auto& [name, value] : wrong) {
    const absl::Status status = SendableMetadata({{name, value}}).status();
    const std::string option = WrongOptionOf(status).value_or("");
    EXPECT_EQ(option.rfind("metadata[", 0), 0u) << status;
    EXPECT_EQ(status.message().find(option), 0u) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), kSecret)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << status;
  }
}

TEST(OptionProblemTest, ReadsAPemFileOfItsKind) {
  const std::string path = testing::TempDir() + "/some.pem";
  std::ofstream(path) << "-----BEGIN CERTIFICATE-----\n";
  EXPECT_EQ(*ReadPem("root", path, "CERTIFICATE"),
            "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(ReadPem("key", path, "PRIVATE KEY").status().message(),
            "key has no PRIVATE KEY in PEM: " + path);
  for (const std::string& other :
       {path + ".missing", std::string(testing::TempDir())}) {
    const absl::Status status = ReadPem("root", other, "CERTIFICATE").status();
    EXPECT_EQ(WrongOptionOf(status), "root");
    EXPECT_EQ(status.message(), "root cannot be read: " + other);
  }
}

}  // namespace
}  // namespace gateway
