#include "clients/cli/console.h"

#include <unistd.h>

#include <iostream>
#include <string>

namespace gateway {
namespace {

using Reader = ShownOutput::Reader;

constexpr TerminalControl kDim = {"\x1b[2m"};
constexpr TerminalControl kPlain = {"\x1b[0m"};

bool ObeysControls(const Variables& variables) {
  const auto terminal = variables.find("TERM");
  return terminal != variables.end() && !terminal->second.empty() &&
         terminal->second != "dumb";
}

// As no-color.org has it: set and not empty.
bool WantsColours(const Variables& variables) {
  const auto none = variables.find("NO_COLOR");
  return none == variables.end() || none->second.empty();
}

Reader ReaderOf(int file) {
  return isatty(file) != 0 ? Reader::kTerminal : Reader::kProgram;
}

}  // namespace

StandardStreams::StandardStreams(std::streambuf* output,
                                 const Variables& variables)
    : shown_out_(output, ReaderOf(STDOUT_FILENO)),
      shown_err_(std::cerr.rdbuf(), ReaderOf(STDERR_FILENO)),
      out_(&shown_out_),
      err_(&shown_err_),
      console_{.in = std::cin, .out = out_, .err = err_} {
  // What is told beside results comes at once, and behind those so far.
  err_.tie(&out_);
  err_.setf(std::ios::unitbuf);
  console_.in_is_terminal = isatty(STDIN_FILENO) != 0;
  console_.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  console_.err_is_terminal = isatty(STDERR_FILENO) != 0;
  console_.obeys_controls = ObeysControls(variables);
  console_.has_colours = console_.obeys_controls && WantsColours(variables);
}

void PrintDimmed(std::string_view text, const Console& console) {
  if (!console.err_is_terminal || !console.has_colours || text.empty()) {
    console.err << text;
    return;
  }
  console.err << kDim << text << kPlain;
}

}  // namespace gateway
