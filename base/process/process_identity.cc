#include "base/process/process_identity.h"

#include <unistd.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/os/file.h"

namespace gateway {
namespace {

constexpr size_t kFactsBytesLimit = 4096;

// Indexes of the fields of /proc/<pid>/stat, counted from the state, which is
// the first after the program's name: the name may contain anything.
constexpr size_t kState = 0;
constexpr size_t kStartTicks = 19;

struct Facts {
  bool ended = false;  // It has ended, and its parent has not waited for it.
  std::string start;
};

// Reads what the kernel says of a process; nothing if there is none.
std::optional<Facts> FactsOf(int64_t pid) {
  const absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat("/proc/", pid, "/stat"), kFactsBytesLimit);
  if (!text.ok()) return std::nullopt;
  const size_t name_end = text->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields =
      absl::StrSplit(text->substr(name_end + 2), ' ');
  if (fields.size() <= kStartTicks) return std::nullopt;
  const absl::StatusOr<std::string> boot =
      ReadFile("/proc/sys/kernel/random/boot_id", kFactsBytesLimit);
  Facts facts;
  facts.ended = fields[kState] == "Z" || fields[kState] == "X";
  facts.start = absl::StrCat(boot.ok() ? absl::StripAsciiWhitespace(*boot) : "",
                             "/", fields[kStartTicks]);
  return facts;
}

}  // namespace

ProcessIdentity ThisProcess() { return IdentityOf(getpid()); }

ProcessIdentity IdentityOf(int64_t pid) {
  ProcessIdentity identity{.pid = pid};
  if (const std::optional<Facts> facts = FactsOf(identity.pid)) {
    identity.start = facts->start;
  }
  return identity;
}

bool IsRunning(const ProcessIdentity& process) {
  const std::optional<Facts> facts = FactsOf(process.pid);
  if (!facts.has_value() || facts->ended) return false;
  return process.start.empty() || process.start == facts->start;
}

}  // namespace gateway
