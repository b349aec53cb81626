#include "base/process/process_stats.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ProcessStatsTest, MemoryGrowsWithWhatIsTouched) {
  const ProcessMemory before = ReadProcessMemory();
  constexpr size_t kBytes = 64 << 20;
  std::vector<char> touched(kBytes, 'x');
  const ProcessMemory after = ReadProcessMemory();
  EXPECT_EQ(touched[kBytes / 2], 'x');
  EXPECT_GT(before.resident_bytes, 0);
  EXPECT_GE(after.resident_bytes, before.resident_bytes + int64_t{kBytes} / 2);
  EXPECT_GE(after.virtual_bytes, after.resident_bytes);
}

TEST(ProcessStatsTest, CpuTimeGrowsWithWork) {
  const absl::Duration before = ProcessCpuTime();
  // Work of unknown length, until the clock of the kernel has moved.
  volatile uint64_t work = 0;
  absl::Duration now = before;
  while (now == before) {
    for (int i = 0; i < 1000000; ++i) work = work + 1;
    now = ProcessCpuTime();
  }
  EXPECT_GT(now, before);
}

TEST(ProcessStatsTest, OpenFilesAreCounted) {
  const int64_t before = CountOpenFiles();
  const int fd = open("/dev/null", O_RDONLY);
  EXPECT_EQ(CountOpenFiles(), before + 1);
  close(fd);
  EXPECT_EQ(CountOpenFiles(), before);
  EXPECT_GT(OpenFilesLimit(), before);
}

TEST(ProcessStatsTest, ThreadsAreCounted) {
  // A sanitizer brings a thread of its own with the first one.
  Thread("first", [] {}).Join();
  const int64_t before = CountThreads();
  int64_t within = 0;
  Thread thread("counted", [&] { within = CountThreads(); });
  thread.Join();
  EXPECT_EQ(within, before + 1);
}

TEST(ProcessStatsTest, ATreeHasAtLeastWhatItsRootHas) {
  EXPECT_GE(ResidentBytesOfTree(getpid()),
            ReadProcessMemory().resident_bytes / 2);
  EXPECT_EQ(ResidentBytesOfTree(-1), 0);
}

}  // namespace
}  // namespace gateway
