// What calls are compared by: the keys of their requests (service/cache).
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CALL_KEY_H_
#define SERVICE_PIPELINE_CALL_KEY_H_

#include <optional>
#include <string_view>

#include "absl/types/span.h"
#include "service/cache/cache_policy.h"
#include "service/cache/request_key.h"
#include "service/pipeline/call.h"

namespace gateway {

// What of requests does not tell them apart: members of bytes, and fields of
// messages.
struct LeftOut {
  absl::Span<const std::string_view> members;
  absl::Span<const int> fields;
};

// Returns the key of all that the answer to a planned call depends on, the
// target that it was planned for included; nothing if its meaning is not
// certain. `scope` says whose answers these are, and of what kind. Sets
// `stored` to whether the answer is to be kept by whoever makes it. REQUIRES:
// the call asks for a generated answer.
std::optional<RequestKey> KeyOfCall(const Call& call, std::string_view caller,
                                    std::string_view scope,
                                    const LeftOut& left_out, bool* stored);

// Returns what tells one request of its caller from another, wherever it would
// go. REQUIRES: as above.
RequestKey FingerprintOf(const Call& call);

// What a policy must know of a planned call, but for whether its answer is to
// be kept, and whether its model is.
CacheableRequest CacheableRequestOf(const Call& call);

// What the caller allows of kept answers.
CacheControl CacheControlOf(const Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_KEY_H_
