// The memory that this process's control group has, and may have: where a
// container's limit is, beyond which the kernel kills.
//
//   const std::optional<CgroupMemoryReader> reader =
//       CgroupMemoryReader::Find("/sys/fs/cgroup", "/proc/self/cgroup");
//   if (reader.has_value()) memory = reader->Read();
//
// Control groups of version 2 and of version 1, whichever limits the process:
//
//            limit                          in use
//   v2       memory.max, memory.high        memory.current
//            (the lesser)                   less inactive_file of memory.stat
//   v1       memory.limit_in_bytes          memory.usage_in_bytes
//                                           less total_inactive_file
//
// What is inactive are copies of files, which the kernel gives up first.
//
// The group that counts is the nearest with a limit: the process's own, one
// that this is in, or the one at the root, which is all that a container sees.
//
// Thread-safe. Reading costs some tens of microseconds and does not block.

#ifndef SERVICE_OVERLOAD_CGROUP_MEMORY_H_
#define SERVICE_OVERLOAD_CGROUP_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gateway {

struct CgroupMemory {
  int64_t limit_bytes = 0;
  int64_t used_bytes = 0;

  friend bool operator==(const CgroupMemory&, const CgroupMemory&) = default;
};

class CgroupMemoryReader {
 public:
  // `root` is where control groups are mounted. `own_groups` is the file that
  // says which ones the process is in; if it cannot be read, only the root is
  // looked at. Nothing if no group has a limit.
  static std::optional<CgroupMemoryReader> Find(const std::string& root,
                                                const std::string& own_groups);

  friend bool operator==(const CgroupMemoryReader&,
                         const CgroupMemoryReader&) = default;

  // Nothing if the group has no limit any more, or cannot be read.
  std::optional<CgroupMemory> Read() const;

 private:
  enum class Version { kV1, kV2 };

  CgroupMemoryReader(Version version, std::string folder)
      : version_(version), folder_(std::move(folder)) {}

  std::optional<int64_t> ReadLimit() const;

  Version version_;
  std::string folder_;
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_CGROUP_MEMORY_H_
