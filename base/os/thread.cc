#include "base/os/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace gateway {
namespace {

// The kernel's limit on a thread's name.
constexpr size_t kNameBytesLimit = 15;

}  // namespace

Thread::Thread(std::string_view name, std::function<void()> body) {
  // All signals are blocked while the thread starts, since it inherits the mask
  // of its starter.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::string short_name(name.substr(0, kNameBytesLimit));
  pthread_setname_np(thread_.native_handle(), short_name.c_str());
}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    Join();
    thread_ = std::move(other.thread_);
  }
  return *this;
}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

int AvailableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

}  // namespace gateway
