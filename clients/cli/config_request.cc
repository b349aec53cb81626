#include "clients/cli/config_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "clients/cli/failure_text.h"
#include "clients/cli/told_file.h"
#include "google/rpc/error_details.pb.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ConfigStub = v1::AdminService::Stub;

// As large as the gateway takes them.
constexpr size_t kConfigBytesMax = 1024 * 1024;

constexpr std::string_view kEtagFlag = "--etag";
constexpr std::string_view kDryRunSwitch = "--validate_only";
constexpr std::string_view kSetConfigFlags[] = {kEtagFlag};
constexpr std::string_view kSetConfigSwitches[] = {kDryRunSwitch};
constexpr OperatorVerb kConfigVerbs[] = {
    {"show", {}},
    {"check", {}},
    {"diff", {}},
    {"apply", kSetConfigFlags, kSetConfigSwitches},
    {"rollback", kSetConfigFlags, kSetConfigSwitches},
    {"reload", {}, kSetConfigSwitches}};

absl::StatusOr<std::string> ConfigFileOf(const OperatorWords& words) {
  return OneNameOf(kConfigCommand, words, "one configuration file");
}

absl::StatusOr<std::string> ReadConfig(const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string path, ConfigFileOf(words));
  GATEWAY_ASSIGN_OR_RETURN(std::string text,
                           ReadToldFile(path, kConfigBytesMax));
  if (IsUtf8(text)) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is no text in UTF-8; iconv makes it one"));
}

bool IsAmong(const v1::ConfigProblem& problem,
             const google::protobuf::RepeatedPtrField<v1::ConfigProblem>& all) {
  return std::any_of(all.begin(), all.end(), [&](const auto& each) {
    return each.path() == problem.path() && each.message() == problem.message();
  });
}

using Problems = google::protobuf::RepeatedPtrField<v1::ConfigProblem>;

// Why a configuration is not put into use, each problem with its place; none
// if that is for another reason.
Problems ProblemsOf(const absl::Status& refusal) {
  Problems problems;
  if (!absl::IsFailedPrecondition(refusal) &&
      !absl::IsInvalidArgument(refusal)) {
    return problems;
  }
  const google::rpc::BadRequest refused = FailureFields(refusal);
  for (const auto& each : refused.field_violations()) {
    *problems.Add() = ConfigProblemOf(each.field(), each.description());
  }
  return problems;
}

// The refusal with its problems, each on a line with its place in the file.
absl::Status RefusalOf(const std::string& file, const absl::Status& why) {
  const Problems problems = ProblemsOf(why);
  if (problems.empty()) return why;
  absl::Status refusal(
      why.code(),
      absl::StrCat("the gateway does not put ", file, " into use:\n",
                   ConfigProblemsText(file, problems)));
  CopyRpcDetails(why, &refusal);
  return refusal;
}

// Whether a path is that of a field, or leads to something within it.
bool IsWithin(std::string_view path, std::string_view field) {
  if (!path.starts_with(field)) return false;
  path.remove_prefix(field.size());
  return path.empty() || path[0] == '[' || path[0] == '.';
}

// Takes out warnings of a field that an error is told of, or of something
// within it; without the error's path, all.
void RemoveWarnings(const std::string* path, Problems* problems) {
  const auto is_out = [path](const v1::ConfigProblem& problem) {
    return problem.severity() == v1::ConfigProblem::SEVERITY_WARNING &&
           (path == nullptr || IsWithin(*path, problem.path()));
  };
  problems->erase(std::remove_if(problems->begin(), problems->end(), is_out),
                  problems->end());
}

// Adds what only putting it into use would tell: what is wrong with a file that
// it names, which is a mistake of it; and that a field needs a restart, which
// is none. Who looks at more has all the warnings that there are. Who may have
// texts checked, but not applied, is not told.
void AddProblemsOfUse(const AdminConnection& admin, const std::string& text,
                      v1::ValidateConfigResponse* checked) {
  v1::ApplyConfigRequest request;
  request.set_text(text);
  request.set_validate_only(true);
  const absl::StatusOr<v1::ApplyConfigResponse> would =
      admin.Call(&ConfigStub::ApplyConfig, request);
  const bool is_wrong = absl::IsInvalidArgument(would.status());
  for (v1::ConfigProblem& problem : ProblemsOf(would.status())) {
    problem.set_severity(is_wrong ? v1::ConfigProblem::SEVERITY_ERROR
                                  : v1::ConfigProblem::SEVERITY_WARNING);
    checked->set_valid(!is_wrong);
    if (is_wrong) RemoveWarnings(&problem.path(), checked->mutable_problems());
    *checked->add_problems() = std::move(problem);
  }
  if (!would.ok()) return;
  RemoveWarnings(/*path=*/nullptr, checked->mutable_problems());
  for (const v1::ConfigProblem& warning : would->warnings()) {
    if (IsAmong(warning, checked->problems())) continue;
    *checked->add_problems() = warning;
  }
}

// Each line of a value behind the sign.
std::string SignedLines(const char* sign, const std::string& value) {
  std::string text;
  for (const absl::string_view line :
       absl::StrSplit(value, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text, sign, line, "\n");
  }
  return text;
}

// As in `version 7 of /etc/gateway.yaml is in use`.
std::string VersionText(const v1::ConfigVersion& version, bool validate_only) {
  return absl::StrCat("version ", version.version(), ", ", version.source(),
                      validate_only ? ", would be in use\n" : ", is in use\n");
}

// What has changed, or would.
template <typename Response>
std::string ChangesText(const OperatorWords& words, const Response& response,
                        bool validate_only) {
  if (words.as_json) return AsJson(response);
  std::string text = ConfigChangesTable(response.changes());
  if (!validate_only) {
    absl::StrAppend(&text, VersionText(response.version(), validate_only));
  }
  return text;
}

absl::StatusOr<Findings> CheckConfig(const AdminConnection& admin,
                                     const OperatorWords& words) {
  v1::ValidateConfigRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_text(), ReadConfig(words));
  GATEWAY_ASSIGN_OR_RETURN(v1::ValidateConfigResponse response,
                           admin.Call(&ConfigStub::ValidateConfig, request));
  if (response.valid()) AddProblemsOfUse(admin, request.text(), &response);
  const std::string& file = words.words[1];
  return Findings{
      .good = response.valid(),
      .text = words.as_json
                  ? AsJson(response)
                  : absl::StrCat(
                        ConfigProblemsText(file, response.problems()), file,
                        response.valid() ? " is valid\n" : " is not valid\n")};
}

absl::StatusOr<Findings> ShowConfig(const AdminConnection& admin,
                                    const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kConfigCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::GetConfigResponse config,
      admin.Call(&ConfigStub::GetConfig, v1::GetConfigRequest()));
  return Findings{.text = words.as_json ? AsJson(config) : config.yaml()};
}

// Of `diff`, which changes nothing, and of `apply`.
absl::StatusOr<Findings> ApplyConfig(const AdminConnection& admin,
                                     const OperatorWords& words) {
  v1::ApplyConfigRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_text(), ReadConfig(words));
  request.set_etag(LastOf(words, kEtagFlag));
  request.set_validate_only(words.words[0] == "diff" ||
                            HasSwitch(words, kDryRunSwitch));
  const absl::StatusOr<v1::ApplyConfigResponse> response =
      admin.Call(&ConfigStub::ApplyConfig, request);
  if (!response.ok()) return RefusalOf(words.words[1], response.status());
  std::string text;
  if (!words.as_json) {
    text = ConfigProblemsText(words.words[1], response->warnings());
  }
  return Findings{
      .text = text + ChangesText(words, *response, request.validate_only())};
}

absl::StatusOr<Findings> RollbackConfig(const AdminConnection& admin,
                                        const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::RollbackConfigRequest request,
                           RollbackConfigRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const v1::RollbackConfigResponse response,
                           admin.Call(&ConfigStub::RollbackConfig, request));
  return Findings{.text =
                      ChangesText(words, response, request.validate_only())};
}

absl::StatusOr<Findings> ReloadConfig(const AdminConnection& admin,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kConfigCommand, words));
  v1::ReloadConfigRequest request;
  request.set_validate_only(HasSwitch(words, kDryRunSwitch));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ReloadConfigResponse response,
                           admin.Call(&ConfigStub::ReloadConfig, request));
  std::string text = ChangesText(words, response, request.validate_only());
  if (!words.as_json && response.applied_kept()) {
    text += "what was applied stays in use; config rollback takes it back\n";
  }
  return Findings{.text = text};
}

}  // namespace

const OperatorCommand kConfigCommand = {"config", kConfigVerbs};

absl::StatusOr<Findings> AskConfig(const RpcPlace& place,
                                   const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kConfigCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  const std::string& what = words.words[0];
  if (what == "show") return ShowConfig(admin, words);
  if (what == "check") return CheckConfig(admin, words);
  if (what == "rollback") return RollbackConfig(admin, words);
  if (what == "reload") return ReloadConfig(admin, words);
  return ApplyConfig(admin, words);
}

absl::StatusOr<v1::RollbackConfigRequest> RollbackConfigRequestOf(
    const OperatorWords& words) {
  v1::RollbackConfigRequest request;
  if (words.words.size() > 1) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                             OneNameOf(kConfigCommand, words, "one version"));
    int64_t version = 0;
    if (!absl::SimpleAtoi(text, &version) || version < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("config rollback takes a version, a number from 1 on, "
                       "not '",
                       text, "'; see gatewayctl --help"));
    }
    request.set_version(version);
  }
  request.set_etag(LastOf(words, kEtagFlag));
  request.set_validate_only(HasSwitch(words, kDryRunSwitch));
  return request;
}

std::string ConfigProblemsText(
    const std::string& file,
    const google::protobuf::RepeatedPtrField<v1::ConfigProblem>& problems) {
  std::string text;
  for (const v1::ConfigProblem& problem : problems) {
    absl::StrAppend(&text, file, ":");
    if (problem.line() > 0) {
      absl::StrAppend(&text, problem.line(), ":", problem.column(), ":");
    }
    absl::StrAppend(
        &text, " ",
        ValueText(v1::ConfigProblem::Severity_Name(problem.severity()),
                  "SEVERITY_"),
        ": ", problem.path(), problem.path().empty() ? "" : ": ",
        problem.message(), "\n");
  }
  return text;
}

v1::ConfigProblem ConfigProblemOf(const std::string& path,
                                  const std::string& description) {
  v1::ConfigProblem problem;
  problem.set_severity(v1::ConfigProblem::SEVERITY_ERROR);
  problem.set_path(path);
  problem.set_message(description);
  const std::string field = absl::StrCat(path, ": ");
  // Of what is wrong in a file that the text names.
  if (!path.empty() && description.starts_with(field)) {
    problem.set_message(description.substr(field.size()));
    return problem;
  }
  const std::string mark = path.empty() ? ": " : absl::StrCat(": ", field);
  const size_t found = description.find(mark);
  if (found == std::string::npos) return problem;
  problem.set_message(description.substr(found + mark.size()));
  const std::vector<std::string> place =
      absl::StrSplit(description.substr(0, found), ':');
  int32_t line = 0;
  int32_t column = 0;
  const bool is_known = place.size() >= 3 &&
                        absl::SimpleAtoi(place[place.size() - 2], &line) &&
                        absl::SimpleAtoi(place.back(), &column);
  if (!is_known) return problem;
  problem.set_line(line);
  problem.set_column(column);
  return problem;
}

std::string ConfigChangesTable(
    const google::protobuf::RepeatedPtrField<v1::ConfigChange>& changes) {
  if (changes.empty()) return "nothing differs\n";
  std::vector<Row> rows = {{"FIELD", "BEFORE", "AFTER"}};
  std::string whole;
  for (const v1::ConfigChange& change : changes) {
    const bool is_short = !absl::StrContains(change.before(), '\n') &&
                          !absl::StrContains(change.after(), '\n');
    if (is_short) {
      rows.push_back(
          {change.path(), OrDash(change.before()), OrDash(change.after())});
      continue;
    }
    absl::StrAppend(&whole, change.path(), "\n",
                    SignedLines("  - ", change.before()),
                    SignedLines("  + ", change.after()));
  }
  return rows.size() == 1 ? whole : Table(rows) + whole;
}

}  // namespace gateway
