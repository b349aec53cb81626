// Console is what a command of gatewayctl reads and writes: the standard
// streams, and what is known of the terminals that they may be.
//
//   console.err << Dimmed("thinking", console);
//
// Results go to `out`; what is told beside them, such as progress and prompts,
// to `err`, so that `out` can be piped into other programs.
//
// Thread contract: one thread at a time.

#ifndef CLIENTS_CLI_CONSOLE_H_
#define CLIENTS_CLI_CONSOLE_H_

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "clients/cli/command_line.h"

namespace gateway {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Nobody wants colours where NO_COLOR says so, or a terminal has none.
  bool has_colours = false;
};

// The standard streams of this process.
Console StandardConsole(const Variables& variables);

// The text, less bright where `err` is a terminal that shows colours.
std::string Dimmed(std::string_view text, const Console& console);

// The text without what a terminal would obey: control characters become
// spaces, all but newlines and tabs.
std::string WithoutControls(std::string_view text);

}  // namespace gateway

#endif  // CLIENTS_CLI_CONSOLE_H_
