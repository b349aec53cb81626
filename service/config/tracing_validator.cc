#include "service/config/tracing_validator.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "service/config/config_names.h"
#include "service/config/header_rules.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::TracingConfig;

constexpr size_t kExportHeadersMax = 16;
constexpr size_t kResourceAttributesMax = 64;
constexpr size_t kAttributeKeyBytesMax = 256;
constexpr size_t kAttributeValueBytesMax = 256;

class TracingCheck {
 public:
  TracingCheck(const ProviderKinds& kinds, const TracingConfig& tracing,
               const FieldPlaces& places, ConfigProblems& problems)
      : kinds_(kinds),
        tracing_(tracing),
        places_(places),
        problems_(problems) {}

  void CheckEndpoint();
  void CheckHeaders();
  void CheckQueue();
  void CheckResource();

 private:
  void Add(std::string_view field, std::string_view message) {
    const std::string path = JoinPath("tracing", field);
    problems_.Add(places_.Find(path), path, message);
  }
  void CheckHeader(size_t place, std::set<std::string>* names);

  const ProviderKinds& kinds_;
  const TracingConfig& tracing_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

bool SpeaksOtlp(const TracingConfig& tracing) {
  return tracing.exporter() == TracingConfig::EXPORTER_OTLP_GRPC ||
         tracing.exporter() == TracingConfig::EXPORTER_OTLP_HTTP;
}

void TracingCheck::CheckEndpoint() {
  if (!SpeaksOtlp(tracing_)) return;
  if (tracing_.endpoint().empty()) {
    Add("endpoint",
        "is required: where the collector is, such as http://localhost:4317");
    return;
  }
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(tracing_.endpoint());
  if (!url.ok()) {
    Add("endpoint", ToStd(url.status().message()));
    return;
  }
  if (tracing_.exporter() == TracingConfig::EXPORTER_OTLP_GRPC &&
      !url->path.empty()) {
    Add("endpoint",
        "must have no path, since gRPC has its own; leave it out, or choose "
        "exporter otlp_http");
  }
  if (!tracing_.headers().empty() && !url->tls && !url->IsLoopback()) {
    Add("endpoint",
        "must begin with https:// where there are headers, which may be "
        "secrets; http:// is for a loopback address");
  }
}

void TracingCheck::CheckHeader(size_t place, std::set<std::string>* names) {
  const auto& header = tracing_.headers(static_cast<int>(place));
  const std::string path = ElementPath("headers", place);
  const std::string& name = header.name();
  const std::string name_path = JoinPath(path, "name");
  // A collector may ask for its credential in a header that a provider does.
  const bool is_credential =
      name == "authorization" || name == "x-api-key" || name == "api-key";
  const absl::Status status =
      is_credential ? absl::OkStatus() : CheckExtraHeader(kinds_, name, "");
  const bool is_grpcs = std::string_view(name).starts_with("grpc-");
  if (name.empty()) {
    Add(name_path, "is required");
  } else if (!status.ok()) {
    Add(name_path, ToStd(status.message()));
  } else if (is_grpcs || absl::AsciiStrToLower(name) != name) {
    Add(name_path, "must be in lower case, and none that gRPC writes itself");
  } else if (!names->insert(name).second) {
    Add(name_path, "is there twice");
  }
  if (header.value().empty()) {
    Add(JoinPath(path, "value"), "is required, as env:NAME or file:path");
    return;
  }
  const absl::Status reference =
      SecretReference::Parse(header.value()).status();
  if (!reference.ok()) {
    Add(JoinPath(path, "value"), ToStd(reference.message()));
  }
}

void TracingCheck::CheckHeaders() {
  const auto count = static_cast<size_t>(tracing_.headers_size());
  if (!CheckCount("tracing.headers", count, kExportHeadersMax, places_,
                  &problems_)) {
    return;
  }
  std::set<std::string> names;
  for (size_t i = 0; i < count; ++i) CheckHeader(i, &names);
}

void TracingCheck::CheckQueue() {
  if (tracing_.queue_spans_limit() >= tracing_.batch_spans_limit()) return;
  Add("queue_spans_limit",
      absl::StrCat("must be at least batch_spans_limit, which is ",
                   tracing_.batch_spans_limit()));
}

void TracingCheck::CheckResource() {
  if (!CheckCount("tracing.resource_attributes",
                  static_cast<size_t>(tracing_.resource_attributes_size()),
                  kResourceAttributesMax, places_, &problems_)) {
    return;
  }
  for (const auto& [key, value] : tracing_.resource_attributes()) {
    if (key.empty() || key.size() > kAttributeKeyBytesMax ||
        value.size() > kAttributeValueBytesMax) {
      Add("resource_attributes",
          "must have keys of 1 to 256 bytes and values of at most 256");
    } else if (key == "service.name") {
      Add("resource_attributes",
          "must not have service.name; give tracing.service_name");
    }
  }
  if (tracing_.service_name().size() > kAttributeValueBytesMax) {
    Add("service_name", "must have at most 256 bytes");
  }
}

}  // namespace

void CheckTracing(const ProviderKinds& kinds, const GatewayConfig& config,
                  const FieldPlaces& places, ConfigProblems* problems) {
  if (!config.has_tracing()) return;
  TracingCheck check(kinds, config.tracing(), places, *problems);
  check.CheckEndpoint();
  check.CheckHeaders();
  check.CheckQueue();
  check.CheckResource();
}

}  // namespace gateway
