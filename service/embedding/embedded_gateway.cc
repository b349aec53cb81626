#include "service/embedding/embedded_gateway.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/config/config_problem.h"
#include "service/log_options.h"

namespace gateway {
namespace {

std::string LinesOf(const std::vector<ConfigProblem>& problems) {
  const auto append = [](std::string* out, const ConfigProblem& problem) {
    out->append(problem.ToString());
  };
  return absl::StrJoin(problems, "\n", append);
}

}  // namespace

EmbeddedGateway::EmbeddedGateway(std::string path, Environment environment,
                                 ConfigReading reading)
    : options_{.config = std::move(reading),
               .file = std::move(path),
               .environment = std::move(environment),
               .embedded = true} {}

EmbeddedGateway::~EmbeddedGateway() { Stop().IgnoreError(); }

absl::StatusOr<std::unique_ptr<EmbeddedGateway>>
EmbeddedGateway::FromConfigFile(const std::string& path,
                                const Environment& environment,
                                const ProviderKinds& kinds) {
  ConfigReading reading =
      ReadConfigFile(kinds, path, environment, SystemClock().WallTime());
  if (reading.snapshot == nullptr) {
    return absl::InvalidArgumentError(LinesOf(reading.problems));
  }
  return std::unique_ptr<EmbeddedGateway>(
      new EmbeddedGateway(path, environment, std::move(reading)));
}

absl::Status EmbeddedGateway::RegisterProvider(
    std::string_view name, std::unique_ptr<const Provider> provider) {
  std::vector<std::string> configured;
  for (const auto& each : options_.config.snapshot->config().providers()) {
    if (each.name() == name) {
      options_.providers[std::string(name)] = std::move(provider);
      return absl::OkStatus();
    }
    configured.push_back(each.name());
  }
  return absl::NotFoundError(absl::StrCat(
      "no provider '", ToAbsl(name), "' is configured; there are ",
      absl::StrJoin(configured, ", "), ". Add `{name: ", ToAbsl(name),
      ", mock: {}}` to `providers`"));
}

absl::Status EmbeddedGateway::Start() {
  GATEWAY_RETURN_IF_ERROR(StartLogging(
      LoggingOptionsOf(options_.config.snapshot->config().logging())));
  absl::StatusOr<std::unique_ptr<App>> app = App::Start(std::move(options_));
  if (!app.ok()) {
    StopLogging();
    return app.status();
  }
  app_ = *std::move(app);
  return absl::OkStatus();
}

EmbeddedCall EmbeddedGateway::CallOf(std::string_view name,
                                     const CallOptions& options) {
  const std::string path =
      absl::StrCat("/llmgateway.v1.GatewayService/", ToAbsl(name));
  return {.method = *app_->gateway_methods().Find(path),
          .loop = app_->NextLoop(),
          .timeout = options.timeout,
          .metadata = options.metadata};
}

absl::StatusOr<v1::GenerateResponse> EmbeddedGateway::Generate(
    const v1::GenerateRequest& request, const CallOptions& options) {
  v1::GenerateResponse response;
  GATEWAY_RETURN_IF_ERROR(CallOf("Generate", options).Run(request, &response));
  return response;
}

absl::Status EmbeddedGateway::StreamGenerate(const v1::GenerateRequest& request,
                                             const OnEvent& on_event,
                                             const CallOptions& options) {
  const auto on_message = [&](const google::protobuf::Message& message) {
    return on_event(static_cast<const v1::GenerateEvent&>(message));
  };
  return CallOf("StreamGenerate", options).Stream(request, on_message);
}

void EmbeddedGateway::Reload() { app_->Reload(); }

absl::Status EmbeddedGateway::Stop() {
  if (app_ == nullptr) return absl::OkStatus();
  const absl::Status written = app_->Drain();
  app_.reset();
  StopLogging();
  return written;
}

}  // namespace gateway
