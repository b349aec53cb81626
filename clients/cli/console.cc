#include "clients/cli/console.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

// As no-color.org has it: set and not empty.
bool WantsColours(const Variables& variables) {
  const auto none = variables.find("NO_COLOR");
  if (none != variables.end() && !none->second.empty()) return false;
  const auto terminal = variables.find("TERM");
  return terminal != variables.end() && terminal->second != "dumb";
}

bool IsControl(char c) {
  return absl::ascii_iscntrl(c) && c != '\n' && c != '\t';
}

}  // namespace

Console StandardConsole(const Variables& variables) {
  Console console{.in = std::cin, .out = std::cout, .err = std::cerr};
  console.in_is_terminal = isatty(STDIN_FILENO) != 0;
  console.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  console.err_is_terminal = isatty(STDERR_FILENO) != 0;
  console.has_colours = WantsColours(variables);
  return console;
}

std::string Dimmed(std::string_view text, const Console& console) {
  if (!console.err_is_terminal || !console.has_colours || text.empty()) {
    return std::string(text);
  }
  return absl::StrCat(ToAbsl(kDim), ToAbsl(text), ToAbsl(kPlain));
}

std::string WithoutControls(std::string_view text) {
  std::string clean(text);
  std::replace_if(clean.begin(), clean.end(), IsControl, ' ');
  return clean;
}

}  // namespace gateway
