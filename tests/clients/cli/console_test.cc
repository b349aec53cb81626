#include "clients/cli/console.h"

#include <sstream>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ConsoleTest, ColoursAreForTerminalsWhosePeopleWantThem) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Console console{in, out, err};
  console.has_colours = true;
  EXPECT_EQ(Dimmed("text", console), "text");
  console.err_is_terminal = true;
  EXPECT_EQ(Dimmed("text", console), "\x1b[2mtext\x1b[0m");
  EXPECT_EQ(Dimmed("", console), "");
  console.has_colours = false;
  EXPECT_EQ(Dimmed("text", console), "text");
}

TEST(ConsoleTest, TheEnvironmentSaysWhetherColoursAreWanted) {
  EXPECT_TRUE(StandardConsole({{"TERM", "xterm"}}).has_colours);
  EXPECT_TRUE(
      StandardConsole({{"TERM", "xterm"}, {"NO_COLOR", ""}}).has_colours);
  EXPECT_FALSE(
      StandardConsole({{"TERM", "xterm"}, {"NO_COLOR", "1"}}).has_colours);
  EXPECT_FALSE(StandardConsole({{"TERM", "dumb"}}).has_colours);
  EXPECT_FALSE(StandardConsole({}).has_colours);
}

TEST(ConsoleTest, ControlsBecomeSpaces) {
  EXPECT_EQ(WithoutControls("a\x1b[1m\tb\nc\rd\x7f"), "a [1m\tb\nc d ");
  EXPECT_EQ(WithoutControls("Grüße"), "Grüße");
}

}  // namespace
}  // namespace gateway
