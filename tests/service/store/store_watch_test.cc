#include "service/store/store_watch.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(StoreWatchTest, ItSaysWhyAndForHowLong) {
  const std::string path = testing::TempDir() + "/store_watch.log";
  unlink(path.c_str());
  ASSERT_TRUE(StartLogging({.file = path}).ok());
  FakeClock clock;
  StoreWatch watch("state", "the store cannot be read", clock);
  watch.Tell(absl::OkStatus());
  watch.Tell(absl::UnavailableError("redis:6379: connection refused"));
  clock.Advance(absl::Seconds(90));
  watch.Tell(absl::UnavailableError("redis:6379: connection refused"));
  watch.Tell(absl::AbortedError("another version"));
  StopLogging();
  std::stringstream log;
  log << std::ifstream(path).rdbuf();
  EXPECT_THAT(log.str(), AllOf(HasSubstr("\"module\":\"state\""),
                               HasSubstr("redis:6379: connection refused"),
                               HasSubstr("\"after_seconds\":90")));
}

TEST(StoreWatchTest, ItKnowsWhetherItFails) {
  FakeClock clock;
  StoreWatch watch("state", "the store cannot be read", clock);
  EXPECT_FALSE(watch.fails());
  watch.Tell(absl::UnavailableError("refused"));
  EXPECT_TRUE(watch.fails());
  watch.Tell(absl::AbortedError("another version"));
  EXPECT_FALSE(watch.fails());
  watch.Tell(absl::UnavailableError("refused"));
  EXPECT_TRUE(watch.fails());
  clock.Advance(StoreWatch::kLately);
  EXPECT_FALSE(watch.fails());
}

}  // namespace
}  // namespace gateway
