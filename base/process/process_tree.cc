#include "base/process/process_tree.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr size_t kTreeProcessesMax = 64;

// Appends the processes that the threads of `pid` have started.
void AppendChildren(int64_t pid, std::vector<int64_t>* children) {
  const std::string tasks = absl::StrCat("/proc/", pid, "/task");
  DIR* const folder = opendir(tasks.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const std::string path =
        absl::StrCat(tasks, "/", entry->d_name, "/children");
    FILE* const file = fopen(path.c_str(), "re");
    if (file == nullptr) continue;
    int64_t child = 0;
    while (children->size() < kTreeProcessesMax &&
           fscanf(file, "%" SCNd64, &child) == 1) {
      children->push_back(child);
    }
    fclose(file);
  }
  closedir(folder);
}

// Sends `signal`. Returns false if the process is gone.
bool Send(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, /*info=*/nullptr,
                 /*flags=*/0) == 0;
}

}  // namespace

std::vector<int64_t> ListProcessTree(int64_t pid) {
  std::vector<int64_t> tree = {pid};
  for (size_t i = 0; i < tree.size(); ++i) AppendChildren(tree[i], &tree);
  return tree;
}

ProcessTree::ProcessTree(int64_t pid) {
  const std::vector<int64_t> tree = ListProcessTree(pid);
  for (size_t i = 1; i < tree.size(); ++i) Hold(tree[i]);
}

ProcessTree::~ProcessTree() {
  for (const Process& process : processes_) close(process.pidfd);
}

void ProcessTree::Hold(int64_t pid) {
  // Called through syscall(), since glibc 2.36 declares its wrapper as a C++
  // function, which it is not.
  const auto fd = static_cast<int>(
      syscall(SYS_pidfd_open, static_cast<pid_t>(pid), /*flags=*/0));
  if (fd >= 0) processes_.push_back({pid, fd});
}

void ProcessTree::Kill() {
  // Each process is stopped first, so that it starts no others while its
  // children are looked for.
  for (size_t i = 0; i < processes_.size(); ++i) {
    if (!Send(processes_[i].pidfd, SIGSTOP)) continue;
    std::vector<int64_t> children;
    AppendChildren(processes_[i].pid, &children);
    for (const int64_t child : children) {
      const bool held = std::any_of(
          processes_.begin(), processes_.end(),
          [child](const Process& each) { return each.pid == child; });
      if (!held) Hold(child);
    }
  }
  for (const Process& process : processes_) Send(process.pidfd, SIGKILL);
}

}  // namespace gateway
