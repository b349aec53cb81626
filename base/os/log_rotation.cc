#include "base/os/log_rotation.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/timestamp.h"

namespace gateway {
namespace {

// Several files of one millisecond are told apart by a number of two digits.
constexpr int kSameTimeMax = 100;

constexpr std::string_view kTimeForm = "########T######.###Z";

// Returns the time as it stands in names: a timestamp without its dashes and
// colons.
std::string TimeInName(absl::Time time) {
  std::string text;
  AppendTimestamp(time, &text);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

bool HasForm(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char wanted) {
                      return wanted == '#' ? c >= '0' && c <= '9' : c == wanted;
                    });
}

// The folder of a path, and the name in it.
std::pair<std::string, std::string> Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

absl::Status SystemError(std::string_view what, const std::string& path) {
  const int error = errno;
  return absl::UnavailableError(
      absl::StrCat(absl::string_view(what.data(), what.size()), " ", path, ": ",
                   strerror(error)));
}

}  // namespace

bool IsDue(const LogRotation& rotation, int64_t size, int64_t more,
           absl::Time begun, absl::Time now) {
  if (size == 0) return false;
  const bool is_full =
      rotation.size_bytes > 0 && size + more > rotation.size_bytes;
  const bool is_old = rotation.interval > absl::ZeroDuration() &&
                      now - begun >= rotation.interval;
  return is_full || is_old;
}

absl::StatusOr<std::string> SetAside(const std::string& path, absl::Time now) {
  const std::string name = absl::StrCat(path, ".", TimeInName(now));
  for (int number = 0; number < kSameTimeMax; ++number) {
    const std::string aside =
        number == 0 ? name : absl::StrCat(name, "-", number / 10, number % 10);
    struct stat found;
    if (lstat(aside.c_str(), &found) == 0) continue;
    if (rename(path.c_str(), aside.c_str()) == 0) return aside;
    return SystemError("cannot rename the log", path);
  }
  return absl::UnavailableError(absl::StrCat("cannot rename the log ", path,
                                             ": ", name, "-", kSameTimeMax - 1,
                                             " and all before it are there"));
}

absl::Status RemoveOldest(const std::string& path, int files) {
  const auto [folder, base] = Split(path);
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()),
                                                 closedir);
  if (open == nullptr) return SystemError("cannot list", folder);
  std::vector<std::string> names;
  while (const dirent* const entry = readdir(open.get())) {
    if (IsSetAsideName(entry->d_name, base)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  absl::Status result;
  const size_t kept = static_cast<size_t>(files);
  for (size_t i = 0; i + kept < names.size(); ++i) {
    const std::string old = absl::StrCat(folder, "/", names[i]);
    if (unlink(old.c_str()) == 0 || errno == ENOENT) continue;
    result.Update(SystemError("cannot remove", old));
  }
  return result;
}

bool IsSetAsideName(std::string_view name, std::string_view base) {
  if (!name.starts_with(base)) return false;
  name.remove_prefix(base.size());
  if (!name.starts_with('.')) return false;
  name.remove_prefix(1);
  return HasForm(name, kTimeForm) ||
         HasForm(name, std::string(kTimeForm) + "-##");
}

}  // namespace gateway
