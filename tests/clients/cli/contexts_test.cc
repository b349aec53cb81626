#include "clients/cli/contexts.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/os/thread.h"
#include "clients/cli/told_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

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
  EXPECT_EQ(command.caller_key_variable, "TEST_KEY");
  EXPECT_EQ(command.operator_key_variable, "GATEWAY_OPERATOR_KEY");
  // Flags and variables count more.
  variables_["GATEWAY_ADMIN"] = "other:2";
  variables_["GATEWAY_KEY"] = "other";
  variables_["GATEWAY_PID_FILE"] = "other.pid";
  command = Applied({"health", "--grpc", "other:1"});
  EXPECT_EQ(command.admin, "");
  EXPECT_EQ(command.grpc, "other:1");
  EXPECT_EQ(command.url, "");
  EXPECT_EQ(applied_["GATEWAY_KEY"], "other");
  EXPECT_EQ(command.caller_key_variable, "GATEWAY_KEY");
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

TEST_F(ContextsTest, WhatIsSaidLaterIsAdded) {
  Do({"set", "prod", "--admin", "prod:2", "--key_variable", "PROD"});
  Do({"set", "prod", "--grpc", "prod:1", "--admin", "prod:3"});
  variables_["PROD"] = "secret";
  const CommandLine command = Applied({"health", "--gateway_context", "prod"});
  EXPECT_EQ(command.admin, "prod:3");
  EXPECT_EQ(command.grpc, "prod:1");
  EXPECT_EQ(applied_["GATEWAY_KEY"], "secret");
}

TEST_F(ContextsTest, FilesAreTheSameWhereverOneIs) {
  Do({"set", "prod", "--admin", "prod:2", "--ca_file", "ca.pem", "--pid_file",
      "../gateway.pid"});
  const CommandLine command = Applied({"health", "--gateway_context", "prod"});
  EXPECT_EQ(command.admin_tls.ca, FromRoot("ca.pem"));
  EXPECT_THAT(command.admin_tls.ca, StartsWith("/"));
  EXPECT_EQ(command.pid_file, FromRoot("../gateway.pid"));
  // They are kept as texts.
  const absl::Status kept = Run({"set", "prod", "--ca_file", "a\xff"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(kept)) << kept;
  EXPECT_THAT(kept.ToString(), HasSubstr("--ca_file is a path"));
}

TEST_F(ContextsTest, APasswordIsNoPartOfAUrl) {
  const absl::Status refused =
      Run({"set", "prod", "--url", "http://u:secret@prod"}).status();
  EXPECT_THAT(refused.ToString(), HasSubstr("without a user name or password"));
  EXPECT_THAT(refused.ToString(), HasSubstr("$GATEWAY_KEY"));
  EXPECT_THAT(refused.ToString(), Not(HasSubstr("secret")));
}

TEST_F(ContextsTest, NamesAndAddressesThatCannotBeAreRefused) {
  const std::vector<std::pair<std::string, std::string>> all_wrong = {
      {"--admin", "prod"},          {"--admin", "prod:0"},
      {"--grpc", "prod:99999"},     {"--grpc", "http://prod:1"},
      {"--url", "prod:8080"},       {"--url", "ftp://prod"},
      {"--key_variable", "sk-123"}, {"--operator_key_variable", "1KEY"}};
  for (const auto& [flag, value] : all_wrong) {
    const absl::Status status = Run({"set", "prod", flag, value}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << flag << " " << value;
    EXPECT_THAT(status.ToString(), HasSubstr(flag));
  }
  // It may be the key itself.
  EXPECT_THAT(
      Run({"set", "prod", "--key_variable", "sk-1"}).status().ToString(),
      Not(HasSubstr("sk-1")));
  for (const char* const name : {"none", "a b", ".a", "a/b", "a\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        Run({"set", name, "--admin", "prod:1"}).status()))
        << name;
  }
  EXPECT_EQ(*Run({"list"}), "there are no contexts\n");
  Do({"set", "prod", "--grpc", "dns:///prod:1"});
}

TEST_F(ContextsTest, OneWithoutAPlaceIsNotPassedOver) {
  Do({"set", "prod", "--grpc", "prod:1"});
  Do({"use", "prod"});
  EXPECT_EQ(Applied({"env"}).placeless_context, "prod");
  EXPECT_EQ(Applied({"env", "--url", "http://a"}).placeless_context, "");
  variables_["GATEWAY_URL"] = "http://a";
  EXPECT_EQ(Applied({"env"}).placeless_context, "");
  EXPECT_EQ(Applied({"env", "--gateway_context", "prod"}).placeless_context,
            "prod");
  Do({"set", "prod", "--url", "http://prod"});
  EXPECT_EQ(Applied({"env", "--gateway_context", "prod"}).placeless_context,
            "");
}

TEST_F(ContextsTest, WhoNamesTheGatewayNamesAllOfItsListeners) {
  Do({"set", "prod", "--admin", "prod:2", "--grpc", "prod:1", "--url",
      "http://prod", "--ca_file", "/prod.pem", "--operator_key_variable",
      "PROD_KEY"});
  Do({"use", "prod"});
  variables_["PROD_KEY"] = "secret";
  const Variables told = variables_;
  // Each counts more than the context, and a flag more than any variable.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"health", "--pid_file", "/a.pid"},
        {"health", "--url", "http://a"},
        {"health", "--gateway_context", "prod", "--pid_file", "/a.pid"}}) {
    variables_ = told;
    variables_["GATEWAY_ADMIN"] = "other:2";
    variables_["GATEWAY_URL"] = "http://other";
    const CommandLine command = Applied(words);
    EXPECT_EQ(command.admin, "");
    EXPECT_EQ(command.grpc, "");
    EXPECT_EQ(applied_.count("GATEWAY_ADMIN"), 0u);
    EXPECT_EQ(applied_.count("GATEWAY_URL"), 0u);
    EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "");
    EXPECT_EQ(command.placeless_context, "");
  }
  for (const char* const variable : {"GATEWAY_PID_FILE", "GATEWAY_URL"}) {
    variables_ = told;
    variables_[variable] = "http://a";
    const CommandLine command = Applied({"health"});
    EXPECT_EQ(command.admin, "");
    EXPECT_EQ(command.url, "");
    EXPECT_EQ(command.pid_file, "");
    EXPECT_EQ(command.admin_tls.ca, "");
    EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "");
  }
}

TEST_F(ContextsTest, KeysGoToTheContextsOwnAddresses) {
  Do({"set", "prod", "--admin", "prod:2", "--grpc", "prod:1", "--ca_file",
      "/prod.pem", "--operator_key_variable", "PROD_OPERATOR_KEY",
      "--key_variable", "PROD_KEY"});
  Do({"use", "prod"});
  variables_["PROD_OPERATOR_KEY"] = "secret";
  variables_["PROD_KEY"] = "callers";
  // Somebody else's host, by a flag or a variable.
  CommandLine command = Applied({"health", "--admin", "other:2"});
  EXPECT_EQ(command.admin_tls.ca, "");
  EXPECT_EQ(command.grpc_tls.ca, "/prod.pem");
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "");
  EXPECT_EQ(applied_["GATEWAY_KEY"], "callers");
  Applied({"health", "--admin", "other:2", "--gateway_context", "prod"});
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "");
  variables_["GATEWAY_ADMIN"] = "other:2";
  Applied({"health"});
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "");
  // Its own, whoever says so.
  variables_["GATEWAY_ADMIN"] = "prod:2";
  command = Applied({"health"});
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "secret");
  EXPECT_EQ(command.admin_tls.ca, "/prod.pem");
  variables_.erase("GATEWAY_ADMIN");
  Applied({"health", "--admin", "prod:2"});
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "secret");
  // What belongs to another gateway does not come here.
  variables_["GATEWAY_OPERATOR_KEY"] = "local";
  Applied({"health"});
  EXPECT_EQ(applied_["GATEWAY_OPERATOR_KEY"], "secret");
  // The command line's counts for all.
  command = Applied({"health", "--ca_file", "/a.pem"});
  EXPECT_EQ(command.admin_tls.ca, "/a.pem");
  EXPECT_EQ(command.url_tls.ca, "/a.pem");
}

TEST_F(ContextsTest, WhoOneIsIsShownToTheContextsOwnAddresses) {
  Do({"set", "prod", "--admin", "prod:2", "--grpc", "prod:1", "--ca_file",
      "/prod.pem", "--cert_file", "/me.pem", "--key_file", "/me.key"});
  Do({"use", "prod"});
  CommandLine command = Applied({"health"});
  EXPECT_EQ(command.admin_tls.cert, "/me.pem");
  EXPECT_EQ(command.admin_tls.key, "/me.key");
  EXPECT_EQ(command.grpc_tls.cert, "/me.pem");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"health", "--admin", "other:2"},
        {"health", "--admin", "other:2", "--gateway_context", "prod"}}) {
    command = Applied(words);
    EXPECT_EQ(command.admin_tls.cert, "");
    EXPECT_EQ(command.admin_tls.key, "");
    EXPECT_EQ(command.grpc_tls.key, "/me.key");
  }
  // The command line's counts for all, and nothing is put together of both.
  command = Applied({"health", "--admin", "other:2", "--cert_file", "/you.pem",
                     "--key_file", "/you.key"});
  EXPECT_EQ(command.admin_tls.cert, "/you.pem");
  EXPECT_EQ(command.grpc_tls.key, "/you.key");
  command = Applied({"health", "--cert_file", "/you.pem"});
  EXPECT_EQ(command.admin_tls.cert, "/you.pem");
  EXPECT_EQ(command.admin_tls.key, "");
  EXPECT_EQ(command.admin_tls.ca, "/prod.pem");
}

TEST_F(ContextsTest, WithoutContextsAFlagCountsMoreThanVariables) {
  variables_["GATEWAY_ADMIN"] = "other:2";
  Applied({"health"});
  EXPECT_EQ(applied_["GATEWAY_ADMIN"], "other:2");
  Applied({"health", "--pid_file", "/a.pid"});
  EXPECT_EQ(applied_.count("GATEWAY_ADMIN"), 0u);
  variables_.erase("HOME");
  Applied({"health", "--url", "http://a"});
  EXPECT_EQ(applied_.count("GATEWAY_ADMIN"), 0u);
}

TEST_F(ContextsTest, ThoseThatAreSetAtOnceAreAllKept) {
  constexpr int kContexts = 20;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int i = 0; i < kContexts; ++i) {
      threads.push_back(std::make_unique<Thread>("set", [this, i] {
        Do({"set", absl::StrCat("c", i), "--admin", "a:1"});
      }));
    }
    for (const auto& thread : threads) thread->Join();
  }
  EXPECT_EQ(ContextNames(variables_).size(), kContexts);
}

TEST_F(ContextsTest, AFileOfAnotherFormIsNotWrittenOver) {
  const std::string path = home_ + "/contexts.json";
  variables_["GATEWAYCTL_CONTEXTS"] = path;
  for (const char* const text :
       {R"({"contexts": [{"name": "a", "admin": "a:1"}]})",
        R"({"contexts": {"a": "a:1"}})", R"({"contexts": {"a": {"admin": 1}}})",
        R"({"current": {"name": "a"}})"}) {
    ASSERT_TRUE(ReplaceFile(path, text).ok());
    const absl::Status refused = Run({"set", "b", "--admin", "b:1"}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << text;
    EXPECT_THAT(refused.ToString(), HasSubstr(path));
    EXPECT_EQ(*ReadFile(path, 1000), text);
    EXPECT_FALSE(Run({"list"}).ok());
  }
}

TEST_F(ContextsTest, ChangesAreToldAsJsonToo) {
  EXPECT_THAT(
      *Run({"set", "b", "--admin", "b:2", "--output", "json"}),
      AllOf(HasSubstr("\"set\": \"b\""), HasSubstr("\"admin\": \"b:2\"")));
  EXPECT_THAT(*Run({"use", "b", "--output", "json"}),
              HasSubstr("\"current\": \"b\""));
  EXPECT_THAT(*Run({"remove", "b", "--output", "json"}),
              HasSubstr("\"removed\": \"b\""));
}

TEST_F(ContextsTest, TheirNamesAreKnown) {
  EXPECT_THAT(ContextNames(variables_), IsEmpty());
  Do({"set", "b", "--admin", "b:2"});
  Do({"set", "a", "--admin", "a:2"});
  EXPECT_THAT(ContextNames(variables_), ElementsAre("a", "b"));
}

TEST_F(ContextsTest, ALinkStaysOne) {
  const std::string real = home_ + "/real.json";
  const std::string link = home_ + "/link.json";
  ASSERT_TRUE(ReplaceFile(real, "{}").ok());
  ASSERT_EQ(symlink("real.json", link.c_str()), 0);
  variables_["GATEWAYCTL_CONTEXTS"] = link;
  Do({"set", "a", "--admin", "a:2"});
  Do({"use", "a"});
  EXPECT_THAT(*ReadFile(real, 1000), HasSubstr("a:2"));
  EXPECT_THAT(*Run({"list"}), HasSubstr("a:2"));
}

TEST_F(ContextsTest, AFileThatCannotBeReadIsNamed) {
  const std::string path = home_ + "/contexts.json";
  ASSERT_TRUE(ReplaceFile(path, "[]").ok());
  variables_["GATEWAYCTL_CONTEXTS"] = path;
  EXPECT_THAT(Run({"list"}).status().ToString(), HasSubstr(path));
}

}  // namespace
}  // namespace gateway
