// The bytes of a provider's stream, forwarded whole event by event and read
// along the way.
//
// Thread contract: one call, on its loop.

#ifndef PROVIDERS_RAW_HTTP_STREAM_H_
#define PROVIDERS_RAW_HTTP_STREAM_H_

#include <memory>

#include "base/http/http_client.h"
#include "providers/http_stream.h"
#include "providers/provider.h"

namespace gateway {

// `stream_usage` tells that the caller asked for the event that has only usage.
// REQUIRES: the dialect's streams are server-sent events.
std::unique_ptr<ProviderStream> NewRawHttpStream(
    const HttpStreamOptions& options, bool stream_usage,
    std::unique_ptr<HttpExchange> exchange);

}  // namespace gateway

#endif  // PROVIDERS_RAW_HTTP_STREAM_H_
