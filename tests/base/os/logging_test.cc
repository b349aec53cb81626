#include "base/os/logging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

static_assert(!std::is_constructible_v<LogField, const char*, const Secret&>);
static_assert(!std::is_constructible_v<LogField, const char*, Secret&>);
static_assert(!std::is_constructible_v<LogField, const char*, int*>);

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

// Logs to a file of its own.
class LoggingTest : public testing::Test {
 protected:
  LoggingTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
  }
  ~LoggingTest() override {
    StopLogging();
    SetLogLevels({});
  }

  void Start(const LogLevels& levels = {}) {
    const absl::Status started =
        StartLogging({.levels = levels, .file = path_, .clock = &clock_});
    ASSERT_TRUE(started.ok()) << started;
  }

  // All that was logged.
  std::string Stop() {
    StopLogging();
    return Contents(path_);
  }

  const std::string path_;
  FakeClock clock_;
};

TEST_F(LoggingTest, ALineIsOneJsonObject) {
  Start();
  clock_.Advance(absl::Milliseconds(678));
  Log(LogLevel::kInfo, "config", "configuration loaded",
      {{"file", "gateway.yaml"}, {"providers", 3}});
  EXPECT_EQ(Stop(), R"({"ts":"2026-01-02T03:04:05.678Z","level":"info",)"
                    R"("module":"config","msg":"configuration loaded",)"
                    R"("file":"gateway.yaml","providers":3})"
                    "\n");
}

TEST_F(LoggingTest, ALineMayBeTextForPeople) {
  ASSERT_TRUE(
      StartLogging(
          {.format = LogFormat::kConsole, .file = path_, .clock = &clock_})
          .ok());
  Log(LogLevel::kInfo, "config", "configuration loaded",
      {{"file", "gateway.yaml"}, {"providers", 3}});
  EXPECT_EQ(Stop(),
            "2026-01-02T03:04:05.000Z info  config configuration loaded: "
            "file=gateway.yaml, providers=3\n");
}

TEST_F(LoggingTest, TheFileIsSetAsideAsConfigured) {
  const std::string aside = path_ + ".20260102T030406.000Z";
  unlink(aside.c_str());
  ASSERT_TRUE(StartLogging({.file = path_,
                            .rotation = {.interval = absl::Seconds(1)},
                            .clock = &clock_})
                  .ok());
  Log(LogLevel::kInfo, "m", "first");
  // Each is written by the time of its own, since logging ends before it moves.
  StopLogging();
  ASSERT_TRUE(
      StartLogging(
          {.file = path_, .rotation = {.size_bytes = 1}, .clock = &clock_})
          .ok());
  clock_.Advance(absl::Seconds(1));
  Log(LogLevel::kInfo, "m", "second");
  const std::string written = Stop();
  EXPECT_THAT(written, HasSubstr("second"));
  EXPECT_THAT(Contents(aside), HasSubstr("first"));
}

TEST_F(LoggingTest, EveryTypeOfValueKeepsItsType) {
  Start();
  const std::string owned = "owned";
  Log(LogLevel::kWarn, "m", "",
      {{"min", std::numeric_limits<int64_t>::min()},
       {"max", std::numeric_limits<uint64_t>::max()},
       {"byte", static_cast<unsigned char>(7)},
       {"half", 0.5},
       {"nan", std::numeric_limits<double>::quiet_NaN()},
       {"yes", true},
       {"no", false},
       {"string", owned},
       {"view", std::string_view("view")},
       {"seconds", absl::Milliseconds(1500)},
       {"ok", absl::OkStatus()},
       {"status", absl::NotFoundError("no such file")}});
  EXPECT_THAT(
      Stop(),
      HasSubstr(
          R"("min":-9223372036854775808,"max":18446744073709551615,"byte":7,)"
          R"("half":0.5,"nan":null,"yes":true,"no":false,"string":"owned",)"
          R"("view":"view","seconds":1.5,"ok":"OK",)"
          R"("status":"NOT_FOUND: no such file"})"));
}

TEST_F(LoggingTest, NothingThatIsLoggedBreaksTheLine) {
  Start();
  Log(LogLevel::kError, "m\n", "two\nlines \"quoted\"",
      {{"ke\"y", "\x1b[31m\xFF"}});
  EXPECT_THAT(Stop(), HasSubstr(R"("level":"error","module":"m\n",)"
                                R"("msg":"two\nlines \"quoted\"",)"
                                R"("ke\"y":"\u001b[31m)"
                                "\xEF\xBF\xBD\"}\n"));
}

TEST_F(LoggingTest, LongValuesAreCut) {
  Start();
  const std::string fits(kLogValueBytesLimit, 'a');
  Log(LogLevel::kInfo, "m", "", {{"fits", fits}, {"long", fits + "b"}});
  EXPECT_THAT(Stop(), HasSubstr("\"fits\":\"" + fits + "\",\"long\":\"" + fits +
                                "...\"}"));
}

TEST_F(LoggingTest, LinesBelowTheLevelAreNotWritten) {
  Start({.level = LogLevel::kWarn});
  Log(LogLevel::kInfo, "m", "silent");
  Log(LogLevel::kWarn, "m", "heard");
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "m"));
  EXPECT_TRUE(LogEnabled(LogLevel::kWarn, "m"));
  const std::string written = Stop();
  EXPECT_THAT(written, HasSubstr("heard"));
  EXPECT_EQ(written.find("silent"), std::string::npos);
}

TEST_F(LoggingTest, AModuleMayHaveALevelOfItsOwn) {
  SetLogLevels({.level = LogLevel::kInfo,
                .module_levels = {{"loud", LogLevel::kTrace},
                                  {"quiet", LogLevel::kError},
                                  {"mute", LogLevel::kOff}}});
  EXPECT_TRUE(LogEnabled(LogLevel::kTrace, "loud"));
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug, "other"));
  EXPECT_TRUE(LogEnabled(LogLevel::kInfo, "other"));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn, "quiet"));
  EXPECT_TRUE(LogEnabled(LogLevel::kError, "quiet"));
  EXPECT_FALSE(LogEnabled(LogLevel::kError, "mute"));
  EXPECT_FALSE(LogEnabled(LogLevel::kOff, "loud"));
}

TEST_F(LoggingTest, AFileIsAppendedTo) {
  Start();
  Log(LogLevel::kInfo, "m", "first");
  StopLogging();
  Start();
  Log(LogLevel::kInfo, "m", "second");
  const std::string written = Stop();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);
}

TEST_F(LoggingTest, AFileThatCannotBeOpenedIsNamed) {
  const absl::Status status =
      StartLogging({.file = "/proc/no such directory/gateway.log"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no such directory/gateway.log"));
}

TEST_F(LoggingTest, BeforeTheStartLinesGoToStandardError) {
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "main", "early");
  Log(LogLevel::kDebug, "main", "silent");
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, StartsWith("{\"ts\":\"20"));
  EXPECT_THAT(written, HasSubstr("\"msg\":\"early\"}\n"));
  EXPECT_EQ(written.find("silent"), std::string::npos);
}

// The output is a pipe that nobody empties, so lines must wait.
TEST_F(LoggingTest, WhenTooManyLinesWaitTheOldestAreDroppedAndCounted) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int pipe_fd = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(pipe_fd, 0);
  constexpr int kLines = 200;
  const uint64_t dropped_before = DroppedLogLines();
  ASSERT_TRUE(StartLogging({.file = path_, .lines_waiting_limit = 10}).ok());
  const std::string padding(kLogValueBytesLimit, 'x');
  for (int i = 0; i < kLines; ++i) {
    Log(LogLevel::kInfo, "m", padding, {{"line", i}});
  }

  std::string written;
  Thread reader("reader", [&] {
    fcntl(pipe_fd, F_SETFL, 0);
    char buffer[65536];
    ssize_t size = 0;
    while ((size = read(pipe_fd, buffer, sizeof(buffer))) > 0) {
      written.append(buffer, static_cast<size_t>(size));
    }
  });
  StopLogging();
  reader.Join();
  close(pipe_fd);

  const uint64_t dropped = DroppedLogLines() - dropped_before;
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n') + dropped,
            kLines + 0u);
  EXPECT_THAT(written, HasSubstr("\"line\":199}"));
}

}  // namespace
}  // namespace gateway
