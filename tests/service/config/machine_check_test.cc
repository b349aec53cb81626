#include "service/config/machine_check.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> CheckedHere(const std::string& yaml) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(yaml, &problems);
  ApplyDefaults(AllProviderKinds(), &loaded.config);
  CheckMachine(AllProviderKinds(), loaded.config, {{"PATH", "/usr/bin:/bin"}},
               loaded.places, loaded.config.runtime().state_dir(), &problems);
  std::vector<std::string> lines;
  for (const auto& list : {problems.Sorted(), problems.SortedWarnings()}) {
    for (const ConfigProblem& problem : list) {
      lines.push_back(problem.ToString());
    }
  }
  return lines;
}

TEST(MachineCheckTest, WhatIsHereIsFine) {
  EXPECT_THAT(CheckedHere("listeners:\n"
                          "  http: {address: 'localhost:1'}\n"
                          "  grpc: {address: '0.0.0.0:1'}\n"
                          "providers: [{name: mock, mock: {}}]\n"
                          "logging: {file: /dev/null}\n"),
              IsEmpty());
}

// 192.0.2.0/24 is for documentation only, and so nobody's.
TEST(MachineCheckTest, AnAddressOfAnotherMachineIsTold) {
  EXPECT_THAT(
      CheckedHere("listeners:\n"
                  "  admin: {address: '192.0.2.1:0'}\n"),
      ElementsAre(AllOf(StartsWith("f:2:11: listeners.admin.address: "),
                        HasSubstr("'192.0.2.1' is no address of this "
                                  "machine"))));
}

TEST(MachineCheckTest, AFolderThatCannotHaveTheStateIsTold) {
  const std::string temporary = testing::TempDir();
  EXPECT_THAT(CheckedHere(absl::StrCat("runtime: {state_dir: '", temporary,
                                       "/not there yet'}\n")),
              IsEmpty());
  EXPECT_THAT(CheckedHere("runtime: {state_dir: /etc/passwd}\n"),
              ElementsAre("f:1:11: runtime.state_dir: '/etc/passwd' is no "
                          "folder"));
  EXPECT_THAT(CheckedHere("runtime: {state_dir: /no such folder/state}\n"),
              ElementsAre("f:1:11: runtime.state_dir: the folder '/no such "
                          "folder' that it would be made in cannot be written "
                          "by this user (No such file or directory); until it "
                          "can, the gateway does not start"));
}

TEST(MachineCheckTest, ALogThatCannotBeWrittenIsTold) {
  EXPECT_THAT(CheckedHere("logging: {file: /dev/null, rotation: {interval: "
                          "1h}}\n"),
              ElementsAre(HasSubstr("logging.rotation: cannot be for "
                                    "'/dev/null', which is a pipe or")));
  EXPECT_THAT(CheckedHere("logging: {file: /no such folder/gateway.log}\n"),
              ElementsAre("f:1:11: logging.file: cannot open the log /no such "
                          "folder/gateway.log: No such file or directory"));
}

TEST(MachineCheckTest, AProgramThatIsNotInstalledIsWarnedOf) {
  EXPECT_THAT(
      CheckedHere("providers:\n"
                  "- {name: a, local_cli: {executable: sh}}\n"
                  "- {name: b, local_cli: {executable: no-such-program}}\n"),
      ElementsAre(AllOf(StartsWith("f:3:"),
                        HasSubstr("providers[1].local_cli.executable: "),
                        HasSubstr("no-such-program"))));
}

TEST(MachineCheckTest, ACaFileWithoutCertificatesIsToldForEachKind) {
  const std::string path = testing::TempDir() + "/no_ca.pem";
  std::ofstream(path) << "hello\n";
  EXPECT_THAT(
      CheckedHere(absl::StrCat(
          "providers:\n"
          "- {name: a, openai: {http: {ca_file: '", path, "'}}}\n"
          "- {name: b, gemini: {http: {ca_file: /nowhere.pem}}}\n"
          "- {name: c, local_cli: {executable: sh}}\n")),
      ElementsAre(
          HasSubstr(absl::StrCat("providers[0].openai.http.ca_file: file ",
                                 path, " holds no certificate in PEM")),
          HasSubstr("providers[1].gemini.http.ca_file: file /nowhere.pem "
                    "cannot be opened: No such file")));
}

}  // namespace
}  // namespace gateway
