// Progress tells how far long work has come: on a terminal's standard error, in
// one line that is written anew and goes at the end; elsewhere, and where the
// terminal cannot do that, nothing.
//
//   Progress progress(console, "verified", "entries");
//   while (...) progress.Add();
//   // verified 120000 of 480000 entries, 25 %
//
// Thread contract: one thread at a time. Nobody else writes to the terminal's
// line before End().

#ifndef CLIENTS_CLI_PROGRESS_H_
#define CLIENTS_CLI_PROGRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "clients/cli/console.h"

namespace gateway {

class Progress {
 public:
  // Borrows the console and the clock.
  Progress(const Console& console, std::string what, std::string units,
           Clock& clock = SystemClock());
  ~Progress() { End(); }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // One more is done.
  void Add();
  // So many are done, of `all` if that is known.
  void Set(int64_t done, int64_t all = 0);
  // What is being done now, where it cannot be counted.
  void Say(std::string_view step);
  // Takes the line away.
  void End();

 private:
  void ShowIfDue();
  void Show(const std::string& line);

  const Console& console_;
  const bool has_line_;  // Whether it is told to anybody.
  const std::string what_;
  const std::string units_;
  Clock& clock_;
  int64_t done_ = 0;
  int64_t all_ = 0;
  bool is_shown_ = false;
  absl::Duration next_;  // When a line is due; short work has none.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_PROGRESS_H_
