// OpenStream is a stream whose first content has arrived. Until then it is held
// back: before its caller has seen any of it another attempt is free, from then
// on there is none.
//
//   OpenStream open;
//   open.stream = ...;
//   GATEWAY_CO_RETURN_IF_ERROR(co_await HoldBack(&open, bytes_limit));
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_OPEN_STREAM_H_
#define SERVICE_PIPELINE_OPEN_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "providers/provider.h"

namespace gateway {

// Must not be moved but by MoveTo, once it is open.
struct OpenStream {
  std::unique_ptr<ProviderStream> stream;
  // What has arrived so far, held-back parts included.
  StreamBatch first;
  std::string held_bytes;  // Backs the first of `first.raw`.
  // The stream is over already.
  bool ended = false;

  // Moves it to another place; this one is as new.
  void MoveTo(OpenStream* other);
};

// Waits for the first content and keeps what comes before it, at most so many
// bytes. How long that may take is the caller's to limit.
Task<absl::Status> HoldBack(OpenStream* open, size_t held_bytes_limit);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_OPEN_STREAM_H_
