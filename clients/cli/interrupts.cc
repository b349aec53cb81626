#include "clients/cli/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace gateway {

Interrupts::Interrupts(std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, &before_);
  signals_ = signalfd(-1, &interrupt, SFD_CLOEXEC);
  end_ = eventfd(0, EFD_CLOEXEC);
  thread_ = Thread("interrupts", [this] { Run(); });
}

Interrupts::~Interrupts() {
  eventfd_write(end_, 1);
  thread_.Join();
  close(signals_);
  close(end_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::Run() const {
  while (true) {
    pollfd polled[] = {{.fd = signals_, .events = POLLIN},
                       {.fd = end_, .events = POLLIN}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) return;
    if (polled[1].revents != 0) return;
    signalfd_siginfo info;
    if (polled[0].revents == 0 || read(signals_, &info, sizeof info) < 0) {
      continue;
    }
    on_interrupt_();
  }
}

}  // namespace gateway
