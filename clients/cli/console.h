// Console is what a command of gatewayctl reads and writes: the standard
// streams, and what is known of the terminals that they may be.
//
//   PrintDimmed("thinking", console);
//
// What is written here is shown and not obeyed, whoever has said it
// (shown_output.h). Results go to `out`; what is told beside them, such as
// progress and prompts, to `err`, so that `out` can be piped into other
// programs.
//
// Thread contract: one thread at a time.

#ifndef CLIENTS_CLI_CONSOLE_H_
#define CLIENTS_CLI_CONSOLE_H_

#include <istream>
#include <ostream>
#include <streambuf>
#include <string_view>

#include "clients/cli/command_line.h"
#include "clients/cli/shown_output.h"

namespace gateway {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Whether the terminals obey controls: TERM says of which kind they are, and
  // that is not `dumb`.
  bool obeys_controls = false;
  // Nobody wants colours where NO_COLOR says so, or a terminal has none.
  bool has_colours = false;
};

// The standard streams of this process, of which the two that are written to
// are given as ShownOutput has them.
class StandardStreams {
 public:
  // `output` is where standard output goes to. Borrows it.
  StandardStreams(std::streambuf* output, const Variables& variables);

  const Console& console() const { return console_; }

 private:
  ShownOutput shown_out_;
  ShownOutput shown_err_;
  std::ostream out_;
  std::ostream err_;
  Console console_;
};

// Writes the text to `err`, less bright where that is a terminal that shows
// colours.
void PrintDimmed(std::string_view text, const Console& console);

}  // namespace gateway

#endif  // CLIENTS_CLI_CONSOLE_H_
