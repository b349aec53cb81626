#include "clients/cli/commands.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "clients/cli/command_line.h"
#include "clients/cli/help.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// What becomes of programs is for the tests of the whole program.
class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    home_ = testing::TempDir() + "/home.XXXXXX";
    EXPECT_NE(mkdtemp(home_.data()), nullptr);
    variables_ = {{"HOME", home_}};
  }

  int Run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
    EXPECT_TRUE(command.ok()) << command.status();
    if (!command.ok()) return -1;
    return RunCommand(*command, variables_, {in_, out_, err_});
  }

  std::string PidFile(const std::string& fields) {
    const std::string path = home_ + "/gateway.pid";
    const absl::Status written = ReplaceFile(
        path, absl::StrCat("{\"pid\": ", getpid(), ", ", fields, "}"));
    EXPECT_TRUE(written.ok()) << written;
    return path;
  }

  std::string home_;
  Variables variables_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandsTest, EnvPrintsWhatAShellTakes) {
  EXPECT_EQ(Run({"env", "--url", "http://127.0.0.1:8080"}), 0);
  EXPECT_EQ(out_.str(),
            "export ANTHROPIC_BASE_URL=http://127.0.0.1:8080\n"
            "export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080\n"
            "export OPENAI_BASE_URL=http://127.0.0.1:8080/v1\n");
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(CommandsTest, WhatAShellWouldReadInItsOwnWayIsQuoted) {
  EXPECT_EQ(Run({"env", "--url", "http://[::1]:8080"}), 0);
  EXPECT_THAT(out_.str(),
              HasSubstr("export OPENAI_BASE_URL='http://[::1]:8080/v1'\n"));
  EXPECT_EQ(Run({"env", "--url", "http://host/it's;$(id)"}), 0);
  EXPECT_THAT(
      out_.str(),
      HasSubstr("export ANTHROPIC_BASE_URL='http://host/it'\\''s;$(id)'\n"));
}

TEST_F(CommandsTest, WithoutAGatewayThereIsAHintAndNothingForTheShell) {
  EXPECT_EQ(Run({"env"}), 1);
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_THAT(
      err_.str(),
      HasSubstr("LLM Gateway not available: there is no PID file at " + home_));
  EXPECT_THAT(err_.str(), HasSubstr("gateway --config FILE --pid_file"));
}

TEST_F(CommandsTest, WithNeitherGatewayNorProxyThereIsNoWay) {
  const std::string url = "--url=http://a";
  const std::vector<std::vector<std::string>> commands = {
      {"env", "--no-gateway", url},
      {"status", "--no-gateway", url},
      {"exec", "--no-gateway", url, "--", "/nonexistent/program"}};
  for (const std::vector<std::string>& words : commands) {
    EXPECT_EQ(Run(words), 1);
    EXPECT_THAT(out_.str(), IsEmpty());
    EXPECT_THAT(err_.str(), HasSubstr("No LLM routing mechanism enabled"));
  }
}

TEST_F(CommandsTest, EnvKeepsTheGatewayFromProxies) {
  variables_["http_proxy"] = "http://proxy:3128";
  variables_["no_proxy"] = "corp";
  EXPECT_EQ(Run({"env", "--url", "http://127.0.0.1:8080"}), 0);
  EXPECT_EQ(out_.str(),
            "export ANTHROPIC_BASE_URL=http://127.0.0.1:8080\n"
            "export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080\n"
            "export NO_PROXY='corp,127.0.0.1'\n"
            "export OPENAI_BASE_URL=http://127.0.0.1:8080/v1\n"
            "export no_proxy='corp,127.0.0.1'\n");
}

TEST_F(CommandsTest, EnvTakesBackWhatItHasSet) {
  const std::string url = "http://127.0.0.1:8080";
  variables_["ANTHROPIC_BASE_URL"] = url;
  variables_["GOOGLE_GEMINI_BASE_URL"] = url;
  variables_["OPENAI_BASE_URL"] = url + "/v1";
  const std::string unset =
      "unset ANTHROPIC_BASE_URL\n"
      "unset GOOGLE_GEMINI_BASE_URL\n"
      "unset OPENAI_BASE_URL\n";
  const std::string path = PidFile("\"proxy_port\": 3128");
  EXPECT_EQ(Run({"env", "--no-gateway", "--proxy", "--pid_file", path}), 0);
  EXPECT_EQ(out_.str(), unset +
                            "export HTTPS_PROXY=http://127.0.0.1:3128\n"
                            "export HTTP_PROXY=http://127.0.0.1:3128\n");
  EXPECT_EQ(Run({"env", "--no-gateway"}), 1);
  EXPECT_EQ(out_.str(), unset);
  EXPECT_EQ(Run({"exec", "--no-gateway", "--", "true"}), 1);
  EXPECT_THAT(out_.str(), IsEmpty());
}

TEST_F(CommandsTest, AMissingProxyIsCalledByItsName) {
  const std::string path = PidFile("\"gateway_port\": 8080");
  EXPECT_EQ(Run({"env", "--no-gateway", "--proxy", "--pid_file", path}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("HTTP proxy not available"));
}

TEST_F(CommandsTest, StatusSaysWhatTheFileSays) {
  // Nobody listens on port 1.
  const std::string path = PidFile(
      "\"gateway_port\": 1, \"grpc_port\": 50051, \"version\": \"1.2.3\", "
      "\"started_at\": \"2026-01-02T03:04:05.678Z\"");
  EXPECT_EQ(Run({"status", "--pid_file", path}), 1);
  EXPECT_THAT(out_.str(),
              StartsWith(absl::StrCat("url         http://127.0.0.1:1\n"
                                      "pid file    ",
                                      path,
                                      "\n"
                                      "process     ",
                                      getpid(),
                                      "\n"
                                      "version     1.2.3\n"
                                      "started     2026-01-02T03:04:05.678Z\n"
                                      "grpc        port 50051\n"
                                      "http        port 1\n"
                                      "health      no answer: ")));
}

TEST_F(CommandsTest, APortWithoutAnAddressIsShownNoKey) {
  // As gateways wrote it that told no addresses.
  const std::string path = PidFile(
      "\"gateway_url\": \"http://10.1.2.3:1\", \"gateway_port\": 1, "
      "\"grpc_port\": 50051, \"admin_port\": 50052");
  EXPECT_EQ(Run({"health", "--pid_file", path}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("name it by --admin HOST:PORT"));
  EXPECT_EQ(Run({"models", "list", "--pid_file", path}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("name it by --grpc HOST:PORT"));
}

TEST_F(CommandsTest, StatusFailsIfNobodyAnswers) {
  const std::string path = PidFile(
      "\"gateway_port\": 8080, \"operations_url\": \"http://127.0.0.1:1\"");
  EXPECT_EQ(Run({"status", "--pid_file", path}), 1);
  EXPECT_THAT(out_.str(), HasSubstr("health      no answer: "));
}

TEST_F(CommandsTest, AProgramThatIsNotThereIsSaid) {
  EXPECT_EQ(Run({"exec", "--url", "http://a", "--", "/nonexistent/program"}),
            1);
  EXPECT_THAT(err_.str(),
              HasSubstr("Gateway: http://a (LLM routing enabled)\n"));
  EXPECT_THAT(err_.str(), HasSubstr("cannot run '/nonexistent/program'"));
}

TEST_F(CommandsTest, HelpAndVersionNeedNoGateway) {
  EXPECT_EQ(Run({"help"}), 0);
  EXPECT_EQ(out_.str(), HelpText());
  EXPECT_EQ(Run({"man"}), 0);
  EXPECT_EQ(out_.str(), ManualPage());
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("."));
}

}  // namespace
}  // namespace gateway
