#include "service/identity/key_set_fetch.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/net/tls_context.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/open_id_configuration.h"

namespace gateway {
namespace {

constexpr std::string_view kFile = "file:";
constexpr HttpVersion kFetchVersion = HttpVersion::kHttp1;
constexpr absl::Duration kStepTimeout = absl::Seconds(5);
constexpr absl::Duration kTotalTimeout = absl::Seconds(10);

// Where a document is.
struct DocumentUrl {
  BaseUrl base;
  std::string target;  // The path, and the query if there is one.
};

// A set's URL may have a query, which some issuers' have.
absl::StatusOr<DocumentUrl> ParseDocumentUrl(std::string_view url) {
  DocumentUrl parsed;
  const size_t query = std::min(url.find('?'), url.size());
  GATEWAY_ASSIGN_OR_RETURN(parsed.base, ParseBaseUrl(url.substr(0, query)));
  const std::string_view rest = url.substr(query);
  const bool legal = std::all_of(rest.begin(), rest.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c) && c != '#';
  });
  if (!legal) {
    return absl::InvalidArgumentError(
        "must have no fragment, and no blanks in its query");
  }
  if (!parsed.base.tls && !parsed.base.IsLoopback()) {
    return absl::InvalidArgumentError(
        "must begin with https://; http:// is for this machine only");
  }
  // As it stands: a slash at its end counts.
  const size_t authority = url.find("://") + 3;
  const size_t path = std::min(url.find('/', authority), query);
  parsed.target = std::string(url.substr(path, query - path));
  if (parsed.target.empty()) parsed.target = "/";
  parsed.target += rest;
  return parsed;
}

bool SameServer(const BaseUrl& one, const BaseUrl& other) {
  return one.tls == other.tls && one.host == other.host &&
         one.port == other.port;
}

absl::Status At(std::string_view url, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(ToAbsl(url), ": ", status.message()));
}

Task<absl::StatusOr<std::string>> ReadFileOf(KeySetFetch by, std::string path) {
  auto read = [path] { return ReadFile(path, kKeySetBytesMax); };
  absl::StatusOr<absl::StatusOr<std::string>> text =
      co_await by.worker.Run(std::move(read), by.cancel);
  if (!text.ok()) co_return At(path, text.status());
  if (!text->ok()) co_return At(path, text->status());
  co_return *std::move(*text);
}

// Reading the authorities takes some milliseconds, and files.
Task<absl::StatusOr<std::shared_ptr<TlsContext>>> TlsOf(KeySetFetch by,
                                                        std::string ca_pem) {
  auto make = [ca_pem] {
    return TlsContext::ForClient(
        {.ca_pem = ca_pem, .alpn = AlpnOf(kFetchVersion)});
  };
  absl::StatusOr<absl::StatusOr<std::shared_ptr<TlsContext>>> made =
      co_await by.worker.Run(std::move(make), by.cancel);
  if (!made.ok()) co_return made.status();
  co_return *std::move(made);
}

Task<absl::StatusOr<std::string>> Get(KeySetFetch by, DocumentUrl url,
                                      const KeySetAccess& access,
                                      bool show_token, size_t bytes_limit) {
  std::shared_ptr<TlsContext> tls;
  if (url.base.tls) {
    GATEWAY_CO_ASSIGN_OR_RETURN(tls, co_await TlsOf(by, access.ca_pem));
  }
  const std::shared_ptr<HttpDestination> destination =
      HttpDestinationWithTls(url.base, kFetchVersion, std::move(tls));
  destination->timeouts = TimeoutsOf(kStepTimeout);
  destination->timeouts.total = kTotalTimeout;
  destination->idle_connections_max = 0;
  destination->response_bytes_limit = bytes_limit;
  std::vector<HttpRequestHead::Field> fields;
  fields.push_back({"accept", Secret("application/json"), true});
  if (show_token && !access.token.Reveal().empty()) {
    fields.push_back(
        {"authorization",
         Secret(absl::StrCat("Bearer ", ToAbsl(access.token.Reveal())))});
  }
  const HttpRequestHead head(destination, "GET", url.target, std::move(fields),
                             UseOf(*destination));
  HttpProgress progress;
  HttpCall call;
  call.head = &head;
  call.cancel = &by.cancel;
  call.progress = &progress;
  absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
      co_await by.http.Send(call);
  if (!exchange.ok()) co_return exchange.status();
  const int status = (*exchange)->status();
  if (status != 200) {
    co_return absl::UnavailableError(absl::StrCat(
        "answered ", status, " and not 200",
        status >= 300 && status < 400 ? "; redirects are not followed" : ""));
  }
  const absl::StatusOr<std::string_view> body = co_await (*exchange)->ReadAll();
  if (!body.ok()) co_return body.status();
  co_return std::string(*body);
}

Task<absl::StatusOr<std::string>> GetAt(KeySetFetch by, std::string url,
                                        const KeySetAccess& access,
                                        bool show_token, size_t bytes_limit) {
  absl::StatusOr<DocumentUrl> parsed = ParseDocumentUrl(url);
  if (!parsed.ok()) co_return At(url, parsed.status());
  absl::StatusOr<std::string> text =
      co_await Get(by, *std::move(parsed), access, show_token, bytes_limit);
  if (!text.ok()) co_return At(url, text.status());
  co_return text;
}

}  // namespace

absl::Status CheckKeySet(std::string_view key_set) {
  if (key_set.starts_with(kFile)) {
    if (key_set.size() > kFile.size()) return absl::OkStatus();
    return absl::InvalidArgumentError("must name a file behind file:");
  }
  return ParseDocumentUrl(key_set).status();
}

absl::Status CheckDiscoveredIssuer(std::string_view issuer) {
  return ParseBaseUrl(issuer).ok() ? CheckKeySet(issuer)
                                   : ParseBaseUrl(issuer).status();
}

Task<absl::StatusOr<std::string>> FetchKeySet(KeySetFetch by,
                                              KeySetSource source,
                                              KeySetAccess access) {
  if (source.key_set.starts_with(kFile)) {
    co_return co_await ReadFileOf(by, source.key_set.substr(kFile.size()));
  }
  if (!source.key_set.empty()) {
    co_return co_await GetAt(by, source.key_set, access, /*show_token=*/true,
                             kKeySetBytesMax);
  }
  const std::string configuration = OpenIdConfigurationUrl(source.issuer);
  const absl::StatusOr<std::string> document =
      co_await GetAt(by, configuration, access, /*show_token=*/true,
                     kOpenIdConfigurationBytesMax);
  if (!document.ok()) co_return document.status();
  const absl::StatusOr<std::string> url = KeySetUrlOf(*document, source.issuer);
  if (!url.ok()) co_return At(configuration, url.status());
  const absl::StatusOr<DocumentUrl> named = ParseDocumentUrl(*url);
  const absl::StatusOr<DocumentUrl> own = ParseDocumentUrl(configuration);
  const bool show_token =
      named.ok() && own.ok() && SameServer(named->base, own->base);
  co_return co_await GetAt(by, *url, access, show_token, kKeySetBytesMax);
}

}  // namespace gateway
