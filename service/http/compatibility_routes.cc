#include "service/http/compatibility_routes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/process/process_stats.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/short_text.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/call_context.h"
#include "service/api/provider_view.h"
#include "service/http/refusal_watch.h"
#include "service/http/request_context.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr double kMegabyte = 1024 * 1024;

// What the answers are made of, at one moment.
struct Facts {
  const CompatibilityRoutes::Sources& sources;
  std::shared_ptr<const RuntimeSnapshot> runtime;
  Readiness::State state = Readiness::State::kStarting;
  // OK if the request has a caller's key, and an operator's.
  absl::Status caller;
  absl::Status operating;
  std::vector<v1::Provider> providers;          // Sorted by name.
  std::vector<v1::ComponentHealth> components;  // The same.

  bool knows_us() const { return caller.ok() || operating.ok(); }
  // Whether calls are taken, as far as that is the gateway's own affair.
  bool serving() const {
    return state == Readiness::State::kServing &&
           !AnyComponentIs(v1::ComponentHealth::STATE_FAILING, components);
  }
};

bool IsUsable(const v1::Provider& provider) {
  return provider.health().state() != v1::ProviderHealth::STATE_UNUSABLE;
}

bool IsHealthy(const v1::Provider& provider) {
  return IsUsable(provider) &&
         provider.health().state() != v1::ProviderHealth::STATE_FAILING;
}

bool AnyUsable(const Facts& facts) {
  return std::any_of(facts.providers.begin(), facts.providers.end(), IsUsable);
}

// Returns whether everything that calls go to, and that is kept of them, is
// well. That the gateway has only begun to start is no fault of these:
// /health/ready tells it.
bool AllWell(const Facts& facts) {
  return facts.state != Readiness::State::kDraining && AnyUsable(facts) &&
         !AnyComponentIs(v1::ComponentHealth::STATE_FAILING,
                         facts.components) &&
         !AnyComponentIs(v1::ComponentHealth::STATE_DEGRADED,
                         facts.components) &&
         std::all_of(facts.providers.begin(), facts.providers.end(),
                     [](const v1::Provider& provider) {
                       return IsHealthy(provider) || !IsUsable(provider);
                     });
}

void WriteHealthByName(const Facts& facts, JsonWriter& json) {
  json.StartObjectField("providers");
  for (const v1::Provider& provider : facts.providers) {
    json.BoolField(provider.name(), IsHealthy(provider));
  }
  json.EndObject();
}

// Writes nothing where nothing is kept.
void WriteComponents(const Facts& facts, JsonWriter& json) {
  if (facts.components.empty()) return;
  json.StartObjectField("components");
  for (const v1::ComponentHealth& health : facts.components) {
    json.StringField(health.name(), ComponentStateName(health.state()));
  }
  json.EndObject();
}

void WriteModelCount(const Facts& facts, JsonWriter& json) {
  json.Int64Field(
      "models_available",
      static_cast<int64_t>(facts.runtime->catalog()->models().size()));
}

// Writes version and features, for known callers only: they would help a
// unauthenticated caller to attack the gateway.
void WriteAbout(const Facts& facts, JsonWriter& json) {
  if (!facts.knows_us()) return;
  json.StringField("version", facts.sources.version);
  WriteModelCount(facts, json);
  json.NullField("inference_service");  // There is none of the gateway's own.
}

// Sums a family over those metrics whose label has this value; over all if
// `label` is empty.
double SumOf(const MetricsSnapshot& metrics, std::string_view family,
             std::string_view label = {}, std::string_view value = {}) {
  double sum = 0;
  for (const MetricFamilyValue& each : metrics.families) {
    if (each.name != family) continue;
    for (const MetricValue& metric : each.metrics) {
      const bool counts =
          label.empty() ||
          std::any_of(metric.labels.begin(), metric.labels.end(),
                      [&](const auto& pair) {
                        return pair.first == label && pair.second == value;
                      });
      if (counts) sum += metric.number;
    }
  }
  return sum;
}

int64_t Whole(double number) { return std::llround(number); }

// --- The answers. Each writes the fields of an object and returns its status.

int WriteHealth(const Facts& facts, JsonWriter& json) {
  json.StringField("status", "healthy");
  WriteAbout(facts, json);
  return 200;
}

int WriteReady(const Facts& facts, JsonWriter& json) {
  const bool ready = facts.serving() && AnyUsable(facts);
  json.StringField("status", !ready           ? "not_ready"
                             : AllWell(facts) ? "ready"
                                              : "degraded");
  json.StartObjectField("checks");
  json.BoolField("gateway", facts.serving());
  json.BoolField("cloud_providers", AnyUsable(facts));
  json.EndObject();
  if (facts.knows_us()) WriteModelCount(facts, json);
  return ready ? 200 : 503;
}

int WriteDetailed(const Facts& facts, JsonWriter& json) {
  const bool usable =
      AnyUsable(facts) &&
      !AnyComponentIs(v1::ComponentHealth::STATE_FAILING, facts.components);
  json.StringField("status", !usable          ? "unhealthy"
                             : AllWell(facts) ? "healthy"
                                              : "degraded");
  const int status = usable ? 200 : 503;
  if (!facts.operating.ok()) return status;
  WriteAbout(facts, json);
  const std::optional<absl::Time> since =
      facts.sources.readiness.serving_since();
  if (since.has_value()) {
    json.Int64Field(
        "uptime_seconds",
        absl::ToInt64Seconds(facts.sources.clock.WallTime() - *since));
  }
  json.StartObjectField("memory");
  json.Int64Field(
      "rss_mb", Whole(static_cast<double>(ReadProcessMemory().resident_bytes) /
                      kMegabyte));
  json.EndObject();
  json.StartObjectField("backpressure");
  json.Int64Field("active_requests", Whole(SumOf(facts.sources.metrics.Read(),
                                                 "llmgw_inflight_requests")));
  json.EndObject();
  WriteHealthByName(facts, json);
  WriteComponents(facts, json);
  return status;
}

int WriteProviders(const Facts& facts, JsonWriter& json) {
  json.StringField("object", "provider_list");
  json.StartObjectField("providers");
  for (const v1::Provider& provider : facts.providers) {
    if (!IsUsable(provider)) continue;
    json.StartArrayField(provider.name());
    for (const std::string& model : provider.models()) json.String(model);
    json.EndArray();
  }
  json.EndObject();
  json.StartArrayField("provider_names");
  for (const v1::Provider& provider : facts.providers) {
    if (IsUsable(provider)) json.String(provider.name());
  }
  json.EndArray();
  return 200;
}

// Whether calls are audited, and whether bodies of any are kept.
void WriteAuditState(const RuntimeSnapshot& runtime, JsonWriter& json) {
  const auto& rules = runtime.config().audit().bodies();
  json.StartObjectField("audit");
  json.BoolField("enabled", runtime.config().has_audit());
  json.BoolField("log_request_bodies",
                 std::any_of(rules.begin(), rules.end(),
                             [](const auto& rule) { return rule.request(); }));
  json.BoolField("log_response_bodies",
                 std::any_of(rules.begin(), rules.end(),
                             [](const auto& rule) { return rule.response(); }));
  json.EndObject();
}

// The providers of the fallbacks that all rules share, each where it is asked
// first.
template <typename Targets>
void WriteFallbackChain(const Targets& fallbacks, JsonWriter& json) {
  absl::InlinedVector<std::string_view, 16> chain;
  json.StartArrayField("fallback_chain");
  for (const auto& target : fallbacks) {
    const std::string_view provider = target.provider();
    if (std::find(chain.begin(), chain.end(), provider) != chain.end()) {
      continue;
    }
    chain.push_back(provider);
    json.String(provider);
  }
  json.EndArray();
}

int WriteGatewayHealth(const Facts& facts, JsonWriter& json) {
  json.StringField("status", AllWell(facts) ? "healthy" : "degraded");
  if (!facts.operating.ok()) return 200;
  WriteHealthByName(facts, json);
  WriteComponents(facts, json);
  const std::string& default_provider =
      facts.runtime->config().routing().default_target().provider();
  json.StartObjectField("routing");
  if (default_provider.empty()) {
    json.NullField("default_provider");
  } else {
    json.StringField("default_provider", default_provider);
  }
  WriteFallbackChain(facts.runtime->config().routing().fallbacks(), json);
  json.EndObject();
  WriteAuditState(*facts.runtime, json);
  return 200;
}

int WriteGatewayProviders(const Facts& facts, JsonWriter& json) {
  json.StartArrayField("providers");
  for (const v1::Provider& provider : facts.providers) {
    json.StartObject();
    json.StringField("name", provider.name());
    json.BoolField("healthy", IsHealthy(provider));
    json.EndObject();
  }
  json.EndArray();
  return 200;
}

// For whom an answer is.
enum class For { kAll, kCallers };

struct Route {
  std::string_view path;
  For whom = For::kAll;
  int (*write)(const Facts& facts, JsonWriter& json) = nullptr;
};
constexpr Route kRoutes[] = {
    {"/health", For::kAll, WriteHealth},
    {"/health/ready", For::kAll, WriteReady},
    {"/health/detailed", For::kAll, WriteDetailed},
    {"/v1/providers", For::kCallers, WriteProviders},
    {"/gateway/health", For::kAll, WriteGatewayHealth},
    {"/gateway/providers", For::kCallers, WriteGatewayProviders},
};

const Route* FindRoute(std::string_view path) {
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  return nullptr;
}

int WriteError(std::string_view type, std::string message, int status,
               JsonWriter& json, std::string* refusal) {
  json.StartObjectField("error");
  json.StringField("type", type);
  json.StringField("message", message);
  json.EndObject();
  *refusal = std::move(message);
  return status;
}

// Returns the status; if the request is refused, `refusal` receives the
// message.
int Write(const Route& route, const HttpRequest& request, const Facts& facts,
          JsonWriter& json, std::string* refusal) {
  if (request.method != "GET" && request.method != "HEAD") {
    return WriteError("method_not_allowed",
                      absl::StrCat("there is GET ", ToAbsl(route.path), ", no ",
                                   ToAbsl(request.method)),
                      405, json, refusal);
  }
  const absl::Status admitted =
      route.whom == For::kAll ? absl::OkStatus() : facts.caller;
  if (absl::IsInvalidArgument(admitted)) {
    return WriteError("validation_error", std::string(admitted.message()), 400,
                      json, refusal);
  }
  if (!admitted.ok()) {
    const bool forbidden = absl::IsPermissionDenied(admitted);
    const int status = forbidden                             ? 403
                       : absl::IsResourceExhausted(admitted) ? 429
                       : absl::IsUnavailable(admitted)       ? 503
                                                             : 401;
    return WriteError(forbidden ? "permission_error" : "authentication_error",
                      std::string(admitted.message()), status, json, refusal);
  }
  return route.write(facts, json);
}

Facts Gather(const CompatibilityRoutes::Sources& sources,
             const HttpRequest& request, const HttpResponder& responder) {
  Facts facts{.sources = sources, .runtime = sources.runtime.Get()};
  facts.state = sources.readiness.state();
  CallerHead head = CallerFields(request).head;
  head.certificate = responder.peer_names();
  const Authenticator& operators = facts.runtime->operators();
  facts.caller = facts.runtime->callers().Identify(head).status();
  // Where operators have no keys, callers see everything.
  facts.operating = operators.required()
                        ? operators.Authenticate(CredentialsOf(head)).status()
                        : facts.caller;
  const bool shows_a_key = !head.authorization.empty() || !head.api_key.empty();
  if (shows_a_key && !facts.caller.ok() && !facts.operating.ok()) {
    // It is nobody's, which counts once.
    head.peer = ClientOf(request, responder, facts.runtime->proxies().http);
    facts.caller = facts.runtime->callers().Identify(head).status();
    if (absl::IsResourceExhausted(facts.caller)) facts.operating = facts.caller;
  }
  if (sources.components != nullptr) {
    facts.components = sources.components->Read();
  }
  for (const ProviderRegistry::Entry* entry : ProvidersByName(*facts.runtime)) {
    FillProvider(*facts.runtime, *entry, sources.health,
                 &facts.providers.emplace_back());
  }
  return facts;
}

}  // namespace

CompatibilityRoutes::CompatibilityRoutes(const Sources& sources,
                                         std::unique_ptr<HttpHandler> handler)
    : HttpFilter(std::move(handler)), sources_(sources) {}

bool CompatibilityRoutes::Owns(std::string_view path) {
  return FindRoute(path) != nullptr;
}

HttpAdmission CompatibilityRoutes::Admit(const HttpRequest& request,
                                         HttpResponder& responder) {
  if (Owns(request.path)) return false;  // The body is not wanted.
  return next().Admit(request, responder);
}

Task<void> CompatibilityRoutes::Handle(const HttpRequest& request,
                                       HttpResponder& responder) {
  if (!Owns(request.path)) return next().Handle(request, responder);
  return Answer(request, responder);
}

Task<void> CompatibilityRoutes::Answer(const HttpRequest& request,
                                       HttpResponder& responder) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  std::string refusal;
  const int status =
      Write(*FindRoute(request.path), request,
            Gather(sources_, request, responder), json, &refusal);
  json.EndObject();
  text += '\n';
  const ShortText id = RequestIdFor(request.Find(kRequestIdHeader));
  absl::InlinedVector<HttpField, 4> fields = {
      {"content-type", "application/json"},
      {"cache-control", "no-store"},
      {kRequestIdHeader, id}};
  RecordRefusal(sources_.refusals, request, responder, status, id, refusal);
  if (status == 405) fields.push_back({"allow", "GET, HEAD"});
  const std::string_view body[] = {text};
  (co_await responder.Send({status, fields}, body)).IgnoreError();
}

}  // namespace gateway
