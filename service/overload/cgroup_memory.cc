#include "service/overload/cgroup_memory.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/os/file.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// None of the files is near as large.
constexpr size_t kFileBytesLimit = 256 * 1024;

// Version 1 says so of a group without a limit: the largest number of pages.
constexpr int64_t kNoLimitBytes = int64_t{1} << 60;

std::optional<std::string> ReadWhole(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kFileBytesLimit);
  if (!text.ok()) return std::nullopt;
  return *std::move(text);
}

std::optional<int64_t> ReadNumber(const std::string& path) {
  const std::optional<std::string> text = ReadWhole(path);
  int64_t number = 0;
  // `max` is no number.
  if (!text.has_value() ||
      !absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &number) ||
      number < 0) {
    return std::nullopt;
  }
  return number;
}

// The number behind `name` in a file of lines such as `inactive_file 4096`;
// zero if it is not there.
int64_t ReadField(const std::string& path, std::string_view name) {
  const std::optional<std::string> text = ReadWhole(path);
  if (!text.has_value()) return 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    int64_t number = 0;
    if (absl::ConsumePrefix(&line, ToAbsl(name)) &&
        absl::ConsumePrefix(&line, " ") && absl::SimpleAtoi(line, &number)) {
      return number;
    }
  }
  return 0;
}

// Which group of this version the process is in, by the lines
// `NUMBER:CONTROLLERS:PATH` of /proc/self/cgroup; that of version 2 has no
// controllers.
std::string OwnGroup(std::string_view own_groups, std::string_view controller) {
  for (const absl::string_view line :
       absl::StrSplit(ToAbsl(own_groups), '\n')) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() < 3) continue;
    for (const absl::string_view each : absl::StrSplit(parts[1], ',')) {
      // A group above what is mounted is not there to be read.
      if (each == ToAbsl(controller) && !absl::StrContains(parts[2], "..")) {
        return parts[2];
      }
    }
  }
  return "";
}

// The folders of a group and of those that it is in, up to the root.
std::vector<std::string> FoldersFrom(const std::string& root,
                                     std::string group) {
  std::vector<std::string> folders;
  while (group.size() > 1) {
    folders.push_back(absl::StrCat(root, group));
    group.resize(group.rfind('/'));
  }
  folders.push_back(root);
  return folders;
}

}  // namespace

std::optional<CgroupMemoryReader> CgroupMemoryReader::Find(
    const std::string& root, const std::string& own_groups) {
  const std::string groups = ReadWhole(own_groups).value_or("");
  for (const std::string& folder : FoldersFrom(root, OwnGroup(groups, ""))) {
    const CgroupMemoryReader reader(Version::kV2, folder);
    if (reader.Read().has_value()) return reader;
  }
  const std::string own = OwnGroup(groups, "memory");
  for (const std::string& mounted : {absl::StrCat(root, "/memory"), root}) {
    for (const std::string& folder : FoldersFrom(mounted, own)) {
      const CgroupMemoryReader reader(Version::kV1, folder);
      if (reader.Read().has_value()) return reader;
    }
  }
  return std::nullopt;
}

std::optional<CgroupMemory> CgroupMemoryReader::Read() const {
  const bool is_v2 = version_ == Version::kV2;
  const std::optional<int64_t> limit = ReadLimit();
  const std::optional<int64_t> used = ReadNumber(absl::StrCat(
      folder_, is_v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  if (!limit.has_value() || !used.has_value()) return std::nullopt;
  const int64_t inactive =
      ReadField(absl::StrCat(folder_, "/memory.stat"),
                is_v2 ? "inactive_file" : "total_inactive_file");
  return CgroupMemory{.limit_bytes = *limit,
                      .used_bytes = std::max<int64_t>(0, *used - inactive)};
}

std::optional<int64_t> CgroupMemoryReader::ReadLimit() const {
  if (version_ == Version::kV1) {
    const std::optional<int64_t> limit =
        ReadNumber(absl::StrCat(folder_, "/memory.limit_in_bytes"));
    return limit.has_value() && *limit < kNoLimitBytes ? limit : std::nullopt;
  }
  const std::optional<int64_t> max =
      ReadNumber(absl::StrCat(folder_, "/memory.max"));
  // Where the kernel slows the process down until it has given memory up.
  const std::optional<int64_t> high =
      ReadNumber(absl::StrCat(folder_, "/memory.high"));
  if (!max.has_value()) return high;
  return std::min(*max, high.value_or(*max));
}

}  // namespace gateway
