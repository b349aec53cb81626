#include "clients/cli/terminal_keys.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace gateway {
namespace {

// What ends a program.
constexpr int kEndSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
// What ends a screen: q, and Ctrl-D, as in a chat.
constexpr std::string_view kEndKeys = "qQ\x04";

sigset_t KeySignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kEndSignals) sigaddset(&signals, signal);
  // What stops it for a while, and has it go on.
  sigaddset(&signals, SIGTSTP);
  sigaddset(&signals, SIGCONT);
  return signals;
}

}  // namespace

TerminalKeys::TerminalKeys(int terminal, std::function<void()> on_end)
    : terminal_(terminal), on_end_(std::move(on_end)) {
  const sigset_t signals = KeySignals();
  pthread_sigmask(SIG_BLOCK, &signals, &signals_before_);
  termios now;
  if (tcgetattr(terminal_, &now) == 0) {
    before_ = now;
    quiet_ = now;
    quiet_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    quiet_.c_cc[VMIN] = 1;
    quiet_.c_cc[VTIME] = 0;
    tcsetattr(terminal_, TCSADRAIN, &quiet_);
  }
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
  end_ = eventfd(0, EFD_CLOEXEC);
  thread_ = Thread("terminal_keys", [this] { Run(); });
}

TerminalKeys::~TerminalKeys() {
  eventfd_write(end_, 1);
  thread_.Join();
  close(signals_);
  close(end_);
  if (before_.has_value()) tcsetattr(terminal_, TCSADRAIN, &*before_);
  pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

void TerminalKeys::Run() {
  pollfd polled[] = {
      {.fd = end_, .events = POLLIN},
      {.fd = signals_, .events = POLLIN},
      {.fd = before_.has_value() ? terminal_ : -1, .events = POLLIN}};
  while (true) {
    if (poll(polled, 3, -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    if (polled[1].revents != 0 && !ReadSignal()) polled[1].fd = -1;
    // A terminal that has gone has nothing more to say.
    if (polled[2].revents != 0 && !ReadKeys()) polled[2].fd = -1;
  }
}

bool TerminalKeys::ReadKeys() {
  char keys[64];
  const ssize_t count = read(terminal_, keys, sizeof keys);
  if (count <= 0) return count < 0 && errno == EINTR;
  const bool ends = std::any_of(keys, keys + count, [](char key) {
    return kEndKeys.find(key) != kEndKeys.npos;
  });
  if (ends) End(0);
  return true;
}

bool TerminalKeys::ReadSignal() {
  signalfd_siginfo info;
  if (read(signals_, &info, sizeof info) < 0) return errno == EINTR;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGTSTP) {
    Suspend();
  } else if (signal == SIGCONT) {
    Resume();
  } else {
    End(signal);
  }
  return true;
}

void TerminalKeys::End(int signal) {
  if (!ended_.exchange(true)) signal_ = signal;
  on_end_();
}

// This thread may go on for a moment after the signal: nothing may follow it.
void TerminalKeys::Suspend() {
  if (before_.has_value()) tcsetattr(terminal_, TCSADRAIN, &*before_);
  kill(getpid(), SIGSTOP);
}

// A shell has it go on, by `fg`; by `bg` the terminal is others'.
void TerminalKeys::Resume() {
  if (before_.has_value() && tcgetpgrp(terminal_) == getpgrp()) {
    tcsetattr(terminal_, TCSADRAIN, &quiet_);
  }
}

}  // namespace gateway
