// What gatewayctl tells of itself: one table, of which `gatewayctl --help`, the
// same of each command and the manual page gatewayctl(1) are forms.
//
//   console.out << HelpText();
//   console.out << HelpTextOf("keys");
//   console.out << ManualPage();  // For man(1), in its own language.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_HELP_H_
#define CLIENTS_CLI_HELP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace gateway {

// A command, flag or variable, and what it does. Texts are broken as lines need
// it, and where they have a newline.
struct HelpItem {
  std::string_view term;
  std::string_view text;
};

struct HelpSection {
  std::string_view title;
  size_t column = 26;  // Where the texts of the items begin.
  absl::Span<const HelpItem> items;
  std::string_view note;  // Stands behind them.
  // The commands that it is for, with spaces; none for what is of none alone.
  std::string_view commands = "";
};

// The table, in the order in which it is read.
absl::Span<const HelpSection> HelpSections();

// What `gatewayctl --help` prints.
std::string HelpText();

// What `gatewayctl COMMAND --help` prints: what it does and takes. All if there
// is nothing to say of it.
std::string HelpTextOf(std::string_view command);

// What `gatewayctl man` prints: gatewayctl.1, in the man macros of roff.
std::string ManualPage();

}  // namespace gateway

#endif  // CLIENTS_CLI_HELP_H_
