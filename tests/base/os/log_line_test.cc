#include "base/os/log_line.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kTime = "2026-01-02T03:04:05.000Z ";

std::string LineOf(LogFormat format, LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) {
  std::string line;
  AppendLogLine(
      format,
      {absl::FromUnixSeconds(1767323045), level, "pipeline", message, fields},
      &line);
  return line;
}

// Without its time.
std::string ConsoleLine(LogLevel level, std::string_view message,
                        std::initializer_list<LogField> fields) {
  const std::string line = LineOf(LogFormat::kConsole, level, message, fields);
  EXPECT_EQ(line.substr(0, kTime.size()), kTime);
  return line.substr(kTime.size());
}

TEST(LogLineTest, ALineOfJsonHasItsMembersInOrder) {
  EXPECT_EQ(LineOf(LogFormat::kJson, LogLevel::kWarn, "slow",
                   {{"seconds", 1.5}, {"why", "a \"b\""}}),
            R"({"ts":"2026-01-02T03:04:05.000Z","level":"warn",)"
            R"("module":"pipeline","msg":"slow","seconds":1.5,)"
            R"("why":"a \"b\""})");
}

TEST(LogLineTest, ALineForPeopleReadsAsASentenceAndItsFacts) {
  EXPECT_EQ(ConsoleLine(LogLevel::kInfo, "Routing request",
                        {{"request_id", "req-1"},
                         {"provider", "openai"},
                         {"reason", "model_rule:gpt-"},
                         {"attempts", 2},
                         {"stream", true}}),
            "info  pipeline Routing request: request_id=req-1, "
            "provider=openai, reason=model_rule:gpt-, attempts=2, stream=true");
  EXPECT_EQ(ConsoleLine(LogLevel::kError, "stopped", {}),
            "error pipeline stopped");
}

TEST(LogLineTest, WhatCouldBeTakenForSomethingElseStandsInQuotes) {
  EXPECT_EQ(ConsoleLine(LogLevel::kInfo, "m",
                        {{"empty", ""},
                         {"blank", " x"},
                         {"list", "a, b"},
                         {"pair", "a=b"},
                         {"words", "two words"},
                         {"status", absl::NotFoundError("no, none")}}),
            "info  pipeline m: empty=\"\", blank=\" x\", list=\"a, b\", "
            "pair=\"a=b\", words=two words, status=\"NOT_FOUND: no, none\"");
}

TEST(LogLineTest, NothingEndsALineOrReachesATerminal) {
  for (const LogFormat format : {LogFormat::kJson, LogFormat::kConsole}) {
    const std::string line = LineOf(format, LogLevel::kInfo, "a\nb\x1b[31m",
                                    {{"k\n", "v\r\x1b[2J\xFF"}});
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\r")));
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    EXPECT_THAT(line, HasSubstr("\\u001b[31m"));
  }
}

TEST(LogLineTest, NumbersThatAreNoneAreNull) {
  EXPECT_THAT(ConsoleLine(LogLevel::kTrace, "m",
                          {{"n", std::numeric_limits<double>::quiet_NaN()},
                           {"min", std::numeric_limits<int64_t>::min()}}),
              HasSubstr("n=null, min=-9223372036854775808"));
}

TEST(LogLineTest, LongValuesAreCutInBothForms) {
  const std::string fits(kLogValueBytesLimit, 'a');
  for (const LogFormat format : {LogFormat::kJson, LogFormat::kConsole}) {
    EXPECT_THAT(LineOf(format, LogLevel::kInfo, "m", {{"v", fits + "b"}}),
                HasSubstr("\"" + fits + "...\""));
  }
  EXPECT_THAT(ConsoleLine(LogLevel::kInfo, "m", {{"v", fits}}),
              HasSubstr("v=" + fits));
}

}  // namespace
}  // namespace gateway
