// TerminalKeys has a screen of a terminal end by `q`, Ctrl-C or a signal, and
// leaves the terminal as it was: also while Ctrl-Z has stopped the program.
//
//   RunningCall running;
//   TerminalKeys keys(STDIN_FILENO, [&running] { running.CancelForGood(); });
//   ... make the call that is shown ...
//   if (keys.signal() != 0) ...   // It was not `q` that ended it.
//
// What is typed is not shown meanwhile. A file that is no terminal is left
// alone: signals alone end it.
//
// Thread contract: made and destroyed by the main thread, before it starts
// others: the signals are blocked for it and for those. `on_end` is called on a
// thread of this object's own, and not after its destructor has returned.

#ifndef CLIENTS_CLI_TERMINAL_KEYS_H_
#define CLIENTS_CLI_TERMINAL_KEYS_H_

#include <termios.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <optional>

#include "base/os/thread.h"

namespace gateway {

class TerminalKeys {
 public:
  TerminalKeys(int terminal, std::function<void()> on_end);
  // From here on the terminal and the signals are as they were before.
  ~TerminalKeys();

  TerminalKeys(const TerminalKeys&) = delete;
  TerminalKeys& operator=(const TerminalKeys&) = delete;

  // Whether somebody has ended it.
  bool ended() const { return ended_; }
  // The signal that did so; 0 for a key, or if nobody has.
  int signal() const { return signal_; }

 private:
  void Run();
  // Both return whether there may be more.
  bool ReadKeys();
  bool ReadSignal();
  void End(int signal);
  void Suspend();
  void Resume();

  const int terminal_;
  const std::function<void()> on_end_;
  std::optional<termios> before_;  // None if it is no terminal.
  termios quiet_ = {};
  sigset_t signals_before_;
  int signals_ = -1;  // A descriptor that signals are read from.
  int end_ = -1;      // One that is readable when the thread is to end.
  std::atomic<bool> ended_ = false;
  std::atomic<int> signal_ = 0;
  Thread thread_;  // The last field.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_TERMINAL_KEYS_H_
