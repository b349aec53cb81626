#include "clients/cli/health_probe.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/net/resolver.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(3);
constexpr uint64_t kBodyBytesLimit = 64 * 1024;

Readout NoAnswer(const absl::Status& why) {
  return {false, absl::StrCat("no answer: ", why.message())};
}

// What people need to read of an answer that may be long.
std::string TextOf(int status, std::string_view body) {
  constexpr size_t kTextBytesLimit = 200;
  if (status == 200) return "ready";
  const absl::string_view text = absl::StripAsciiWhitespace(ToAbsl(body));
  if (text.empty() || text.size() > kTextBytesLimit ||
      absl::StrContains(text, '\n')) {
    return absl::StrCat("not ready: it answers with status ", status);
  }
  return std::string(text);
}

Task<void> Ask(EventLoop& loop, Resolver& resolver,
               std::shared_ptr<const HttpDestination> destination,
               std::string path, Readout* readout) {
  {
    Http1Client client(resolver);
    CancelSignal never;
    const HttpRequestHead head(std::move(destination), "GET", std::move(path),
                               {});
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
      readout->text = body.ok() ? TextOf((*exchange)->status(), *body)
                                : NoAnswer(body.status()).text;
      exchange->reset();
    }
    co_await client.AwaitIdle();
  }
  loop.Stop();
}

}  // namespace

Readout AskReady(const ReadyQuestion& question) {
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(question.url);
  if (!url.ok()) return NoAnswer(url.status());
  const absl::StatusOr<std::shared_ptr<HttpDestination>> destination =
      HttpDestinationOf(*url, HttpVersion::kHttp1, question.ca_file);
  if (!destination.ok()) return NoAnswer(destination.status());
  (*destination)->timeouts = TimeoutsOf(kTimeout);
  (*destination)->response_bytes_limit = kBodyBytesLimit;
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return NoAnswer(loop.status());
  Resolver resolver;
  Readout readout;
  (*loop)->Post([&] {
    Spawn(Ask(**loop, resolver, *destination,
              absl::StrCat(url->path, question.path), &readout));
  });
  (*loop)->Run();
  return readout;
}

}  // namespace gateway
