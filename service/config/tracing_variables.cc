#include "service/config/tracing_variables.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/config/environment.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::TracingConfig;

// Where that system looked for a collector if it was not told.
constexpr char kLocalCollector[] = "http://localhost:4317";

class TracingVariables {
 public:
  TracingVariables(const Environment& environment, GatewayConfig* config,
                   ConfigProblems* problems)
      : environment_(environment), config_(*config), problems_(*problems) {}

  void Apply() {
    ApplySwitches();
    if (is_off_) {
      config_.clear_tracing();
      return;
    }
    ApplyOtlpEndpoint();
    ApplySamplingRate();
    ApplyLlmTrace();
  }

 private:
  std::string_view Told(const char* name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? std::string_view() : found->second;
  }
  void Assign(const char* name, const std::string& path,
              std::string_view text) {
    const absl::Status status = AssignPath(path, text, &config_);
    if (!status.ok()) {
      problems_.AddFrom(kVariableSource, name, ToStd(status.message()));
      return;
    }
    problems_.TellAsFrom(path, kVariableSource, std::string(name));
  }
  void Warn(const char* name, std::string_view warning) {
    problems_.WarnFrom(kVariableSource, name, warning);
  }

  void ApplySwitches();
  void ApplyOtlpEndpoint();
  void ApplySamplingRate();
  void ApplyLlmTrace();

  const Environment& environment_;
  GatewayConfig& config_;
  ConfigProblems& problems_;
  bool is_off_ = false;
  bool is_llm_trace_ = false;  // LLM_TRACE_ENABLED says so.
};

// Any of them turns it on, and off unless another turns it on.
void TracingVariables::ApplySwitches() {
  bool is_on = false;
  for (const char* name : {"ENABLE_MODEL_TRACING", "LLM_TRACE_ENABLED",
                           "LLM_GATEWAY_TRACING_ENABLED"}) {
    const std::string_view text = Told(name);
    if (text.empty()) continue;
    const std::optional<bool> value = SwitchOf(text);
    if (!value.has_value()) {
      problems_.AddFrom(kVariableSource, name, "must be true or false");
      continue;
    }
    is_on = is_on || *value;
    is_off_ = is_off_ || !*value;
    if (std::string_view(name) == "LLM_TRACE_ENABLED") is_llm_trace_ = *value;
  }
  is_off_ = is_off_ && !is_on;
  if (!is_on) return;
  TracingConfig& tracing = *config_.mutable_tracing();
  // There a span that had nowhere to go went to standard output.
  if (SwitchOf(Told("LLM_GATEWAY_TRACING_ENABLED")) == true &&
      Told("OTLP_ENDPOINT").empty() && tracing.endpoint().empty() &&
      tracing.exporter() == TracingConfig::EXPORTER_UNSPECIFIED) {
    tracing.set_exporter(TracingConfig::EXPORTER_CONSOLE);
  }
}

void TracingVariables::ApplyOtlpEndpoint() {
  const char* const name = "OTLP_ENDPOINT";
  const std::string_view text = Told(name);
  if (text.empty()) return;
  Assign(name, "tracing.endpoint",
         absl::StrContains(ToAbsl(text), "://")
             ? std::string(text)
             : absl::StrCat("http://", ToAbsl(text)));
  if (config_.tracing().exporter() != TracingConfig::EXPORTER_OTLP_HTTP) {
    config_.mutable_tracing()->set_exporter(TracingConfig::EXPORTER_OTLP_GRPC);
  }
}

void TracingVariables::ApplySamplingRate() {
  const char* const name = "GATEWAY_TRACE_SAMPLING_RATE";
  const std::string_view text = Told(name);
  if (!text.empty()) Assign(name, "tracing.sampling_ratio", text);
}

void TracingVariables::ApplyLlmTrace() {
  const std::string_view exporter = Told("LLM_TRACE_EXPORTER");
  const std::string_view endpoint = Told("LLM_TRACE_ENDPOINT");
  const std::string_view service_name = Told("LLM_TRACE_SERVICE_NAME");
  if (!is_llm_trace_) {
    for (const char* name : {"LLM_TRACE_EXPORTER", "LLM_TRACE_ENDPOINT",
                             "LLM_TRACE_SERVICE_NAME"}) {
      if (Told(name).empty()) continue;
      Warn(name, "is not followed: LLM_TRACE_ENABLED is not true");
    }
    return;
  }
  TracingConfig& tracing = *config_.mutable_tracing();
  tracing.set_llm_attributes(true);
  if (!service_name.empty()) {
    Assign("LLM_TRACE_SERVICE_NAME", "tracing.service_name", service_name);
  }
  if (!endpoint.empty()) {
    Assign("LLM_TRACE_ENDPOINT", "tracing.endpoint", endpoint);
  }
  if (exporter == "otlp") {
    tracing.set_exporter(TracingConfig::EXPORTER_OTLP_GRPC);
    if (tracing.endpoint().empty()) tracing.set_endpoint(kLocalCollector);
  } else if (exporter == "console") {
    tracing.set_exporter(TracingConfig::EXPORTER_CONSOLE);
  } else if (exporter == "none") {
    tracing.set_exporter(TracingConfig::EXPORTER_NONE);
  } else if (!exporter.empty()) {
    problems_.AddFrom(kVariableSource, "LLM_TRACE_EXPORTER",
                      "must be otlp, console or none");
  }
}

}  // namespace

void ApplyTracingVariables(const Environment& environment,
                           GatewayConfig* config, ConfigProblems* problems) {
  TracingVariables(environment, config, problems).Apply();
}

}  // namespace gateway
