#include "service/config/machine_check.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/net/listener.h"
#include "base/net/tls_material.h"
#include "base/os/log_file.h"
#include "base/process/exec_program.h"
#include "base/string_view.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::Listeners;
using ::llmgateway::config::v1::LoggingConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::TracingConfig;

class MachineCheck {
 public:
  MachineCheck(const Environment& environment, const FieldPlaces& places,
               ConfigProblems* problems)
      : environment_(environment), places_(places), problems_(*problems) {}

  void CheckLog(const LoggingConfig& logging) {
    const std::string& file = logging.file();
    if (file.empty()) return;
    const absl::Status status = CheckLogFile(file);
    if (!status.ok()) return Add("logging.file", ToStd(status.message()));
    std::error_code error;
    if (logging.has_rotation() && std::filesystem::exists(file, error) &&
        !std::filesystem::is_regular_file(file, error)) {
      Add("logging.rotation",
          absl::StrCat("cannot be for '", file,
                       "', which is a pipe or a device; remove this"));
    }
  }

  // What is only missing, or not this user's, is a warning: it may be there
  // when the gateway starts, such as a volume that is mounted.
  void CheckStateFolder(const std::string& folder) {
    const std::string field = "runtime.state_dir";
    std::error_code error;
    const bool is_there = std::filesystem::exists(folder, error);
    if (is_there && !std::filesystem::is_directory(folder, error)) {
      return Add(field, absl::StrCat("'", folder, "' is no folder"));
    }
    // The gateway makes it, but not what it stands in.
    const std::string parent =
        std::filesystem::path(folder).parent_path().native();
    const std::string written = is_there         ? folder
                                : parent.empty() ? std::string(".")
                                                 : parent;
    if (access(written.c_str(), W_OK | X_OK) == 0) return;
    problems_.Warn(places_.Find(field), field,
                   absl::StrCat("the folder '", written, "' ",
                                is_there ? "" : "that it would be made in ",
                                "cannot be written by this user (",
                                std::generic_category().message(errno),
                                "); until it can, the gateway does not start"));
  }

  // With port 0, since another gateway may have the port now, and be gone when
  // this configuration is started.
  void CheckAddress(const std::string& path, const std::string& address) {
    const absl::StatusOr<HostPort> where = ParseHostPort(address);
    if (!where.ok() || BindAddress(JoinHostPort(where->host, "0")).ok()) return;
    Add(path, absl::StrCat("'", where->host,
                           "' is no address of this machine; use one of its "
                           "own, or 0.0.0.0 or [::] for all of them"));
  }

  // A program that is missing is a warning: it may be installed while the
  // gateway runs.
  void CheckProgram(const std::string& path, const std::string& executable) {
    const auto search_path = environment_.find("PATH");
    const absl::StatusOr<std::string> found = FindProgram(
        executable,
        search_path == environment_.end() ? "" : search_path->second);
    if (found.ok()) return;
    problems_.Warn(places_.Find(path), path,
                   absl::StrCat(found.status().message(),
                                "; until it is there, every call to this "
                                "provider fails"));
  }

  void CheckDirectory(const std::string& path, const std::string& directory) {
    std::error_code error;
    if (directory.empty() ||
        std::filesystem::is_directory(directory, error)) {
      return;
    }
    Add(path, absl::StrCat("'", directory, "' is no directory ",
                           error ? absl::StrCat("(", error.message(), ")")
                                 : "of this machine",
                           "; make it, or leave the field out"));
  }

  void CheckProvider(const ProviderKinds& kinds, const std::string& path,
                     const ProviderConfig& provider) {
    const ProviderKind* const kind = kinds.Find(provider);
    if (kind == nullptr) return;
    const std::string kind_path = JoinPath(path, kind->name);
    const Message& settings = *ProviderSettings(provider);
    for (const ProviderSetting& setting : kind->settings) {
      const std::string field(setting.field);
      const std::string field_path = JoinPath(kind_path, field);
      if (setting.form == SettingForm::kProgram) {
        CheckProgram(field_path, TextSetting(settings, field));
      } else if (setting.form == SettingForm::kDirectory) {
        CheckDirectory(field_path, TextSetting(settings, field));
      }
    }
    const HttpUpstream* const http = HttpSettings(settings);
    if (http == nullptr) return;  // It is not reached over HTTP.
    const std::string& ca_file = http->ca_file();
    if (ca_file.empty()) return;
    const absl::Status status = CheckCaFile(ca_file);
    if (status.ok()) return;
    Add(absl::StrCat(kind_path, ".http.ca_file"),
        absl::StrCat("file ", ca_file, " ", status.message()));
  }

  void CheckTracing(const TracingConfig& tracing) {
    const std::string& ca_file = tracing.ca_file();
    if (ca_file.empty()) return;
    const absl::Status status = CheckCaFile(ca_file);
    if (status.ok()) return;
    Add("tracing.ca_file",
        absl::StrCat("file ", ca_file, " ", status.message()));
  }

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }

  const Environment& environment_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

}  // namespace

void CheckMachine(const ProviderKinds& kinds, const GatewayConfig& config,
                  const Environment& environment, const FieldPlaces& places,
                  const std::string& state_dir, ConfigProblems* problems) {
  MachineCheck check(environment, places, problems);
  check.CheckLog(config.logging());
  if (!state_dir.empty()) check.CheckStateFolder(state_dir);
  const Listeners& listeners = config.listeners();
  check.CheckAddress("listeners.grpc.address", listeners.grpc().address());
  check.CheckAddress("listeners.http.address", listeners.http().address());
  check.CheckAddress("listeners.admin.address", listeners.admin().address());
  check.CheckAddress("listeners.operations.address",
                     listeners.operations().address());
  if (listeners.has_admin_http()) {
    check.CheckAddress("listeners.admin_http.address",
                       listeners.admin_http().address());
  }
  check.CheckTracing(config.tracing());
  for (int i = 0; i < config.providers_size(); ++i) {
    check.CheckProvider(kinds, ElementPath("providers", static_cast<size_t>(i)),
                        config.providers(i));
  }
}

}  // namespace gateway
