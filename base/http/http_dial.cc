#include "base/http/http_dial.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/http/input_buffer.h"
#include "base/memory/block_pool.h"
#include "base/status_macros.h"

namespace gateway {
Task<absl::StatusOr<std::unique_ptr<Stream>>> HttpDial::Connect() {
  GATEWAY_CO_RETURN_IF_ERROR(why_);
  HostPort where{destination_.host, destination_.port};
  if (destination_.proxy.has_value()) where = *destination_.proxy;
  absl::StatusOr<std::unique_ptr<Stream>> stream =
      co_await ConnectTo(std::move(where));
  if (!stream.ok()) co_return Explain(AtProxy(stream.status()));
  connecting_ = stream->get();
  absl::Status ready = absl::OkStatus();
  if (destination_.proxy.has_value()) ready = co_await OpenTunnel(**stream);
  if (ready.ok() && destination_.tls != nullptr) {
    ready = co_await (*stream)->StartTls(*destination_.tls, destination_.host);
  }
  connecting_ = nullptr;
  GATEWAY_CO_RETURN_IF_ERROR(Explain(ready));
  co_return stream;
}

absl::Status HttpDial::AtProxy(const absl::Status& failure) const {
  if (!destination_.proxy.has_value()) return failure;
  return absl::Status(
      failure.code(),
      absl::StrCat("the proxy ",
                   JoinHostPort(destination_.proxy->host,
                                absl::StrCat(destination_.proxy->port)),
                   ": ", failure.message()));
}

Task<absl::StatusOr<std::unique_ptr<Stream>>> HttpDial::ConnectTo(
    HostPort where) {
  absl::StatusOr<IpAddresses> addresses =
      co_await names_.Resolve(where.host, interrupt_);
  GATEWAY_CO_RETURN_IF_ERROR(why_);
  GATEWAY_CO_RETURN_IF_ERROR(addresses.status());
  absl::StatusOr<std::unique_ptr<Stream>> stream =
      co_await tcp_.Connect(*std::move(addresses), where.port);
  GATEWAY_CO_RETURN_IF_ERROR(why_);
  co_return stream;
}

Task<absl::Status> HttpDial::OpenTunnel(Stream& stream) {
  const std::string target =
      JoinHostPort(destination_.host, absl::StrCat(destination_.port));
  std::string request = absl::StrCat("CONNECT ", target,
                                     " HTTP/1.1\r\nhost: ", target,
                                     "\r\n\r\n");
  iovec piece{request.data(), request.size()};
  GATEWAY_CO_RETURN_IF_ERROR(co_await stream.Write(&piece, 1));
  Http1Parser parser(Http1Parser::Kind::kResponses,
                     {.head_bytes = kBlockBytes});
  parser.SkipBody();
  // Read byte by byte: what follows the head would be TLS already, and the
  // proxy sends nothing of its own behind it.
  InputBuffer input(EventLoop::Current()->blocks());
  while (!parser.head_done()) {
    const absl::Span<char> space = input.Space();
    const IoResult got = stream.TryRead(space.data(), space.size());
    if (got.would_block()) {
      co_await stream.Readable();
      continue;
    }
    if (got.kind != IoResult::Kind::kBytes) {
      co_return absl::UnavailableError("the proxy closed the connection");
    }
    input.Commit(got.bytes);
    const absl::StatusOr<size_t> used = parser.Put(input.bytes(), *this);
    if (!used.ok()) co_return ExplainBadAnswer(used.status());
    input.Consume(*used);
  }
  if (parser.status() / 100 != 2) {
    co_return absl::UnavailableError(absl::StrCat(
        "the proxy refused CONNECT ", target, " with ", parser.status()));
  }
  co_return absl::OkStatus();
}

void HttpDial::Abandon(absl::Status why) {
  if (!why_.ok()) return;
  why_ = std::move(why);
  interrupt_.Set();
  tcp_.Abandon();
  if (connecting_ != nullptr) connecting_->Close(/*reset=*/true);
}

}  // namespace gateway
