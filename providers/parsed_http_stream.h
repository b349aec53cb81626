// The events of a provider's stream, read into neutral ones.
//
// Thread contract: one call, on its loop.

#ifndef PROVIDERS_PARSED_HTTP_STREAM_H_
#define PROVIDERS_PARSED_HTTP_STREAM_H_

#include <memory>

#include "base/http/http_client.h"
#include "providers/http_stream.h"
#include "providers/provider.h"

namespace gateway {

std::unique_ptr<ProviderStream> NewParsedHttpStream(
    const HttpStreamOptions& options, std::unique_ptr<HttpExchange> exchange);

}  // namespace gateway

#endif  // PROVIDERS_PARSED_HTTP_STREAM_H_
