#include "service/opened_audit.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/config/audit_validator.h"
#include "service/config/config_reader.h"
#include "service/pipeline/audit_metrics.h"
#include "service/pipeline/configured_audit.h"
#include "service/store/sqlite_connection.h"

namespace gateway {
namespace {

constexpr mode_t kOwnersAlone = 0700;
constexpr absl::Duration kBusyTimeout = absl::Seconds(5);

absl::StatusOr<std::string> PathOf(const ConfigSnapshot& config,
                                   const std::string& config_file,
                                   const Environment& environment) {
  const std::string file = AuditFile(config.config());
  if (!absl::StartsWith(file, "~/")) return PathBeside(config_file, file);
  const auto home = environment.find("HOME");
  if (home == environment.end() || home->second.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("audit.file: is '", file,
                     "', and the variable HOME is not set; set it, or give a "
                     "path that begins with '/'"));
  }
  return home->second + file.substr(1);
}

// Makes the file's folder, if only that is missing.
absl::Status MakeFolder(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (folder.empty() || mkdir(folder.c_str(), kOwnersAlone) == 0 ||
      errno == EEXIST) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "audit.file: ", folder, " cannot be made: ", strerror(errno)));
}

// Whether the file is that of a daemon of another system, which clients of ours
// had before: it is kept at the same place.
bool IsOfEarlierDaemon(const std::string& path) {
  constexpr SqlText kColumns =
      "SELECT count(*) FROM pragma_table_info('audit_log') "
      "WHERE name IN ('id', 'agent_type', 'request_body')";
  constexpr int64_t kAsked = 3;
  const absl::StatusOr<std::unique_ptr<SqliteConnection>> file =
      SqliteConnection::Open(path, SqliteConnection::Access::kReadOnly,
                             kBusyTimeout);
  if (!file.ok()) return false;
  const absl::StatusOr<int64_t> found = (*file)->ReadInt64(kColumns);
  return found.ok() && *found == kAsked;
}

// A name beside that of another's file, as in audit.llm-gateway.db.
std::string PathBesideOther(const std::string& path) {
  constexpr absl::string_view kEnding = ".db";
  return absl::StrCat(absl::StripSuffix(path, kEnding), ".llm-gateway",
                      kEnding);
}

absl::StatusOr<std::unique_ptr<AuditLog>> OpenAt(
    const ConfigSnapshot& config, std::shared_ptr<const AuditPolicy> policy,
    const std::string& path) {
  return AuditLog::Open(AuditOptionsOf(config.config().audit(), path),
                        std::move(policy), SystemClock());
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> OpenAudit(
    const ConfigSnapshot& config, const std::string& config_file,
    const Environment& environment, MetricRegistry& registry) {
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<const AuditPolicy> policy,
                           AuditPolicyOf(config));
  if (policy == nullptr) return nullptr;
  GATEWAY_ASSIGN_OR_RETURN(const std::string path,
                           PathOf(config, config_file, environment));
  GATEWAY_RETURN_IF_ERROR(MakeFolder(path));
  absl::StatusOr<std::unique_ptr<AuditLog>> opened =
      OpenAt(config, policy, path);
  if (absl::IsFailedPrecondition(opened.status()) && IsOfEarlierDaemon(path)) {
    const std::string beside = PathBesideOther(path);
    Log(LogLevel::kWarn, "audit",
        "audit.file is that of an earlier daemon, and stays as it is; entries "
        "are written beside it",
        {{"earlier", path}, {"file", beside}});
    opened = OpenAt(config, policy, beside);
  }
  if (!opened.ok()) {
    return absl::Status(
        opened.status().code(),
        absl::StrCat("audit.file: ", opened.status().message()));
  }
  AddAuditMetrics(**opened, registry);
  return *std::move(opened);
}

}  // namespace gateway
