#include "service/alerts/webhook.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/text/json_writer.h"
#include "base/text/timestamp.h"
#include "service/alerts/alert_text.h"

namespace gateway {
namespace {

constexpr size_t kAnswerBytesMax = 64 * 1024;
constexpr absl::Duration kBackoffMax = absl::Minutes(1);
constexpr int kDoublingsMax = 6;

// The path of the URL as it stands, since a slash at its end counts.
std::string PathOf(std::string_view url) {
  const size_t authority = url.find("://") + 3;
  const size_t slash = url.find('/', authority);
  return slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
}

}  // namespace

std::string WebhookBody(const AlertEvent& event) {
  std::string time;
  AppendTimestamp(event.time, &time);
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StringField("id", event.id);
  json.StringField("alert", event.alert);
  json.StringField("state", event.firing ? "firing" : "resolved");
  json.StringField("condition", event.condition);
  json.DoubleField("value", event.value);
  json.StringField("subject", event.subject);
  json.StringField("time", time);
  json.StringField("text", AlertText(event));
  json.EndObject();
  return body;
}

std::string WebhookSignature(std::string_view key, std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(),
       digest.data(), &size);
  return absl::StrCat("sha256=",
                      absl::BytesToHexString(absl::string_view(
                          reinterpret_cast<const char*>(digest.data()), size)));
}

absl::Status CheckWebhookUrl(std::string_view url) {
  const absl::StatusOr<BaseUrl> parsed = ParseBaseUrl(url);
  if (!parsed.ok()) return parsed.status();
  if (!parsed->tls && !parsed->IsLoopback()) {
    return absl::InvalidArgumentError(
        "must begin with https://; http:// is for this machine only");
  }
  return absl::OkStatus();
}

Task<absl::Status> PostWebhook(HttpClient& http,
                               std::shared_ptr<TlsContext> tls,
                               const AlertAction& action,
                               const AlertEvent& event, CancelSignal& cancel) {
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(action.url.Reveal());
  if (!url.ok()) co_return url.status();
  const std::shared_ptr<HttpDestination> destination =
      HttpDestinationWithTls(*url, HttpVersion::kHttp1, std::move(tls));
  destination->timeouts = TimeoutsOf(action.timeout);
  destination->idle_connections_max = 0;
  destination->response_bytes_limit = kAnswerBytesMax;
  const std::string body = WebhookBody(event);
  std::vector<HttpRequestHead::Field> fields;
  fields.push_back({"content-type", Secret("application/json"), true});
  for (const auto& [name, value] : action.headers) {
    fields.push_back({name, Secret(value.Reveal())});
  }
  if (!action.signing_key.empty()) {
    fields.push_back(
        {"x-llmgateway-signature",
         Secret(WebhookSignature(action.signing_key.Reveal(), body))});
  }
  const HttpRequestHead head(destination, "POST", PathOf(action.url.Reveal()),
                             std::move(fields), UseOf(*destination));
  const std::string_view pieces[] = {body};
  HttpProgress progress;
  HttpCall call;
  call.head = &head;
  call.body = pieces;
  call.cancel = &cancel;
  call.progress = &progress;
  const absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
      co_await http.Send(call);
  if (!exchange.ok()) co_return exchange.status();
  const int status = (*exchange)->status();
  if (status >= 200 && status < 300) co_return absl::OkStatus();
  co_return absl::UnavailableError(absl::StrCat("it answered ", status));
}

absl::Duration WebhookBackoff(int failures) {
  const int doublings = std::clamp(failures - 1, 0, kDoublingsMax);
  return std::min(absl::Seconds(1) * (1 << doublings), kBackoffMax);
}

}  // namespace gateway
