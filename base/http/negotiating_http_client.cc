#include "base/http/negotiating_http_client.h"

#include <utility>

#include "absl/status/status.h"

namespace gateway {
namespace {

// How often one request is handed to a client at most: the server may choose
// another version of HTTP before the request is sent, and again.
constexpr int kSendsMax = 3;

}  // namespace

NegotiatingHttpClient::NegotiatingHttpClient(Resolver& resolver)
    : http1_(resolver,
             [this](const auto& destination, std::unique_ptr<Stream> stream) {
               OnHttp2(destination, std::move(stream));
             }),
      http2_(resolver,
             [this](const auto& destination, std::unique_ptr<Stream> stream) {
               OnHttp1(destination, std::move(stream));
             }) {}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>>
NegotiatingHttpClient::Send(const HttpCall& call) {
  const HttpDestination& destination = *call.head->destination();
  switch (destination.version) {
    case HttpVersion::kHttp1:
      return http1_.Send(call);
    case HttpVersion::kHttp2:
      return http2_.Send(call);
    case HttpVersion::kAuto:
      break;
  }
  // Without TLS there is no ALPN: HTTP/1.1.
  if (destination.tls == nullptr) return http1_.Send(call);
  return SendAsNegotiated(call);
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>>
NegotiatingHttpClient::SendAsNegotiated(const HttpCall& call) {
  const std::shared_ptr<const HttpDestination>& destination =
      call.head->destination();
  for (int sends = 0; sends < kSendsMax; ++sends) {
    HttpClient* client = &http2_;
    if (speak_http1_.contains(destination)) client = &http1_;
    absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
        co_await client->Send(call);
    const bool other_version = absl::IsFailedPrecondition(exchange.status()) &&
                               !call.cancel->cancelled();
    if (!other_version) co_return exchange;
  }
  co_return absl::UnavailableError(
      "the server keeps changing its version of HTTP");
}

Task<void> NegotiatingHttpClient::Close() {
  co_await http1_.AwaitIdle();
  co_await http2_.Close();
}

bool NegotiatingHttpClient::CloseUnused() {
  absl::erase_if(speak_http1_, [](const auto& destination) {
    return destination->unused->load();
  });
  const bool http1_busy = http1_.CloseUnused();
  return http2_.CloseUnused() || http1_busy;
}

void NegotiatingHttpClient::OnHttp1(
    const std::shared_ptr<const HttpDestination>& destination,
    std::unique_ptr<Stream> stream) {
  speak_http1_.insert(destination);
  http1_.Adopt(destination, std::move(stream));
}

void NegotiatingHttpClient::OnHttp2(
    const std::shared_ptr<const HttpDestination>& destination,
    std::unique_ptr<Stream> stream) {
  speak_http1_.erase(destination);
  http2_.Adopt(destination, std::move(stream));
}

}  // namespace gateway
