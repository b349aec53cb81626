// The two forms of an answer that a provider streams over HTTP: its bytes,
// forwarded whole event by event and read along the way, or its events, read
// into neutral ones.
//
// Thread contract: one call, on its loop.

#ifndef PROVIDERS_HTTP_STREAMS_H_
#define PROVIDERS_HTTP_STREAMS_H_

#include <cstddef>
#include <memory>

#include "base/http/http_client.h"
#include "base/secret.h"
#include "providers/dialects/dialect.h"
#include "providers/http_faults.h"
#include "providers/provider.h"

namespace gateway {

struct HttpStreamOptions {
  // Both must outlive the stream.
  const Dialect* dialect = nullptr;
  const HttpFaults* faults = nullptr;
  // Must outlive the stream.
  AttemptProgress* progress = nullptr;
  // The largest event that is read.
  size_t event_bytes_limit = 32 * 1024 * 1024;
  // For parsed streams: the most bytes in a row that bring no event.
  size_t silent_bytes_limit = 256 * 1024;
  // The caller's own credential, if it was sent: no fault repeats it.
  Secret caller_credential{""};
};

// `stream_usage` tells that the caller asked for the event that has only usage.
std::unique_ptr<ProviderStream> NewRawHttpStream(
    const HttpStreamOptions& options, bool stream_usage,
    std::unique_ptr<HttpExchange> exchange);

std::unique_ptr<ProviderStream> NewParsedHttpStream(
    const HttpStreamOptions& options, std::unique_ptr<HttpExchange> exchange);

}  // namespace gateway

#endif  // PROVIDERS_HTTP_STREAMS_H_
