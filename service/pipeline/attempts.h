// Attempts walks the planned targets until one answers: it sends, waits, tries
// again while that repeats nothing the caller has seen, and writes each try
// down.
//
// A stream is held back until its first piece of content: before that moment
// another attempt is free, after it there is none.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ATTEMPTS_H_
#define SERVICE_PIPELINE_ATTEMPTS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/pipeline/call.h"

namespace gateway {

// A stream whose first content has arrived.
struct OpenStream {
  std::unique_ptr<ProviderStream> stream;
  // What has arrived so far, held-back parts included.
  StreamBatch first;
  std::string held_bytes;  // Backs the first of `first.raw`.
  // The stream is over already.
  bool ended = false;
};

// Fills in call.answer, from a provider that call.plan names.
Task<absl::Status> AttemptAnswer(Call& call);

// Opens a stream likewise. `open` must not move afterwards.
Task<absl::Status> AttemptStream(Call& call, OpenStream* open);

// Counts the input tokens at the first target, which is asked once. Where the
// request's bytes could be forwarded, `raw` receives those of the answer.
Task<absl::StatusOr<int64_t>> AttemptCount(Call& call, std::string* raw);

// Has the texts of call.embed turned into vectors.
Task<absl::Status> AttemptEmbed(Call& call, v1::EmbedResponse* response);

// Asks the planned provider for an answer that it keeps; `reply` receives the
// bytes of what it says.
Task<absl::Status> AttemptKept(Call& call, const KeptAnswer& asked,
                               std::string* reply);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ATTEMPTS_H_
