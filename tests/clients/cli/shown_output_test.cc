#include "clients/cli/shown_output.h"

#include <ostream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

using Reader = ShownOutput::Reader;

class ShownOutputTest : public testing::Test {
 protected:
  std::stringbuf terminal_;
  std::stringbuf file_;
  ShownOutput to_terminal_{&terminal_, Reader::kTerminal};
  ShownOutput to_file_{&file_, Reader::kProgram};
  std::ostream screen_{&to_terminal_};
  std::ostream out_{&to_file_};
};

TEST_F(ShownOutputTest, NothingThatIsWrittenIsObeyed) {
  const std::string hostile =
      "a\x1b]0;b\x07\r\xc2\x9b\xe2\x80\xae" + std::string(1, '\0') + "\x7f";
  const std::string shown =
      "a\\u001b]0;b\\u0007\\r\\u009b\\u202e\\u0000\\u007f";
  screen_ << hostile;
  out_ << hostile;
  EXPECT_EQ(terminal_.str(), shown);
  EXPECT_EQ(file_.str(), shown);
}

TEST_F(ShownOutputTest, TextIsAsItWas) {
  const std::string text =
      "{\"a\": \"\\u001b\"}\n\tGr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80";
  screen_ << text << 'x' << 7;
  EXPECT_EQ(terminal_.str(), text + "x7");
}

TEST_F(ShownOutputTest, ACharacterMayComeInPieces) {
  for (const char byte : std::string("\xf0\x9f\x98\x80\xc2\x9b")) {
    screen_ << byte << std::flush;
  }
  EXPECT_EQ(terminal_.str(), "\xf0\x9f\x98\x80\\u009b");
}

TEST_F(ShownOutputTest, WhatIsNoCharacterIsReplaced) {
  std::stringbuf terminal;
  {
    ShownOutput shown(&terminal, Reader::kTerminal);
    std::ostream screen(&shown);
    screen << "a\x9b[2J\xe2" << "b\xe2\x80";
  }
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(terminal.str(), "a" + replaced + "[2J" + replaced + "b" + replaced +
                                replaced);
}

TEST_F(ShownOutputTest, OurControlsReachTerminalsOnly) {
  screen_ << TerminalControl{"\x1b[K"} << "a";
  out_ << TerminalControl{"\x1b[K"} << "a";
  EXPECT_EQ(terminal_.str(), "\x1b[Ka");
  EXPECT_EQ(file_.str(), "a");
}

TEST_F(ShownOutputTest, ExactTextIsExactButOnATerminal) {
  const std::string line = "\x1b\xe2\x80\xae\xff";
  screen_ << AsItIs{line};
  out_ << AsItIs{line};
  EXPECT_EQ(terminal_.str(), "\\u001b\\u202e\xef\xbf\xbd");
  EXPECT_EQ(file_.str(), line);
}

// A file system without room.
class FullBuffer : public std::streambuf {};

TEST(ShownOutputErrorTest, WhatCannotBeWrittenIsKnown) {
  FullBuffer full;
  ShownOutput shown(&full, Reader::kProgram);
  std::ostream out(&shown);
  EXPECT_FALSE(out << "a");
  out.clear();
  EXPECT_FALSE(out << AsItIs{"a"});
  ShownOutput screen(&full, Reader::kTerminal);
  std::ostream terminal(&screen);
  EXPECT_FALSE(terminal << TerminalControl{"a"});
}

}  // namespace
}  // namespace gateway
