#include "clients/cli/command_line.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/help.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Verb = CommandLine::Verb;

CommandLine Parsed(const std::vector<std::string>& words) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
  EXPECT_TRUE(command.ok()) << command.status();
  return command.value_or(CommandLine());
}

std::string ProblemOf(const std::vector<std::string>& words) {
  const absl::Status status = ParseCommandLine(words).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(CommandLineTest, TheFirstWordSaysWhatToDo) {
  EXPECT_EQ(Parsed({"env"}).verb, Verb::kEnv);
  EXPECT_EQ(Parsed({"exec", "x"}).verb, Verb::kExec);
  EXPECT_EQ(Parsed({"status"}).verb, Verb::kStatus);
  EXPECT_EQ(Parsed({"help"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"--help"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"-h"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"version"}).verb, Verb::kVersion);
  EXPECT_EQ(Parsed({"--version"}).verb, Verb::kVersion);
}

TEST(CommandLineTest, FlagsHaveTheirValueBehindOrBesideThem) {
  const CommandLine command =
      Parsed({"env", "--url=http://a:1", "--pid_file", "/run/x", "--wait",
              "1.5s", "--daemon_config=/etc/d.json"});
  EXPECT_EQ(command.url, "http://a:1");
  EXPECT_EQ(command.pid_file, "/run/x");
  EXPECT_EQ(command.wait, absl::Milliseconds(1500));
  EXPECT_EQ(command.daemon_config, "/etc/d.json");
}

TEST(CommandLineTest, FlagsStandBeforeTheCommandToo) {
  const CommandLine status =
      Parsed({"--url", "http://a:1", "status", "--ca_file=/ca.pem"});
  EXPECT_EQ(status.verb, Verb::kStatus);
  EXPECT_EQ(status.url, "http://a:1");
  EXPECT_EQ(status.ca_file, "/ca.pem");
  const CommandLine health =
      Parsed({"health", "--cert_file", "/me.pem", "--key_file=/me.key"});
  EXPECT_EQ(health.cert_file, "/me.pem");
  EXPECT_EQ(health.key_file, "/me.key");
  const CommandLine exec =
      Parsed({"--wait=1s", "exec", "--proxy", "run", "--wait=2s"});
  EXPECT_EQ(exec.wait, absl::Seconds(1));
  EXPECT_EQ(exec.proxy_enabled, true);
  EXPECT_THAT(exec.program, ElementsAre("run", "--wait=2s"));
  EXPECT_EQ(Parsed({"--url", "x", "--version"}).verb, Verb::kVersion);
  EXPECT_THAT(ProblemOf({"--url", "status"}), HasSubstr("say what to do"));
}

TEST(CommandLineTest, SwitchesAreSetOnlyIfTheyAreGiven) {
  EXPECT_FALSE(Parsed({"env"}).gateway_enabled.has_value());
  EXPECT_FALSE(Parsed({"env"}).proxy_enabled.has_value());
  EXPECT_EQ(Parsed({"env", "--gateway"}).gateway_enabled, true);
  EXPECT_EQ(Parsed({"env", "--no-gateway"}).gateway_enabled, false);
  EXPECT_EQ(Parsed({"env", "--proxy"}).proxy_enabled, true);
  EXPECT_EQ(Parsed({"env", "--no-proxy"}).proxy_enabled, false);
}

TEST(CommandLineTest, AWaitIsATimeOrANumberOfSeconds) {
  EXPECT_EQ(Parsed({"env"}).wait, absl::ZeroDuration());
  EXPECT_EQ(Parsed({"env", "--wait", "0"}).wait, absl::ZeroDuration());
  EXPECT_EQ(Parsed({"env", "--wait", "10"}).wait, absl::Seconds(10));
  EXPECT_EQ(Parsed({"env", "--wait", "1h"}).wait, absl::Hours(1));
  for (const std::string bad : {"-1s", "3601s", "soon", "inf", "nan"}) {
    EXPECT_THAT(ProblemOf({"env", "--wait", bad}), HasSubstr("--wait")) << bad;
  }
}

TEST(CommandLineTest, WhatFollowsTwoDashesIsTheProgramsOwn) {
  EXPECT_THAT(
      Parsed({"exec", "--wait", "1s", "--", "run", "--url", "x", "--"}).program,
      ElementsAre("run", "--url", "x", "--"));
  EXPECT_THAT(Parsed({"exec", "--", "--odd"}).program, ElementsAre("--odd"));
}

TEST(CommandLineTest, WithoutTwoDashesTheProgramBeginsAtTheFirstWord) {
  const CommandLine command = Parsed({"exec", "--proxy", "run", "--gateway"});
  EXPECT_THAT(command.program, ElementsAre("run", "--gateway"));
  EXPECT_FALSE(command.gateway_enabled.has_value());
}

TEST(CommandLineTest, AskingForHelpIsNoMistakeWhereverItIsDone) {
  EXPECT_EQ(Parsed({"exec", "--help"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"env", "-h", "x"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"help", "exec"}).verb, Verb::kHelp);
  EXPECT_EQ(Parsed({"help", "exec"}).help_of, "exec");
  EXPECT_EQ(Parsed({"exec", "--help"}).help_of, "exec");
  EXPECT_EQ(Parsed({"--help"}).help_of, "");
  EXPECT_THAT(Parsed({"exec", "x", "--help"}).program,
              ElementsAre("x", "--help"));
}

TEST(CommandLineTest, ARolloutTakesOneWord) {
  EXPECT_EQ(Parsed({"rollout"}).rollout, "status");
  const CommandLine command =
      Parsed({"rollout", "25", "--admin", "10.0.0.1:50052"});
  EXPECT_EQ(command.verb, Verb::kRollout);
  EXPECT_EQ(command.rollout, "25");
  EXPECT_EQ(command.admin, "10.0.0.1:50052");
  EXPECT_THAT(ProblemOf({"rollout", "off", "now"}), HasSubstr("'now'"));
}

TEST(CommandLineTest, KeysTakesWordsAndFlagsOfItsOwn) {
  const CommandLine command =
      Parsed({"--admin", "10.0.0.1:50052", "keys", "update", "abc", "--scope",
              "api:openai", "--scope=model:a", "--output", "json"});
  EXPECT_EQ(command.verb, Verb::kKeys);
  EXPECT_EQ(command.admin, "10.0.0.1:50052");
  EXPECT_THAT(command.asked.words, ElementsAre("update", "abc"));
  EXPECT_THAT(command.asked.flags,
              ElementsAre(testing::Pair("--scope", "api:openai"),
                          testing::Pair("--scope", "model:a")));
  EXPECT_TRUE(command.asked.as_json);
  EXPECT_FALSE(Parsed({"keys", "list", "--output", "table"}).asked.as_json);
  EXPECT_THAT(ProblemOf({"keys", "list", "--output", "xml"}),
              HasSubstr("'xml'"));
  EXPECT_THAT(ProblemOf({"keys", "list", "--owner"}),
              HasSubstr("--owner needs a value"));
  EXPECT_THAT(ProblemOf({"status", "--owner", "a"}), HasSubstr("--owner"));
}

TEST(CommandLineTest, LimitsTakesFlagsOfItsOwnAndNoneOfKeys) {
  const CommandLine command =
      Parsed({"limits", "reset", "rpm", "--subject=user=ann"});
  EXPECT_EQ(command.verb, Verb::kLimits);
  EXPECT_THAT(command.asked.words, ElementsAre("reset", "rpm"));
  EXPECT_THAT(command.asked.flags,
              ElementsAre(testing::Pair("--subject", "user=ann")));
  EXPECT_THAT(ProblemOf({"limits", "list", "--owner", "a"}),
              HasSubstr("there is no flag --owner"));
}

TEST(CommandLineTest, CompletionTakesAShell) {
  const CommandLine command = Parsed({"completion", "bash"});
  EXPECT_EQ(command.verb, Verb::kCompletion);
  EXPECT_EQ(command.shell, "bash");
  EXPECT_THAT(ProblemOf({"completion", "bash", "zsh"}), HasSubstr("'zsh'"));
}

TEST(CommandLineTest, WhatIsToBeCompletedIsTakenAsItIs) {
  const CommandLine command = Parsed({"complete", "--", "keys", "--owner", ""});
  EXPECT_EQ(command.verb, Verb::kComplete);
  EXPECT_THAT(command.program, ElementsAre("keys", "--owner", ""));
}

TEST(CommandLineTest, EveryCommandIsKnown) {
  for (const std::string_view name : CommandNames()) {
    std::vector<std::string> words = {std::string(name)};
    if (name == "exec") words.push_back("program");
    EXPECT_TRUE(ParseCommandLine(words).ok()) << name;
    EXPECT_THAT(HelpText(), HasSubstr(std::string(name)));
  }
}

TEST(CommandLineTest, SessionsTakesWordsAndFlagsOfItsOwn) {
  const CommandLine command =
      Parsed({"sessions", "create", "--ttl", "30m", "--context={\"a\": 1}",
              "--grpc", "10.0.0.1:50051", "--output=json"});
  EXPECT_EQ(command.verb, Verb::kSessions);
  EXPECT_EQ(command.grpc, "10.0.0.1:50051");
  EXPECT_THAT(command.asked.words, ElementsAre("create"));
  EXPECT_THAT(command.asked.flags,
              ElementsAre(testing::Pair("--ttl", "30m"),
                          testing::Pair("--context", "{\"a\": 1}")));
  EXPECT_TRUE(command.asked.as_json);
  EXPECT_THAT(ProblemOf({"sessions", "create", "--owner", "a"}),
              HasSubstr("--owner"));
  EXPECT_THAT(ProblemOf({"keys", "create", "--context", "{}"}),
              HasSubstr("--context"));
}

TEST(CommandLineTest, WordsThatMakeNoSenseAreNamed) {
  EXPECT_THAT(ProblemOf({}), HasSubstr("say what to do"));
  EXPECT_THAT(ProblemOf({"start"}), HasSubstr("'start'"));
  EXPECT_THAT(ProblemOf({"env", "more"}), HasSubstr("'more'"));
  EXPECT_THAT(ProblemOf({"env", "--colour=red"}), HasSubstr("--colour"));
  EXPECT_THAT(ProblemOf({"env", "--url"}), HasSubstr("--url needs a value"));
  EXPECT_THAT(ProblemOf({"env", "--url="}), HasSubstr("--url needs a value"));
  EXPECT_THAT(ProblemOf({"exec"}), HasSubstr("exec needs a program"));
  EXPECT_THAT(ProblemOf({"exec", "--"}), HasSubstr("exec needs a program"));
  EXPECT_THAT(ProblemOf({"exec"}), HasSubstr("gatewayctl --help"));
}

TEST(CommandLineTest, OneCommandIsMeantWhateverItsWordsAre) {
  // Names of commands are words like others behind one.
  const CommandLine command = Parsed({"ledger", "get", "env", "help"});
  EXPECT_EQ(command.verb, Verb::kLedger);
  EXPECT_THAT(command.asked.words, ElementsAre("get", "env", "help"));
  EXPECT_THAT(Parsed({"ledger", "get", "--", "--odd"}).asked.words,
              ElementsAre("get", "--odd"));
}

TEST(CommandLineTest, AValueIsTakenAsItIs) {
  const CommandLine command =
      Parsed({"keys", "create", "--name", "--odd", "--label=[a,b]", "--name",
              "-1", "--label", "c=d,e"});
  EXPECT_THAT(command.asked.flags,
              ElementsAre(testing::Pair("--name", "--odd"),
                          testing::Pair("--label", "[a,b]"),
                          testing::Pair("--name", "-1"),
                          testing::Pair("--label", "c=d,e")));
}

TEST(CommandLineTest, WhatIsNotOnlyOpenedIsAText) {
  const std::vector<std::vector<std::string>> all_flags = {
      {"chat", "--model", "a\xff"},
      {"chat", "--system=a\xff"},
      {"route", "explain", "--tag", "a\xff"},
      {"keys", "create", "--name", "a\xff"},
      {"logs", "set-level", "--module", "a\xff"},
      {"daemon", "start", "--config", "a\xff"},
      {"status", "--url", "a\xff"}};
  for (const std::vector<std::string>& words : all_flags) {
    EXPECT_THAT(ProblemOf(words), HasSubstr("is no text in UTF-8"));
    EXPECT_THAT(ProblemOf(words), StartsWith("--"));
  }
  EXPECT_THAT(ProblemOf({"providers", "get", "a\xff"}),
              HasSubstr("word 2 behind providers is no text in UTF-8"));
  EXPECT_THAT(ProblemOf({"rollout", "a\xff"}), HasSubstr("word 1"));
  EXPECT_THAT(ProblemOf({"ledger", "prove", "a\xff", "b"}),
              HasSubstr("word 2"));
  // A file's name is what it is, and so are a program's words.
  EXPECT_THAT(Parsed({"ledger", "verify", "a\xff"}).asked.words,
              ElementsAre("verify", "a\xff"));
  EXPECT_THAT(Parsed({"ledger", "prove", "b", "a\xff"}).asked.words,
              ElementsAre("prove", "b", "a\xff"));
  EXPECT_EQ(Parsed({"health", "--ca_file", "a\xff"}).ca_file, "a\xff");
  EXPECT_THAT(Parsed({"exec", "--", "a\xff"}).program, ElementsAre("a\xff"));
}

TEST(CommandLineTest, AFlagThatHasNoValueTakesNone) {
  EXPECT_THAT(ProblemOf({"env", "--gateway=maybe"}), HasSubstr("--gateway"));
  EXPECT_THAT(ProblemOf({"exec", "--colour", "run"}),
              HasSubstr("there is no flag --colour"));
}

TEST(CommandLineTest, CcoAloneIsClaudeCode) {
  EXPECT_THAT(WordsOfProgram("/usr/local/bin/cco", {}),
              ElementsAre("exec", "--", "claude"));
  EXPECT_THAT(WordsOfProgram("cco", {"daemon", "stop"}),
              ElementsAre("daemon", "stop"));
  EXPECT_TRUE(WordsOfProgram("gatewayctl", {}).empty());
}

TEST(CommandLineTest, TheHelpNamesEveryFlag) {
  for (const std::string flag :
       {"--url",        "--pid_file", "--wait",     "--gateway",
        "--no-gateway", "--proxy",    "--no-proxy", "--daemon_config",
        "--ca_file",    "--admin",    "env",        "exec",
        "rollout",      "status",     "keys",       "--output",
        "--owner",      "--name",     "--scope",    "--label",
        "--limit",      "--priority", "--ttl",      "--expires",
        "--request_id", "--state",    "--grace",    "--etag",
        "--context",    "--grpc",     "man",        "--cert_file",
        "--key_file"}) {
    EXPECT_THAT(HelpText(), HasSubstr(flag));
  }
}

}  // namespace
}  // namespace gateway
