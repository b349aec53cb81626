#include "base/process/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/process/process_tree.h"

namespace gateway {
namespace {

// Counts the entries of a folder, without `.` and `..`.
int64_t CountEntries(const char* path) {
  DIR* const folder = opendir(path);
  if (folder == nullptr) return 0;
  int64_t entries = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++entries;
  }
  closedir(folder);
  return entries;
}

ProcessMemory ReadMemoryFile(const std::string& path) {
  ProcessMemory memory;
  FILE* const file = fopen(path.c_str(), "re");
  if (file == nullptr) return memory;
  int64_t virtual_pages = 0;
  int64_t resident_pages = 0;
  if (fscanf(file, "%" SCNd64 " %" SCNd64, &virtual_pages, &resident_pages) ==
      2) {
    const int64_t page_bytes = sysconf(_SC_PAGESIZE);
    memory.virtual_bytes = virtual_pages * page_bytes;
    memory.resident_bytes = resident_pages * page_bytes;
  }
  fclose(file);
  return memory;
}

}  // namespace

ProcessMemory ReadProcessMemory() { return ReadMemoryFile("/proc/self/statm"); }

int64_t ResidentBytesOfTree(int64_t pid) {
  int64_t bytes = 0;
  for (const int64_t each : ListProcessTree(pid)) {
    bytes +=
        ReadMemoryFile(absl::StrCat("/proc/", each, "/statm")).resident_bytes;
  }
  return bytes;
}

absl::Duration ProcessCpuTime() {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return absl::ZeroDuration();
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

int64_t CountThreads() { return CountEntries("/proc/self/task"); }

int64_t CountOpenFiles() {
  struct stat folder;
  if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
    return folder.st_size;
  }
  // Without the descriptor that reads the folder itself.
  return std::max<int64_t>(CountEntries("/proc/self/fd") - 1, 0);
}

int64_t OpenFilesLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace gateway
