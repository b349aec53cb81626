#include "service/api/logging_admin.h"

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/log_line.h"
#include "base/os/logging.h"
#include "errors/fault.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/api/caller_check.h"
#include "service/config/log_level.h"
#include "service/config/log_modules.h"
#include "service/config/nearest_name.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

constexpr std::string_view kLoggingService = "llmgateway.v1.AdminService";

void Fill(const LogLevelOverrides& levels,
          google::protobuf::RepeatedPtrField<v1::LogModule>* modules) {
  for (const LogLevelOverrides::ModuleLevel& each : levels.List()) {
    v1::LogModule& module = *modules->Add();
    module.set_name(std::string(each.module));
    module.set_level(FromLogLevel(each.level));
    module.set_is_override(each.is_override);
  }
}

}  // namespace

void LoggingAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kLoggingService, "ListLogLevels", *this, &LoggingAdmin::List);
  table.AddUnary(kLoggingService, "SetLogLevel", *this, &LoggingAdmin::Set);
}

Task<absl::Status> LoggingAdmin::List(CallContext&,
                                      const v1::ListLogLevelsRequest&,
                                      v1::ListLogLevelsResponse* response) {
  Fill(sources_.levels, response->mutable_modules());
  co_return absl::OkStatus();
}

Task<absl::Status> LoggingAdmin::Set(CallContext& call,
                                     const v1::SetLogLevelRequest& request,
                                     v1::SetLogLevelResponse* response) {
  if (!configv1::LogLevel_IsValid(request.level())) {
    co_return InvalidField("level",
                           "must be a level of LogLevel, or unset to take back "
                           "what was set");
  }
  std::optional<LogLevel> level;
  if (request.level() != configv1::LOG_LEVEL_UNSPECIFIED) {
    level = ToLogLevel(request.level());
  }
  if (!sources_.levels.Set(request.module(), level)) {
    const std::vector<std::string> known(std::begin(kLogModules),
                                         std::end(kLogModules));
    co_return InvalidField("module",
                           absl::StrCat("is no module of the log",
                                        Suggestion(request.module(), known),
                                        "; ListLogLevels has them"));
  }
  Log(LogLevel::kInfo, "main", "An operator has set levels of the log",
      {{"of", request.module().empty() ? "all" : request.module()},
       {"to", level.has_value() ? LogLevelName(*level) : "as configured"},
       {"operator", OperatorName(*sources_.runtime.Get(), call)}});
  Fill(sources_.levels, response->mutable_modules());
  co_return absl::OkStatus();
}

}  // namespace gateway
