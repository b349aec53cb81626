#include "clients/cli/progress.h"

#include <sstream>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

class ProgressTest : public testing::Test {
 protected:
  FakeClock clock_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{in_, out_, err_};
};

TEST_F(ProgressTest, IsOneLineOfATerminalThatGoesAtTheEnd) {
  console_.err_is_terminal = true;
  console_.obeys_controls = true;
  {
    Progress progress(console_, "verified", "entries", clock_);
    progress.Set(1, 9);
    EXPECT_EQ(err_.str(), "");  // What is short needs none.
    clock_.Advance(absl::Milliseconds(500));
    progress.Set(2, 9);
    progress.Set(3, 9);
    EXPECT_EQ(err_.str(), "\r\x1b[Kverified 2 of 9 entries, 22 %");
    clock_.Advance(absl::Milliseconds(100));
    progress.Set(4);
    err_.str("");
  }
  EXPECT_EQ(err_.str(), "\r\x1b[K");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressTest, OneByOneTheClockIsSeldomLookedAt) {
  console_.err_is_terminal = true;
  console_.obeys_controls = true;
  Progress progress(console_, "read", "entries", clock_);
  clock_.Advance(absl::Seconds(1));
  for (int i = 1; i < 256; ++i) progress.Add();
  EXPECT_EQ(err_.str(), "");
  progress.Add();
  EXPECT_EQ(err_.str(), "\r\x1b[Kread 256 entries");
  progress.Say("verified");
  EXPECT_EQ(err_.str(), "\r\x1b[Kread 256 entries\r\x1b[Kread: verified");
}

TEST_F(ProgressTest, NothingIsToldWhereNoTerminalCanWriteALineAnew) {
  // Nor where it cannot write a line anew.
  console_.err_is_terminal = true;
  Progress progress(console_, "read", "entries", clock_);
  clock_.Advance(absl::Seconds(1));
  for (int i = 0; i < 1000; ++i) progress.Add();
  progress.Set(2000, 3000);
  progress.Say("verified");
  progress.End();
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace gateway
