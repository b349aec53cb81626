#include "service/opened_audit.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "service/config/audit_validator.h"
#include "service/config/config_reader.h"
#include "service/pipeline/audit_metrics.h"
#include "service/pipeline/configured_audit.h"

namespace gateway {
namespace {

constexpr mode_t kOwnersAlone = 0700;

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

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> OpenAudit(
    const ConfigSnapshot& config, const std::string& config_file,
    const Environment& environment, MetricRegistry& registry) {
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<const AuditPolicy> policy,
                           AuditPolicyOf(config));
  if (policy == nullptr) return nullptr;
  GATEWAY_ASSIGN_OR_RETURN(std::string path,
                           PathOf(config, config_file, environment));
  GATEWAY_RETURN_IF_ERROR(MakeFolder(path));
  absl::StatusOr<std::unique_ptr<AuditLog>> opened =
      AuditLog::Open(AuditOptionsOf(config.config().audit(), std::move(path)),
                     std::move(policy), SystemClock());
  if (!opened.ok()) {
    return absl::Status(
        opened.status().code(),
        absl::StrCat("audit.file: ", opened.status().message()));
  }
  AddAuditMetrics(**opened, registry);
  return *std::move(opened);
}

}  // namespace gateway
