// Writes records until it is killed, and says on its output what was
// acknowledged: a line WRITER VERSION for each.
//
//   record_writer PATH
//
// On each of two loops four writers have a record each, `0` to `7`, whose value
// begins with its version.

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/thread.h"
#include "service/store/record_store.h"
#include "service/store/sqlite_record_store.h"

namespace gateway {
namespace {

constexpr int kLoops = 2;
constexpr int kWritersEach = 4;
// Some values are longer than a page of the file.
constexpr size_t kPaddingBytes = 3000;

[[noreturn]] void Fail(const absl::Status& status) {
  const std::string line = absl::StrCat("failed: ", status.ToString(), "\n");
  [[maybe_unused]] const ssize_t written =
      write(STDOUT_FILENO, line.data(), line.size());
  _exit(1);
}

Task<void> Write(RecordStore& store, int writer) {
  CancelSignal never;
  const std::string key = absl::StrCat(writer);
  const absl::StatusOr<std::optional<Record>> found =
      co_await store.Get("kept", key, never);
  if (!found.ok()) Fail(found.status());
  int64_t version = found->has_value() ? (*found)->version : 0;
  while (true) {
    std::string value = absl::StrCat(version + 1, " ");
    value.append(kPaddingBytes * (version % 4), 'x');
    PutOptions options;
    options.expected_version = version;
    const absl::StatusOr<int64_t> put =
        co_await store.Put("kept", key, std::move(value), options, never);
    if (!put.ok()) Fail(put.status());
    version = *put;
    const std::string line = absl::StrCat(key, " ", version, "\n");
    // One write, which a pipe takes whole.
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(1);
  }
}

int Run(const std::string& path) {
  absl::StatusOr<std::unique_ptr<SqliteRecordStore>> store =
      SqliteRecordStore::Open({.path = path}, SystemClock());
  if (!store.ok()) Fail(store.status());
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::vector<Thread> threads;
  for (int i = 0; i < kLoops; ++i) {
    loops.push_back(*EventLoop::Create());
    EventLoop* const loop = loops.back().get();
    for (int j = 0; j < kWritersEach; ++j) {
      loop->Post([&store, writer = i * kWritersEach + j] {
        Spawn(Write(**store, writer));
      });
    }
    threads.emplace_back("loop", [loop] { loop->Run(); });
  }
  for (Thread& thread : threads) thread.Join();
  return 0;
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  return argc == 2 ? gateway::Run(argv[1]) : 2;
}
