#include "clients/cli/health_probe.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/net/resolver.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(3);
constexpr uint64_t kBodyBytesLimit = 64 * 1024;

std::shared_ptr<const HttpDestination> DestinationOf(const HttpUrl& url) {
  auto destination = std::make_shared<HttpDestination>();
  destination->host = url.host;
  destination->port = url.port;
  destination->timeouts.connect = kTimeout;
  destination->timeouts.first_byte = kTimeout;
  destination->timeouts.idle = kTimeout;
  destination->timeouts.total = kTimeout;
  destination->response_bytes_limit = kBodyBytesLimit;
  return destination;
}

Readout NoAnswer(const absl::Status& why) {
  return {false, absl::StrCat("no answer: ", why.message())};
}

Task<void> Ask(EventLoop& loop, Resolver& resolver, HttpUrl url,
               Readout* readout) {
  {
    Http1Client client(resolver);
    CancelSignal never;
    const HttpRequestHead head(DestinationOf(url), "GET",
                               absl::StrCat(url.path, "/readyz"), {});
    HttpProgress progress;
    HttpCall call;
    call.head = &head;
    call.cancel = &never;
    call.progress = &progress;
    absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
        co_await client.Send(call);
    if (!exchange.ok()) {
      *readout = NoAnswer(exchange.status());
    } else {
      const absl::StatusOr<std::string_view> body =
          co_await (*exchange)->ReadAll();
      readout->ready = body.ok() && (*exchange)->status() == 200;
      readout->text =
          body.ok() ? std::string(absl::StripAsciiWhitespace(ToAbsl(*body)))
                    : NoAnswer(body.status()).text;
      exchange->reset();
    }
    co_await client.AwaitIdle();
  }
  loop.Stop();
}

}  // namespace

Readout AskReady(const std::string& operations_url) {
  const absl::StatusOr<HttpUrl> url = ParseHttpUrl(operations_url);
  if (!url.ok()) return NoAnswer(url.status());
  if (url->https) return {true, "not asked, since that would need TLS"};
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return NoAnswer(loop.status());
  Resolver resolver;
  Readout readout;
  (*loop)->Post([&] { Spawn(Ask(**loop, resolver, *url, &readout)); });
  (*loop)->Run();
  return readout;
}

}  // namespace gateway
