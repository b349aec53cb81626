#include "clients/cli/logs_request.h"

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using Admin = v1::AdminService::Stub;

constexpr std::string_view kSetLevelFlags[] = {"--module"};
constexpr OperatorVerb kLogsVerbs[] = {{"levels", {}},
                                       {"set-level", kSetLevelFlags}};

constexpr char kLevelPrefix[] = "LOG_LEVEL_";
// Takes back what was set.
constexpr char kConfigured[] = "configured";

std::string Shown(
    const OperatorWords& words, const google::protobuf::Message& response,
    const google::protobuf::RepeatedPtrField<v1::LogModule>& modules) {
  return words.as_json ? AsJson(response) : LogLevelsTable(modules);
}

}  // namespace

const OperatorCommand kLogsCommand = {"logs", kLogsVerbs};

absl::StatusOr<std::string> AskLogs(const RpcPlace& place,
                                    const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLogsCommand, words));
  if (words.words[0] == "set-level") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::SetLogLevelRequest request,
                             SetLogLevelRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::SetLogLevelResponse response,
                             admin.Call(&Admin::SetLogLevel, request));
    return Shown(words, response, response.modules());
  }
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("logs levels takes no '", words.words[1], "'"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::ListLogLevelsResponse response,
      admin.Call(&Admin::ListLogLevels, v1::ListLogLevelsRequest()));
  return Shown(words, response, response.modules());
}

absl::StatusOr<v1::SetLogLevelRequest> SetLogLevelRequestOf(
    const OperatorWords& words) {
  v1::SetLogLevelRequest request;
  request.set_module(LastOf(words, "--module"));
  if (words.words.size() == 2 && words.words[1] == kConfigured) return request;
  configv1::LogLevel level = configv1::LOG_LEVEL_UNSPECIFIED;
  if (words.words.size() != 2 ||
      !configv1::LogLevel_Parse(
          kLevelPrefix + absl::AsciiStrToUpper(words.words[1]), &level) ||
      level == configv1::LOG_LEVEL_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        "logs set-level needs one level: trace, debug, info, warn, error, off, "
        "or configured, which takes back what was set");
  }
  request.set_level(level);
  return request;
}

std::string LogLevelsTable(
    const google::protobuf::RepeatedPtrField<v1::LogModule>& modules) {
  std::vector<Row> rows = {{"MODULE", "LEVEL", "SET BY"}};
  for (const v1::LogModule& module : modules) {
    rows.push_back(
        {module.name(),
         ValueText(configv1::LogLevel_Name(module.level()), kLevelPrefix),
         module.is_override() ? "operator" : "configuration"});
  }
  return Table(rows);
}

}  // namespace gateway
