#include "base/redis/redis_dial.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/redis/redis_error.h"
#include "base/status_macros.h"

namespace gateway {

RedisDial::RedisDial(LoopResolver& names, const RedisConnectionOptions& options,
                     HostPort where)
    : names_(names),
      options_(options),
      where_(std::move(where)),
      address_(RedisAddress(where_)),
      tcp_(names),
      too_slow_([this] {
        Abandon(absl::DeadlineExceededError(
            absl::StrCat("no connection within ",
                         absl::FormatDuration(options_.connect_timeout))));
      }) {}

Task<absl::StatusOr<std::unique_ptr<RedisConnection>>> RedisDial::Connect() {
  EventLoop::Current()->ArmTimer(too_slow_, options_.connect_timeout);
  absl::StatusOr<std::unique_ptr<Stream>> stream = co_await Reach();
  if (!stream.ok()) co_return Explain(stream.status());
  auto connection =
      std::make_unique<RedisConnection>(options_, address_, *std::move(stream));
  greeting_ = connection.get();
  const absl::Status ready = co_await connection->Handshake();
  greeting_ = nullptr;
  too_slow_.Cancel();
  GATEWAY_CO_RETURN_IF_ERROR(Explain(ready));
  co_return connection;
}

Task<absl::StatusOr<std::unique_ptr<Stream>>> RedisDial::Reach() {
  absl::StatusOr<IpAddresses> addresses =
      co_await names_.Resolve(where_.host, interrupt_);
  GATEWAY_CO_RETURN_IF_ERROR(why_);
  GATEWAY_CO_RETURN_IF_ERROR(addresses.status());
  absl::StatusOr<std::unique_ptr<Stream>> stream =
      co_await tcp_.Connect(*std::move(addresses), where_.port);
  GATEWAY_CO_RETURN_IF_ERROR(why_);
  GATEWAY_CO_RETURN_IF_ERROR(stream.status());
  const std::shared_ptr<const TlsContext> tls = CredentialsOf(options_).tls;
  if (tls == nullptr) co_return stream;
  securing_ = stream->get();
  const absl::Status secured = co_await securing_->StartTls(
      *tls, options_.tls_server_name.empty() ? where_.host
                                             : options_.tls_server_name);
  securing_ = nullptr;
  GATEWAY_CO_RETURN_IF_ERROR(secured);
  co_return stream;
}

void RedisDial::Abandon(absl::Status why) {
  if (!why_.ok()) return;
  why_ = std::move(why);
  interrupt_.Set();
  tcp_.Abandon();
  if (securing_ != nullptr) securing_->Close(/*reset=*/true);
  if (greeting_ != nullptr) greeting_->Close(why_);
}

absl::Status RedisDial::Explain(const absl::Status& status) const {
  return AtRedisServer(address_, why_.ok() ? status : why_);
}

}  // namespace gateway
