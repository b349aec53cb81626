#include "service/api/config_admin.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/state_fault.h"
#include "service/api/watcher.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

constexpr std::string_view kConfigService = "llmgateway.v1.AdminService";

using Result = ConfigReloader::Result;

void FillVersion(const ConfigVersion& from, v1::ConfigVersion* to) {
  to->set_version(from.number);
  to->set_etag(from.etag);
  to->set_checksum(from.checksum);
  to->set_source(from.source);
  *to->mutable_load_time() = ToProto(from.load_time);
}

v1::ErrorReason ReasonOf(const Result& result) {
  switch (result.refusal) {
    case ConfigReloader::Refusal::kEtag:
      return v1::ERROR_REASON_ETAG_MISMATCH;
    case ConfigReloader::Refusal::kNoVersion:
      return v1::ERROR_REASON_NOT_FOUND;
    case ConfigReloader::Refusal::kRestart:
      return v1::ERROR_REASON_RESTART_REQUIRED;
    case ConfigReloader::Refusal::kEnded:
      return v1::ERROR_REASON_DRAINING;
    case ConfigReloader::Refusal::kNone:
    case ConfigReloader::Refusal::kNotKept:
    case ConfigReloader::Refusal::kWrong:
      break;
  }
  return absl::IsInvalidArgument(result.status)
             ? v1::ERROR_REASON_INVALID_REQUEST
             : v1::ERROR_REASON_CONFIG_INVALID;
}

// The fault of a configuration that did not come into use, with every problem.
absl::Status FaultOf(const Result& result) {
  if (result.refusal == ConfigReloader::Refusal::kNotKept) {
    return StateNotKept(result.status);
  }
  absl::Status fault =
      MakeFault(ReasonOf(result), ToStd(result.status.message()));
  if (result.refusal == ConfigReloader::Refusal::kEtag) {
    AddFaultMetadata(fault, "etag", result.version.etag);
  }
  for (const ConfigProblem& problem : result.problems) {
    AddFieldViolation(fault, problem.path, problem.AsOfText().ToString());
  }
  return fault;
}

template <typename Response>
void FillResult(const Result& result, Response* response) {
  FillVersion(result.version, response->mutable_version());
  for (const ConfigDifference& each : result.changes) {
    v1::ConfigChange& change = *response->add_changes();
    change.set_path(each.path);
    change.set_before(each.before);
    change.set_after(each.after);
  }
}

}  // namespace

void FillProblems(const std::vector<ConfigProblem>& problems,
                  v1::ConfigProblem::Severity severity,
                  google::protobuf::RepeatedPtrField<v1::ConfigProblem>* out) {
  for (const ConfigProblem& each : problems) {
    const ConfigProblem problem = each.AsOfText();
    v1::ConfigProblem& added = *out->Add();
    added.set_line(problem.place.line);
    added.set_column(problem.place.column);
    added.set_path(problem.path);
    added.set_message(problem.message);
    added.set_severity(problem.is_issue ? v1::ConfigProblem::SEVERITY_ISSUE
                                        : severity);
  }
}

void ConfigAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kConfigService, "ReloadConfig", *this, &ConfigAdmin::Reload);
  table.AddUnary(kConfigService, "ApplyConfig", *this, &ConfigAdmin::Apply);
  table.AddUnary(kConfigService, "RollbackConfig", *this,
                 &ConfigAdmin::Rollback);
  table.AddServerStream<v1::WatchConfigRequest, v1::WatchConfigResponse>(
      kConfigService, "WatchConfig",
      [this](CallContext& call, const v1::WatchConfigRequest&,
             MessageWriter& writer) { return Watch(call, writer); });
}

template <typename Work>
Task<absl::StatusOr<Result>> ConfigAdmin::OnWorker(CallContext& call,
                                                   Work work) {
  absl::StatusOr<Result> result =
      co_await sources_.worker.Run(std::move(work), call.cancel());
  if (absl::IsResourceExhausted(result.status())) {
    co_return MakeFault(v1::ERROR_REASON_OVERLOADED,
                        "too many configurations wait to be read");
  }
  if (result.ok() && !result->status.ok()) co_return FaultOf(*result);
  co_return result;
}

Task<absl::Status> ConfigAdmin::Reload(CallContext& call,
                                       const v1::ReloadConfigRequest& request,
                                       v1::ReloadConfigResponse* response) {
  const bool validate_only = request.validate_only();
  auto reload = [&reloader = sources_.reloader, validate_only] {
    return reloader.Reload(ConfigReloader::Trigger::kOperator, validate_only);
  };
  absl::StatusOr<Result> result = co_await OnWorker(call, std::move(reload));
  GATEWAY_CO_RETURN_IF_ERROR(result.status());
  FillResult(*result, response);
  FillProblems(result->warnings, v1::ConfigProblem::SEVERITY_WARNING,
               response->mutable_warnings());
  response->set_applied_kept(result->applied_kept);
  co_return absl::OkStatus();
}

Task<absl::Status> ConfigAdmin::Apply(CallContext& call,
                                      const v1::ApplyConfigRequest& request,
                                      v1::ApplyConfigResponse* response) {
  if (request.text().empty()) co_return InvalidField("text", "is required");
  if (request.text().size() > kConfigBytesLimit) {
    co_return InvalidField("text",
                           absl::StrCat("must be at most ", kConfigBytesLimit,
                                        " bytes, not ", request.text().size()));
  }
  // Who asks has been let in, so there is a name, or none is asked for.
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  const std::string by(CheckOperator(*runtime, call).value_or(""));
  // Owns what it reads, since the work may outlive the call.
  auto apply = [&reloader = sources_.reloader, text = request.text(),
                etag = request.etag(), by,
                validate_only = request.validate_only()] {
    return reloader.Apply(
        {.text = text, .etag = etag, .by = by, .validate_only = validate_only});
  };
  absl::StatusOr<Result> result = co_await OnWorker(call, std::move(apply));
  GATEWAY_CO_RETURN_IF_ERROR(result.status());
  FillResult(*result, response);
  FillProblems(result->warnings, v1::ConfigProblem::SEVERITY_WARNING,
               response->mutable_warnings());
  co_return absl::OkStatus();
}

Task<absl::Status> ConfigAdmin::Rollback(
    CallContext& call, const v1::RollbackConfigRequest& request,
    v1::RollbackConfigResponse* response) {
  if (request.version() < 0) {
    co_return InvalidField("version", "must not be negative");
  }
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  const std::string by(CheckOperator(*runtime, call).value_or(""));
  auto roll_back = [&reloader = sources_.reloader, version = request.version(),
                    etag = request.etag(), by,
                    validate_only = request.validate_only()] {
    return reloader.Rollback({.version = version,
                              .etag = etag,
                              .by = by,
                              .validate_only = validate_only});
  };
  absl::StatusOr<Result> result = co_await OnWorker(call, std::move(roll_back));
  GATEWAY_CO_RETURN_IF_ERROR(result.status());
  FillResult(*result, response);
  co_return absl::OkStatus();
}

Task<absl::Status> ConfigAdmin::Watch(CallContext& call,
                                      MessageWriter& writer) {
  const auto watcher = std::make_shared<Watcher>(call.loop());
  const auto subscription =
      sources_.reloader.Subscribe([watcher] { watcher->Tell(); });
  CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
  std::string told;
  while (!call.cancel().cancelled()) {
    const ConfigReloader::State state = sources_.reloader.state();
    v1::WatchConfigResponse message;
    FillVersion(state.version, message.mutable_version());
    FillProblems(state.problems, v1::ConfigProblem::SEVERITY_ERROR,
                 message.mutable_problems());
    if (!state.problems.empty()) {
      *message.mutable_refuse_time() = ToProto(state.refuse_time);
    }
    std::string text = message.SerializeAsString();
    if (text == told) {
      co_await watcher->wake_up().Wait();
      continue;
    }
    told = std::move(text);
    const bool written = co_await writer.Write(message);
    if (!written) break;
  }
  co_return call.cancel().status();
}

}  // namespace gateway
