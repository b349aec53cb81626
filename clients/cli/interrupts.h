// Interrupts has Ctrl-C call something, in place of ending the program.
//
//   RunningCall running;
//   const Interrupts interrupts([&running] { running.Cancel(); });
//   ... make calls ...   // Ctrl-C ends the one that is under way.
//
// Thread contract: made and destroyed by the main thread, before it starts
// others: SIGINT is blocked for it and for those. `on_interrupt` is called on a
// thread of this object's own, and not after its destructor has returned.

#ifndef CLIENTS_CLI_INTERRUPTS_H_
#define CLIENTS_CLI_INTERRUPTS_H_

#include <csignal>
#include <functional>

#include "base/os/thread.h"

namespace gateway {

class Interrupts {
 public:
  explicit Interrupts(std::function<void()> on_interrupt);
  // From here on SIGINT does what it did before.
  ~Interrupts();

  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  void Run() const;

  const std::function<void()> on_interrupt_;
  sigset_t before_;
  int signals_ = -1;  // A descriptor that SIGINT is read from.
  int end_ = -1;      // One that is readable when the thread is to end.
  Thread thread_;     // The last field.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_INTERRUPTS_H_
