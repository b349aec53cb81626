#include "service/config/validator.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/net/host_port.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/util/time_util.h"
#include "proto/field_marks.h"
#include "proto/overlay.h"
#include "service/config/access_log_members.h"
#include "service/config/alerts_validator.h"
#include "service/config/applied_references.h"
#include "service/config/audit_validator.h"
#include "service/config/auth_validator.h"
#include "service/config/budgets_validator.h"
#include "service/config/cache_validator.h"
#include "service/config/config_names.h"
#include "service/config/cost_limits_check.h"
#include "service/config/field_ranges.h"
#include "service/config/ledger_validator.h"
#include "service/config/limits_validator.h"
#include "service/config/log_modules.h"
#include "service/config/nearest_name.h"
#include "service/config/overload_validator.h"
#include "service/config/prices_validator.h"
#include "service/config/provider_validator.h"
#include "service/config/redis_validator.h"
#include "service/config/routing_validator.h"
#include "service/config/secret_reference.h"
#include "service/config/selection_validator.h"
#include "service/config/store_validator.h"
#include "service/config/tools_validator.h"
#include "service/config/tracing_validator.h"
#include "service/identity/trusted_proxies.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::RepeatedPtrField;
using ::llmgateway::config::v1::CorsConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::GrpcListener;
using ::llmgateway::config::v1::Listeners;
using ::llmgateway::config::v1::LoggingConfig;
using ::llmgateway::config::v1::ModelResilience;
using ::llmgateway::config::v1::OutlierEjectionConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::ProviderResilience;
using ::llmgateway::config::v1::RetryConfig;
using ::llmgateway::config::v1::RuntimeConfig;
using ::llmgateway::config::v1::TlsServer;

constexpr size_t kProvidersMax = 256;
constexpr size_t kOriginsMax = 1000;
constexpr size_t kTrustedProxiesMax = 100;
constexpr size_t kCorsHeadersMax = 128;
constexpr size_t kHeaderNameBytesMax = 128;
constexpr size_t kModuleLevelsMax = 64;
constexpr size_t kAccessLogFieldsMax = 64;
constexpr int64_t kRotatedBytesMin = 64 * 1024;
constexpr int64_t kRotationSecondsMin = 60;
constexpr size_t kFolderBytesMax = 1024;
constexpr size_t kAppliedReferencesMax = 64;

bool IsHeaderName(std::string_view name) {
  return !name.empty() && name.size() <= kHeaderNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '-' || c == '_';
         });
}

// An address as one of IPv6, which has those of IPv4 in it, at ::ffff:0:0.
using Ipv6Bytes = std::array<uint8_t, 16>;
constexpr size_t kMappedBytes = 12;
constexpr Ipv6Bytes kAllOfIpv6 = {};
constexpr Ipv6Bytes kAllOfIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<Ipv6Bytes> ParseIpv6Bytes(const std::string& host) {
  Ipv6Bytes address = kAllOfIpv4;
  if (inet_pton(AF_INET, host.c_str(), address.data() + kMappedBytes) == 1 ||
      inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    return address;
  }
  return std::nullopt;
}

// Returns whether who listens at `wide` has what comes for `narrow`.
bool IsCoveredBy(const Ipv6Bytes& narrow, const Ipv6Bytes& wide) {
  return wide == narrow || wide == kAllOfIpv6 ||
         (wide == kAllOfIpv4 &&
          std::equal(narrow.begin(), narrow.begin() + kMappedBytes,
                     kAllOfIpv4.begin()));
}

bool HostsOverlap(const std::string& one, const std::string& other) {
  if (one == other) return true;
  if (one == "localhost") {
    return HostsOverlap("127.0.0.1", other) || HostsOverlap("::1", other);
  }
  if (other == "localhost") return HostsOverlap(other, one);
  const std::optional<Ipv6Bytes> first = ParseIpv6Bytes(one);
  const std::optional<Ipv6Bytes> second = ParseIpv6Bytes(other);
  return first.has_value() && second.has_value() &&
         (IsCoveredBy(*first, *second) || IsCoveredBy(*second, *first));
}

// Returns whether no two listeners can have these addresses: of 0.0.0.0 and
// 127.0.0.1 only one can have a port. Port 0 is another each time.
bool ListenersOverlap(const std::string& one, const std::string& other) {
  const absl::StatusOr<HostPort> first = ParseHostPort(one);
  const absl::StatusOr<HostPort> second = ParseHostPort(other);
  return first.ok() && second.ok() && first->port != 0 &&
         first->port == second->port && HostsOverlap(first->host, second->host);
}

class Validator {
 public:
  Validator(const ProviderKinds& kinds, const FieldPlaces& places,
            ConfigProblems* problems)
      : kinds_(kinds), places_(places), problems_(*problems) {}

  void Check(const GatewayConfig& config);

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  void AddIfBad(const std::string& path, const absl::Status& status) {
    if (!status.ok()) Add(path, ToStd(status.message()));
  }
  bool CheckCount(const std::string& path, int count, size_t most) {
    return gateway::CheckCount(path, static_cast<size_t>(count), most, places_,
                               &problems_);
  }

  void CheckListeners(const Listeners& listeners);
  void CheckAddresses(const Listeners& listeners);
  void CheckWindows(const std::string& path, const GrpcListener& listener);
  void CheckRequestBuffer(const std::string& path,
                          const GrpcListener& listener);
  void CheckCors(const std::string& path, const CorsConfig& cors);
  void CheckMessagesDetails(const Listeners& listeners);
  void CheckProxies(const Listeners& listeners);
  void CheckTls(const std::string& path, const TlsServer& tls);
  void CheckSecret(const std::string& path, const std::string& reference);
  void CheckProviders(const GatewayConfig& config);
  void CheckServed(const std::string& path, const Message& message);
  void CheckRetry(const GatewayConfig& config);
  void CheckOutlierEjection(const OutlierEjectionConfig& ejection);
  void CheckLogging(const LoggingConfig& logging);
  void CheckRotation(const LoggingConfig& logging);
  void CheckAccessLogFields(const LoggingConfig& logging);
  void CheckRuntime(const RuntimeConfig& runtime);

  const ProviderKinds& kinds_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void Validator::Check(const GatewayConfig& config) {
  CheckFieldRanges(kinds_, config, places_, &problems_);
  CheckServed("", config);
  CheckListeners(config.listeners());
  CheckProviders(config);
  CheckRouting(config, places_, &problems_);
  CheckSelectionConfig(config, places_, &problems_);
  CheckPrices(kinds_, config, places_, &problems_);
  CheckOverload(config, places_, &problems_);
  CheckCms(config, places_, &problems_);
  CheckRetry(config);
  CheckOutlierEjection(config.resilience().outlier_ejection());
  CheckAuth(config, places_, &problems_);
  CheckCache(config, places_, &problems_);
  CheckRateLimits(config, places_, &problems_);
  CheckBudgets(config, places_, &problems_);
  CheckCostLimits(kinds_, config, places_, &problems_);
  CheckRedis(config, places_, &problems_);
  CheckStore(config, places_, &problems_);
  CheckLedger(config, places_, &problems_);
  CheckAudit(config, places_, &problems_);
  CheckTracing(kinds_, config, places_, &problems_);
  CheckAlerts(kinds_, config, places_, &problems_);
  CheckTools(config, places_, &problems_);
  CheckLogging(config.logging());
  CheckRuntime(config.runtime());
}

void Validator::CheckWindows(const std::string& path,
                             const GrpcListener& listener) {
  constexpr int64_t kConnectionWindowMax = INT32_MAX;
  // Not checked: gRPC C++ has windows of its own.
  if (listener.engine() == GrpcListener::ENGINE_GRPC_CORE) return;
  const int64_t window = listener.stream_window_bytes_limit();
  // Out of range, which is reported already.
  if (window > kConnectionWindowMax) return;
  const int64_t bytes = window * int64_t{listener.concurrent_streams_limit()};
  if (bytes <= kConnectionWindowMax) return;
  Add(JoinPath(path, "stream_window_bytes_limit"),
      absl::StrCat("times concurrent_streams_limit is ", bytes,
                   " bytes; one connection can have at most ",
                   kConnectionWindowMax));
}

void Validator::CheckRequestBuffer(const std::string& path,
                                   const GrpcListener& listener) {
  if (listener.engine() == GrpcListener::ENGINE_GRPC_CORE) return;
  // Half, since one connection gets no more: otherwise the largest request
  // could never be received.
  const int64_t message = listener.receive_message_bytes_limit();
  if (listener.request_buffer_bytes_limit() / 2 >= message) return;
  Add(JoinPath(path, "request_buffer_bytes_limit"),
      absl::StrCat("must be at least twice receive_message_bytes_limit, which "
                   "is ",
                   message, " bytes"));
}

void Validator::CheckMessagesDetails(const Listeners& listeners) {
  for (const auto& [listener, tells] :
       {std::pair("listeners.operations",
                  listeners.operations().messages_details()),
        std::pair("listeners.admin_http",
                  listeners.admin_http().messages_details())}) {
    if (!tells) continue;
    Add(JoinPath(listener, "messages_details"),
        "is for listeners.http only, where /v1/messages is served; leave it "
        "out");
  }
}

void Validator::CheckProxies(const Listeners& listeners) {
  const std::pair<std::string, const RepeatedPtrField<std::string>*> lists[] = {
      {"listeners.grpc", &listeners.grpc().trusted_proxies()},
      {"listeners.http", &listeners.http().trusted_proxies()},
      {"listeners.admin", &listeners.admin().trusted_proxies()},
      {"listeners.admin_http", &listeners.admin_http().trusted_proxies()}};
  for (const auto& [listener, networks] : lists) {
    const std::string list = JoinPath(listener, "trusted_proxies");
    if (!CheckCount(list, networks->size(), kTrustedProxiesMax)) continue;
    for (int i = 0; i < networks->size(); ++i) {
      AddIfBad(ElementPath(list, static_cast<size_t>(i)),
               CheckProxyNetwork((*networks)[i]));
    }
  }
  if (!listeners.operations().trusted_proxies().empty()) {
    Add("listeners.operations.trusted_proxies",
        "means nothing here: nobody asks who calls; remove it");
  }
}

void Validator::CheckAddresses(const Listeners& listeners) {
  std::vector<std::pair<std::string, const std::string*>> addresses = {
      {"listeners.grpc", &listeners.grpc().address()},
      {"listeners.http", &listeners.http().address()},
      {"listeners.admin", &listeners.admin().address()},
      {"listeners.operations", &listeners.operations().address()},
  };
  if (listeners.has_admin_http()) {
    addresses.emplace_back("listeners.admin_http",
                           &listeners.admin_http().address());
  }
  for (auto one = addresses.begin(); one != addresses.end(); ++one) {
    const std::string path = JoinPath(one->first, "address");
    AddIfBad(path, CheckListenAddress(*one->second));
    const auto first =
        std::find_if(addresses.begin(), one, [one](const auto& other) {
          return ListenersOverlap(*other.second, *one->second);
        });
    if (first == one) continue;
    if (*first->second == *one->second) {
      Add(path, absl::StrCat("is taken by ", first->first,
                             " already; choose another port"));
    } else {
      Add(path, absl::StrCat("has the port of ", first->first, ", ",
                             *first->second, "; choose another"));
    }
  }
}

void Validator::CheckListeners(const Listeners& listeners) {
  CheckAddresses(listeners);
  CheckMessagesDetails(listeners);
  CheckProxies(listeners);
  CheckWindows("listeners.grpc", listeners.grpc());
  CheckWindows("listeners.admin", listeners.admin());
  CheckRequestBuffer("listeners.grpc", listeners.grpc());
  CheckRequestBuffer("listeners.admin", listeners.admin());
  const std::pair<std::string, const TlsServer*> servers[] = {
      {"listeners.grpc.tls",
       listeners.grpc().has_tls() ? &listeners.grpc().tls() : nullptr},
      {"listeners.http.tls",
       listeners.http().has_tls() ? &listeners.http().tls() : nullptr},
      {"listeners.admin.tls",
       listeners.admin().has_tls() ? &listeners.admin().tls() : nullptr},
      {"listeners.operations.tls", listeners.operations().has_tls()
                                       ? &listeners.operations().tls()
                                       : nullptr},
      {"listeners.admin_http.tls", listeners.admin_http().has_tls()
                                       ? &listeners.admin_http().tls()
                                       : nullptr},
  };
  for (const auto& [path, tls] : servers) {
    if (tls != nullptr) CheckTls(path, *tls);
  }
  if (listeners.http().has_cors()) {
    CheckCors("listeners.http.cors", listeners.http().cors());
  }
  if (listeners.operations().has_cors()) {
    CheckCors("listeners.operations.cors", listeners.operations().cors());
  }
  if (listeners.admin_http().has_cors()) {
    CheckCors("listeners.admin_http.cors", listeners.admin_http().cors());
  }
}

void Validator::CheckCors(const std::string& path, const CorsConfig& cors) {
  const std::string origins = JoinPath(path, "allowed_origins");
  if (cors.allowed_origins().empty()) {
    Add(origins, "is required; give origins, or '*' for all");
  }
  CheckCount(origins, cors.allowed_origins_size(), kOriginsMax);
  for (int i = 0; i < cors.allowed_origins_size(); ++i) {
    const std::string& origin = cors.allowed_origins(i);
    const std::string place = ElementPath(origins, static_cast<size_t>(i));
    if (origin == "*") {
      if (cors.allow_credentials()) {
        Add(place, "is '*', which cannot go with allow_credentials");
      }
      continue;
    }
    const absl::StatusOr<BaseUrl> url = ParseBaseUrl(origin);
    if (!url.ok() || !url->path.empty() || origin.ends_with("/")) {
      Add(place, "must be an origin such as https://app.example, or '*'");
    }
  }
  const std::pair<const char*, const RepeatedPtrField<std::string>*> lists[] = {
      {"allowed_headers", &cors.allowed_headers()},
      {"exposed_headers", &cors.exposed_headers()}};
  for (const auto& [field, names] : lists) {
    const std::string list = JoinPath(path, field);
    CheckCount(list, names->size(), kCorsHeadersMax);
    for (int i = 0; i < names->size(); ++i) {
      if ((*names)[i] == "*" || IsHeaderName((*names)[i])) continue;
      Add(ElementPath(list, static_cast<size_t>(i)),
          "must be a header's name of at most 128 characters or '*'");
    }
  }
}

void Validator::CheckTls(const std::string& path, const TlsServer& tls) {
  const std::pair<const char*, const std::string*> required[] = {
      {"cert_chain", &tls.cert_chain()}, {"private_key", &tls.private_key()}};
  for (const auto& [field, reference] : required) {
    if (reference->empty()) {
      Add(JoinPath(path, field), "is required; give file:path or env:NAME");
    } else {
      CheckSecret(JoinPath(path, field), *reference);
    }
  }
  if (!tls.client_ca().empty()) {
    CheckSecret(JoinPath(path, "client_ca"), tls.client_ca());
  }
}

void Validator::CheckSecret(const std::string& path,
                            const std::string& reference) {
  AddIfBad(path, SecretReference::Parse(reference).status());
}

void Validator::CheckProviders(const GatewayConfig& config) {
  if (config.providers().empty()) {
    Add("providers",
        absl::StrCat("is required; name at least one provider, as in [",
                     ProviderExample(kinds_), "]"));
    return;
  }
  if (!CheckCount("providers", config.providers_size(), kProvidersMax)) return;
  std::map<std::string, size_t> seen;
  for (int i = 0; i < config.providers_size(); ++i) {
    const ProviderConfig& provider = config.providers(i);
    const std::string path = ElementPath("providers", static_cast<size_t>(i));
    const std::string name_path = JoinPath(path, "name");
    const auto [first, is_new] =
        seen.try_emplace(provider.name(), static_cast<size_t>(i));
    if (!IsConfigName(provider.name(), "-_", /*upper_case=*/false)) {
      Add(name_path, "must be 1 to 64 of lower-case letters, digits and '-_'");
    } else if (!is_new) {
      Add(name_path, absl::StrCat("is the name of providers[", first->second,
                                  "] too; choose another"));
    }
    CheckProvider(kinds_, provider, path, places_, &problems_);
  }
}

void Validator::CheckServed(const std::string& path, const Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = JoinPath(path, field->name());
    if (!IsServed(*field)) {
      Add(field_path, "is not served yet; remove it");
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
        field->is_map()) {
      continue;
    }
    if (!field->is_repeated()) {
      CheckServed(field_path, reflection.GetMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      CheckServed(ElementPath(field_path, static_cast<size_t>(i)),
                  reflection.GetRepeatedMessage(message, field, i));
    }
  }
}

void Validator::CheckRetry(const GatewayConfig& config) {
  const RetryConfig& common = config.resilience().retry();
  if (common.backoff_limit() < common.backoff_base()) {
    Add("resilience.retry.backoff_limit", "must be at least backoff_base");
  }
  // Returns what holds where `over` stands.
  const auto check = [this](const std::string& path, bool stands,
                            const RetryConfig& over, RetryConfig retry) {
    LayOver(over, &retry);
    if (stands && retry.backoff_limit() < retry.backoff_base()) {
      Add(path + ".retry.backoff_limit", "must be at least backoff_base");
    }
    return retry;
  };
  for (int i = 0; i < config.providers_size(); ++i) {
    const ProviderResilience& resilience = config.providers(i).resilience();
    const std::string path =
        ElementPath("providers", static_cast<size_t>(i)) + ".resilience";
    const RetryConfig retry =
        check(path, resilience.has_retry(), resilience.retry(), common);
    for (int j = 0; j < resilience.models_size(); ++j) {
      const ModelResilience& model = resilience.models(j);
      check(ElementPath(path + ".models", static_cast<size_t>(j)),
            model.has_retry(), model.retry(), retry);
    }
  }
}

void Validator::CheckOutlierEjection(const OutlierEjectionConfig& ejection) {
  if (ejection.ejection_limit() < ejection.base_ejection()) {
    Add("resilience.outlier_ejection.ejection_limit",
        "must be at least base_ejection");
  }
}

void Validator::CheckLogging(const LoggingConfig& logging) {
  const std::string levels = "logging.module_levels";
  CheckCount(levels, static_cast<int>(logging.module_levels_size()),
             kModuleLevelsMax);
  const std::vector<std::string> known(std::begin(kLogModules),
                                       std::end(kLogModules));
  for (const auto& [module, level] : logging.module_levels()) {
    if (std::find(known.begin(), known.end(), module) != known.end()) continue;
    Add(EntryPath(levels, module),
        absl::StrCat("is no module of the log", Suggestion(module, known)));
  }
  if (logging.has_rotation()) CheckRotation(logging);
  CheckAccessLogFields(logging);
}

void Validator::CheckRotation(const LoggingConfig& logging) {
  const std::string path = "logging.rotation";
  const auto& rotation = logging.rotation();
  const bool has_size = rotation.size_bytes_limit() != 0;
  const bool has_interval =
      rotation.interval().seconds() != 0 || rotation.interval().nanos() != 0;
  if (logging.file().empty()) {
    Add(path,
        "needs logging.file: standard error has no file to be set aside; name "
        "one, or remove this");
  }
  if (!has_size && !has_interval) {
    Add(path, "needs size_bytes_limit, interval, or both");
  }
  if (has_size && rotation.size_bytes_limit() < kRotatedBytesMin) {
    Add(JoinPath(path, "size_bytes_limit"),
        "must be 0, for never, or at least 64KiB");
  }
  if (has_interval && rotation.interval().seconds() < kRotationSecondsMin) {
    Add(JoinPath(path, "interval"), "must be 0s, for never, or at least 1m");
  }
}

void Validator::CheckAccessLogFields(const LoggingConfig& logging) {
  const std::string list = "logging.access_log_fields";
  if (!CheckCount(list, logging.access_log_fields_size(),
                  kAccessLogFieldsMax)) {
    return;
  }
  const std::vector<std::string> known(std::begin(kAccessLogMembers),
                                       std::end(kAccessLogMembers));
  for (int i = 0; i < logging.access_log_fields_size(); ++i) {
    const std::string& name = logging.access_log_fields(i);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    Add(ElementPath(list, static_cast<size_t>(i)),
        absl::StrCat("is no member of a line of the access log",
                     Suggestion(name, known)));
  }
}

void Validator::CheckRuntime(const RuntimeConfig& runtime) {
  const std::string& folder = runtime.state_dir();
  if (folder.size() > kFolderBytesMax ||
      std::any_of(folder.begin(), folder.end(), absl::ascii_iscntrl)) {
    Add("runtime.state_dir",
        absl::StrCat("must be a path of at most ", kFolderBytesMax,
                     " bytes, without control characters"));
  }
  const std::string list = "runtime.applied_references";
  CheckCount(list, runtime.applied_references_size(), kAppliedReferencesMax);
  for (int i = 0; i < runtime.applied_references_size(); ++i) {
    AddIfBad(ElementPath(list, static_cast<size_t>(i)),
             CheckAppliedReference(runtime.applied_references(i)));
  }
}

}  // namespace

void ValidateConfig(const ProviderKinds& kinds, const GatewayConfig& config,
                    const FieldPlaces& places, ConfigProblems* problems) {
  Validator(kinds, places, problems).Check(config);
}

}  // namespace gateway
