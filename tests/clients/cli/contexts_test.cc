#include "clients/cli/contexts.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ContextsTest : public testing::Test {
 protected:
  ContextsTest() {
    home_ = testing::TempDir() + "/home.XXXXXX";
    EXPECT_NE(mkdtemp(home_.data()), nullptr);
    variables_ = {{"HOME", home_}};
  }

  static CommandLine Parsed(const std::vector<std::string>& words) {
    const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
    EXPECT_TRUE(command.ok()) << command.status();
    return command.ok() ? *command : CommandLine();
  }

  absl::StatusOr<std::string> Run(std::vector<std::string> words) {
    words.insert(words.begin(), "contexts");
    return RunContexts(Parsed(words), variables_);
  }

  void Do(const std::vector<std::string>& words) {
    const absl::StatusOr<std::string> said = Run(words);
    EXPECT_TRUE(said.ok()) << said.status();
  }

  // A command line with its context, and the variables it goes with.
  CommandLine Applied(const std::vector<std::string>& words) {
    CommandLine command = Parsed(words);
    applied_ = variables_;
    const absl::Status status = ApplyContext(&command, &applied_);
    EXPECT_TRUE(status.ok()) << status;
    return command;
  }

  std::string home_;
  Variables variables_;
  Variables applied_;
};

TEST_F(ContextsTest, TheOneInUseSaysWhatNobodyElseDoes) {
  Do({"set", "test", "--admin", "test:2", "--grpc", "test:1", "--url",
      "http://test", "--key_variable", "TEST_KEY"});
  EXPECT_EQ(Applied({"health"}).admin, "");
  Do({"use", "test"});
  variables_["TEST_KEY"] = "secret";
  CommandLine command = Applied({"health"});
  EXPECT_EQ(command.admin, "test:2");
  EXPECT_EQ(command.grpc, "test:1");
  EXPECT_EQ(command.url, "http://test");
  EXPECT_EQ(applied_["GATEWAY_KEY"], "secret");
  // Flags and variables count more.
  variables_["GATEWAY_ADMIN"] = "other:2";
  variables_["GATEWAY_KEY"] = "other";
  variables_["GATEWAY_PID_FILE"] = "other.pid";
  command = Applied({"health", "--grpc", "other:1"});
  EXPECT_EQ(command.admin, "");
  EXPECT_EQ(command.grpc, "other:1");
  EXPECT_EQ(command.url, "");
  EXPECT_EQ(applied_["GATEWAY_KEY"], "other");
}

TEST_F(ContextsTest, OneThatIsNamedCountsMoreThanVariables) {
  Do({"set", "prod", "--admin", "prod:2"});
  variables_["GATEWAY_ADMIN"] = "other:2";
  EXPECT_EQ(Applied({"health", "--gateway_context", "prod"}).admin, "prod:2");
  CommandLine command = Parsed({"health", "--gateway_context", "gone"});
  EXPECT_THAT(ApplyContext(&command, &variables_).ToString(),
              HasSubstr("there is no context gone"));
}

TEST_F(ContextsTest, TheyAreListedAndRemoved) {
  EXPECT_EQ(*Run({"list"}), "there are no contexts\n");
  Do({"set", "b", "--admin", "b:2"});
  Do({"set", "a", "--url", "http://a"});
  Do({"use", "b"});
  EXPECT_EQ(*Run({"list"}),
            "IN USE  NAME  URL       GRPC  ADMIN\n"
            "        a     http://a  -     -\n"
            "*       b     -         -     b:2\n");
  Do({"remove", "b"});
  EXPECT_THAT(*Run({"list"}), Not(HasSubstr("b:2")));
  EXPECT_EQ(Applied({"health"}).admin, "");
  Do({"use", "a"});
  Do({"use", "none"});
  EXPECT_EQ(Applied({"health"}).url, "");
}

TEST_F(ContextsTest, OnlyWhatIsMeantIsDone) {
  const std::vector<std::vector<std::string>> all_wrong = {
      {}, {"show"}, {"list", "a"}, {"set", "a"}, {"use"}};
  for (const std::vector<std::string>& wrong : all_wrong) {
    EXPECT_TRUE(absl::IsInvalidArgument(Run(wrong).status()));
  }
  EXPECT_TRUE(absl::IsNotFound(Run({"use", "gone"}).status()));
  EXPECT_TRUE(absl::IsNotFound(Run({"remove", "gone"}).status()));
}

TEST_F(ContextsTest, AFileThatCannotBeReadIsNamed) {
  const std::string path = home_ + "/contexts.json";
  ASSERT_TRUE(ReplaceFile(path, "[]").ok());
  variables_["GATEWAYCTL_CONTEXTS"] = path;
  EXPECT_THAT(Run({"list"}).status().ToString(), HasSubstr(path));
}

}  // namespace
}  // namespace gateway
