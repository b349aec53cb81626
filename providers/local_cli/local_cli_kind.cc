#include "providers/local_cli/local_cli_kind.h"

#include <memory>

#include "absl/status/statusor.h"
#include "providers/local_cli/local_cli_provider.h"

namespace gateway {
namespace {

constexpr ProviderSetting kSettings[] = {
    {.field = "executable", .value = "claude", .form = SettingForm::kProgram},
    {.field = "arguments", .entries_limit = 64},
    {.field = "environment",
     .form = SettingForm::kVariable,
     .entries_limit = 64},
    {.field = "working_directory", .form = SettingForm::kDirectory},
    {.field = "timeout", .value = "600s", .least = "1s", .most = "24h"},
    {.field = "output_bytes_limit",
     .value = "16MiB",
     .least = "4KiB",
     .most = "1GiB"},
    {.field = "processes_limit", .value = "4", .least = "1", .most = "1000"},
    {.field = "inherit_environment",
     .form = SettingForm::kVariable,
     .entries_limit = 64},
    {.field = "cpu_time_limit", .value = "300s", .least = "1s", .most = "24h"},
    {.field = "file_bytes_limit",
     .value = "256MiB",
     .least = "4KiB",
     .most = "1024GiB"},
    {.field = "memory_bytes_limit",
     .value = "2GiB",
     .least = "1MiB",
     .most = "1024GiB"},
};

}  // namespace

constinit const ProviderKind kLocalCliKind = {
    .name = "local_cli",
    .settings = kSettings,
    // Asks for JSON by a prompt of its own, and knows how it is wrapped then.
    .make = [](const ProviderSetup& setup, const ProviderKind::Config& config)
        -> absl::StatusOr<std::unique_ptr<Provider>> {
      return MakeLocalCliProvider(setup, config.local_cli());
    },
};

}  // namespace gateway
