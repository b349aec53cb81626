// Thread is a named thread that is joined, at the latest when it dies.
//
//   class Writer {
//     ...
//     Thread thread_{"access_log", [this] { Run(); }};  // The last field.
//   };
//
// The only way to start a thread outside base. Whoever starts one also has a
// way to tell it to end: joining waits for that.
//
// Thread-compatible.

#ifndef BASE_OS_THREAD_H_
#define BASE_OS_THREAD_H_

#include <functional>
#include <string_view>
#include <thread>

namespace gateway {

class Thread {
 public:
  // Holds no thread.
  Thread() = default;

  // Runs `body`, with signals blocked, so that they reach the main thread.
  // `name` shows in debuggers and in /proc, cut to 15 bytes.
  Thread(std::string_view name, std::function<void()> body);

  Thread(Thread&& other) noexcept = default;
  // Joins the thread that was held before.
  Thread& operator=(Thread&& other) noexcept;
  ~Thread() { Join(); }

  // Waits for the end of the body. Harmless if there is no thread.
  void Join();

 private:
  std::thread thread_;
};

// Counts the cores that this process may use; at least 1.
int AvailableCores();

}  // namespace gateway

#endif  // BASE_OS_THREAD_H_
