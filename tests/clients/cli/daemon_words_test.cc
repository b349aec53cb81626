#include "clients/cli/daemon_words.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/os/file.h"
#include "base/process/process_identity.h"
#include "clients/cli/told_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

CommandLine Daemon(const std::vector<std::string>& words) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
  EXPECT_TRUE(command.ok()) << command.status();
  return command.ok() ? *command : CommandLine();
}

TEST(DaemonWordsTest, ItsFilesAreWhereTheyWere) {
  const auto files =
      DaemonFilesOf(Daemon({"daemon", "stop"}), {{"HOME", "/u/ann"}});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->pid_file, "/u/ann/.cco/daemon.pid");
  EXPECT_EQ(files->log, "/u/ann/.cco/daemon.log");
  EXPECT_EQ(files->switches, "/u/ann/.cco/config/daemon-config.json");
  const auto elsewhere =
      DaemonFilesOf(Daemon({"daemon", "stop", "--pid_file", "/run/g/g.pid"}),
                    {{"HOME", "/u/ann"}});
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_EQ(elsewhere->log, "/run/g/daemon.log");
  EXPECT_FALSE(DaemonFilesOf(Daemon({"daemon", "stop"}), {}).ok());
}

TEST(DaemonWordsTest, TheProgramIsTheOneThatIsNamed) {
  const auto named = DaemonProgramOf(
      Daemon({"daemon", "start", "--program", "/bin/true"}), {});
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(*named, "/bin/true");
  EXPECT_THAT(DaemonProgramOf(Daemon({"daemon", "start"}), {{"PATH", "/no"}})
                  .status()
                  .ToString(),
              HasSubstr("--program"));
}

TEST(DaemonWordsTest, TheProgramIsFoundByTheNameThatPackagesGiveIt) {
  std::string folder = testing::TempDir() + "/programs.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const CommandLine start = Daemon({"daemon", "start"});
  const std::string path = "/no:" + folder;
  EXPECT_THAT(DaemonProgramOf(start, {{"PATH", path}}).status().ToString(),
              HasSubstr("no program gateway or llm-gateway"));
  const std::string packaged = folder + "/llm-gateway";
  ASSERT_EQ(symlink("/bin/true", packaged.c_str()), 0);
  EXPECT_EQ(*DaemonProgramOf(start, {{"PATH", path}}), packaged);
  const std::string built = folder + "/gateway";
  ASSERT_EQ(symlink("/bin/true", built.c_str()), 0);
  EXPECT_EQ(*DaemonProgramOf(start, {{"PATH", path}}), built);
}

TEST(DaemonWordsTest, TheConfigurationIsTheFirstThatIsThere) {
  std::string home = testing::TempDir() + "/home.XXXXXX";
  ASSERT_NE(mkdtemp(home.data()), nullptr);
  const Variables variables = {{"HOME", home}};
  const CommandLine start = Daemon({"daemon", "start"});
  EXPECT_THAT(DaemonConfigOf(start, variables).status().ToString(),
              HasSubstr(home + "/.cco/config/gateway.yaml"));
  const std::string folder = home + "/.cco";
  mkdir(folder.c_str(), 0700);
  mkdir((folder + "/config").c_str(), 0700);
  const std::string seeds = folder + "/config/orchestra-config.json";
  ASSERT_TRUE(ReplaceFile(seeds, "{}").ok());
  EXPECT_EQ(*DaemonConfigOf(start, variables), seeds);
  const std::string ours = folder + "/config/gateway.yaml";
  ASSERT_TRUE(ReplaceFile(ours, "").ok());
  EXPECT_EQ(*DaemonConfigOf(start, variables), ours);
  EXPECT_EQ(*DaemonConfigOf(start, {{"GATEWAY_CONFIG", "a"}}), FromRoot("a"));
  EXPECT_EQ(*DaemonConfigOf(Daemon({"daemon", "start", "--config", "b"}),
                            {{"GATEWAY_CONFIG", "a"}}),
            FromRoot("b"));
}

TEST(DaemonWordsTest, AStartIsRemembered) {
  std::string folder = testing::TempDir() + "/start.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const DaemonFiles files = {.pid_file = folder + "/g.pid"};
  const OperatorWords told = {
      .flags = {{"--config", "a.yaml"}, {"--program", "gateway"}}};
  EXPECT_TRUE(WithStart(files, {}).ok());
  ASSERT_TRUE(RememberStart(files, told, {}).ok());
  const OperatorWords words =
      *WithStart(files, {.flags = {{"--program", "/other"}}});
  EXPECT_EQ(LastOf(words, "--config"), FromRoot("a.yaml"));
  EXPECT_EQ(LastOf(words, "--program"), "/other");
  EXPECT_EQ(LastOf(*WithStart(files, {}), "--program"), "gateway");
  ASSERT_TRUE(RememberStart(files, {}, {}).ok());
  EXPECT_TRUE(WithStart(files, {})->flags.empty());
  ASSERT_TRUE(ReplaceFile(files.pid_file + ".start", "{").ok());
  EXPECT_THAT(WithStart(files, {}).status().ToString(),
              HasSubstr(files.pid_file + ".start"));
}

TEST(DaemonWordsTest, WhatVariablesSayOfAStartIsRememberedToo) {
  std::string folder = testing::TempDir() + "/start.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const DaemonFiles files = {.pid_file = folder + "/g.pid"};
  Variables variables = {{"GATEWAY_CONFIG", "a.yaml"},
                         {"GATEWAY_PROGRAM", "/opt/gateway"}};
  ASSERT_TRUE(RememberStart(files, {}, variables).ok());
  const OperatorWords words = *WithStart(files, {});
  EXPECT_EQ(LastOf(words, "--config"), FromRoot("a.yaml"));
  EXPECT_EQ(LastOf(words, "--program"), "/opt/gateway");
  const OperatorWords told = {.flags = {{"--config", "/b.yaml"}}};
  ASSERT_TRUE(RememberStart(files, told, variables).ok());
  EXPECT_EQ(LastOf(*WithStart(files, {}), "--config"), "/b.yaml");
  // It is kept as a text.
  variables["GATEWAY_CONFIG"] = "a\xff.yaml";
  const absl::Status kept = RememberStart(files, {}, variables);
  EXPECT_TRUE(absl::IsInvalidArgument(kept)) << kept;
  EXPECT_THAT(kept.ToString(), HasSubstr("--config is a path"));
}

TEST(DaemonWordsTest, AProcessThatWasStartedIsKnownWhileItGoesOn) {
  std::string folder = testing::TempDir() + "/start.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const DaemonFiles files = {.pid_file = folder + "/g.pid"};
  EXPECT_FALSE(StartedProcess(files).has_value());
  EXPECT_FALSE(RememberProcess(files, ThisProcess()).ok());
  ASSERT_TRUE(RememberStart(files, {.flags = {{"--config", "/a"}}}, {}).ok());
  EXPECT_FALSE(StartedProcess(files).has_value());
  ASSERT_TRUE(RememberProcess(files, ThisProcess()).ok());
  EXPECT_EQ(StartedProcess(files), ThisProcess());
  EXPECT_EQ(LastOf(*WithStart(files, {}), "--config"), "/a");
  // Another has the number now, or may have it.
  for (const char* const start : {"other/1", ""}) {
    ASSERT_TRUE(RememberProcess(files, {.pid = getpid(), .start = start}).ok());
    EXPECT_FALSE(StartedProcess(files).has_value()) << start;
  }
  for (const char* const wrong :
       {"{", "[]", R"({"process": -1, "process_start": "a"})",
        R"({"process": 1e300, "process_start": "a"})",
        R"({"process": "1", "process_start": 2})"}) {
    ASSERT_TRUE(ReplaceFile(files.pid_file + ".start", wrong).ok());
    EXPECT_FALSE(StartedProcess(files).has_value()) << wrong;
  }
}

TEST(DaemonWordsTest, WhoWasAskedToEndIsRemembered) {
  std::string folder = testing::TempDir() + "/asked.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const DaemonFiles files = {.pid_file = folder + "/g.pid"};
  const ProcessIdentity self = ThisProcess();
  EXPECT_FALSE(WasAskedToEnd(files, self));
  // Also of one that others have started.
  ASSERT_TRUE(RememberAskedToEnd(files, self).ok());
  EXPECT_TRUE(WasAskedToEnd(files, self));
  EXPECT_FALSE(WasAskedToEnd(files, {.pid = self.pid, .start = "other/1"}));
  ASSERT_TRUE(RememberStart(files, {.flags = {{"--config", "/a"}}}, {}).ok());
  EXPECT_FALSE(WasAskedToEnd(files, self));
  ASSERT_TRUE(RememberProcess(files, self).ok());
  ASSERT_TRUE(RememberAskedToEnd(files, self).ok());
  EXPECT_EQ(StartedProcess(files), self);
  const ProcessIdentity unknown = {.pid = self.pid};
  ASSERT_TRUE(RememberAskedToEnd(files, unknown).ok());
  EXPECT_FALSE(WasAskedToEnd(files, unknown));
}

TEST(DaemonWordsTest, AGraceIsATime) {
  EXPECT_EQ(*DaemonGraceOf({}), absl::Seconds(10));
  EXPECT_EQ(*DaemonGraceOf({.flags = {{"--grace", "0s"}}}),
            absl::ZeroDuration());
  EXPECT_EQ(*DaemonGraceOf({.flags = {{"--grace", "1h"}}}), absl::Hours(1));
  for (const char* const wrong : {"-1s", "61m", "soon"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        DaemonGraceOf({.flags = {{"--grace", wrong}}}).status()))
        << wrong;
  }
}

TEST(DaemonWordsTest, WhatElseIsInTheSwitchesFileStays) {
  const auto text =
      WithSwitches(R"({"gatewayEnabled": true, "port": 3000})", false, true);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, HasSubstr("\"gatewayEnabled\": false"));
  EXPECT_THAT(*text, HasSubstr("\"proxyEnabled\": true"));
  EXPECT_THAT(*text, HasSubstr("\"port\": 3000"));
  EXPECT_EQ(*WithSwitches("", true, false),
            "{\n \"gatewayEnabled\": true,\n \"proxyEnabled\": false\n}\n");
  EXPECT_TRUE(
      absl::IsInvalidArgument(WithSwitches("[1]", true, false).status()));
}

TEST(DaemonWordsTest, TheSwitchesFileKeepsItsOrderAndItsNumbers) {
  EXPECT_EQ(*WithSwitches(R"({
  "zone": 1.50, "gatewayEnabled" : true,
  "id": 12345678901234567890, "a": {"gatewayEnabled": 1e400},
  "gatewayEnabled": null
}
)",
                          false, true),
            R"({
  "zone": 1.50, "gatewayEnabled" : false,
  "id": 12345678901234567890, "a": {"gatewayEnabled": 1e400},
  "gatewayEnabled": false,
  "proxyEnabled": true
}
)");
  EXPECT_EQ(*WithSwitches(R"( {"proxyEnabled":false} )", true, false),
            R"( {"proxyEnabled":false,"gatewayEnabled": true} )");
  EXPECT_EQ(*WithSwitches("{ }", false, true),
            "{\n \"gatewayEnabled\": false,\n \"proxyEnabled\": true\n}");
  for (const char* const broken :
       {R"({"a": 01})", R"({"a": 1)", R"({"a": 1} x)",
        R"({"a": {"b": tru}})"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(WithSwitches(broken, true, false).status()))
        << broken;
  }
}

}  // namespace
}  // namespace gateway
