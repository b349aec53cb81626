#include "clients/cli/console.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ConsoleTest, ColoursAreForTerminalsWhosePeopleWantThem) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Console console{in, out, err};
  console.has_colours = true;
  const auto dimmed = [&](const std::string& text) {
    err.str("");
    PrintDimmed(text, console);
    return err.str();
  };
  EXPECT_EQ(dimmed("text"), "text");
  console.err_is_terminal = true;
  EXPECT_EQ(dimmed("text"), "\x1b[2mtext\x1b[0m");
  EXPECT_EQ(dimmed(""), "");
  console.has_colours = false;
  EXPECT_EQ(dimmed("text"), "text");
}

TEST(ConsoleTest, TheEnvironmentSaysWhetherColoursAreWanted) {
  const auto streams = [](const Variables& variables) {
    static std::stringbuf output;
    return StandardStreams(&output, variables).console();
  };
  EXPECT_TRUE(streams({{"TERM", "xterm"}}).has_colours);
  EXPECT_TRUE(streams({{"TERM", "xterm"}, {"NO_COLOR", ""}}).has_colours);
  EXPECT_FALSE(streams({{"TERM", "xterm"}, {"NO_COLOR", "1"}}).has_colours);
  EXPECT_TRUE(streams({{"TERM", "xterm"}, {"NO_COLOR", "1"}}).obeys_controls);
  for (const char* const terminal : {"dumb", ""}) {
    EXPECT_FALSE(streams({{"TERM", terminal}}).has_colours);
    EXPECT_FALSE(streams({{"TERM", terminal}}).obeys_controls);
  }
  EXPECT_FALSE(streams({}).obeys_controls);
}

TEST(ConsoleTest, WhatIsWrittenToAStandardStreamIsShown) {
  std::stringbuf output;
  const StandardStreams streams(&output, {{"TERM", "xterm"}});
  streams.console().out << "a\x1b]0;b\x07" << '\x9b' << '\n' << 3;
  EXPECT_EQ(output.str(), "a\\u001b]0;b\\u0007\xEF\xBF\xBD\n3");
}

}  // namespace
}  // namespace gateway
