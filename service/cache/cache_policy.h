// CachePolicy says which calls may be answered from the cache, and which
// answers it keeps.
//
//   const CacheUse use = UseOfCache(policy, request, ParseCacheControl(field));
//   if (use.reads) ... cache.Find(key, use.age_max)
//   ...
//   if (use.keeps && IsWorthKeeping(policy, answer)) ... cache.Put(key, ...)
//
// By default only what is asked for whole, without tools, is kept. What has
// an effect of its own - tools that are called, a response that is stored - or
// builds on something that changes is asked for each time.
//
// Calls are kept whatever their temperature: whoever switches a cache on wants
// the same question to be paid for once, and few callers set it. Who wants
// another answer each time says `cache-control: no-cache`.
//
// Thread-safe: plain functions of values.

#ifndef SERVICE_CACHE_CACHE_POLICY_H_
#define SERVICE_CACHE_CACHE_POLICY_H_

#include <cstddef>
#include <string_view>

#include "absl/time/time.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway {

struct CachePolicy {
  bool tools = false;    // Also requests with tools, and calls of them.
  bool streams = false;  // Also streams, kept whole.
  bool stored = false;   // Also what asks for the answer to be stored.
  // Only what its caller gives an age for.
  bool on_request = false;
};

// What is larger is asked for each time: it would take milliseconds to find its
// key, and is seldom asked for twice.
inline constexpr size_t kCacheableRequestBytesMax = 4 * 1024 * 1024;

// What a caller says in `cache-control` (RFC 9111, 5.2.1).
struct CacheControl {
  bool no_cache = false;
  bool no_store = false;
  bool only_if_cached = false;
  absl::Duration age_max = absl::InfiniteDuration();
};

// Reads the field's value; empty if there is none. What is not known is passed
// over; an age that cannot be read is 0, as the standard asks for.
CacheControl ParseCacheControl(std::string_view field);

// What the policy must know of a request.
struct CacheableRequest {
  bool generates = false;     // Asks a model for an answer.
  bool model_is_kept = true;  // By what the configuration says of models.
  bool has_tools = false;
  bool stream = false;
  bool stored = false;  // The answer is to be kept where it is made, or here.
  // Goes on from an answer, or names something else that is kept elsewhere.
  bool builds_on_stored = false;
  bool background = false;
  // Its caller pays for it, by a credential of its own.
  bool callers_credential = false;
  size_t request_bytes = 0;
};

// Why the cache has no part in a call.
enum class CacheBypass {
  kNone,
  kOperation,
  kModel,
  kTools,
  kStream,
  kStored,
  kBuildsOnStored,
  kBackground,
  kCallersCredential,
  kRequestTooLarge,
  kNotCertain,    // What it means cannot be said with certainty.
  kNotRequested,  // Only who asks for it gets kept answers.
  kCacheControl,  // The caller wants neither.
};

// In lower_snake_case, for headers, records and metrics; `none` for none.
std::string_view CacheBypassName(CacheBypass bypass);

struct CacheUse {
  bool reads = false;
  bool keeps = false;
  // The caller wants nothing that would have to be asked for.
  bool only_if_cached = false;
  absl::Duration age_max = absl::InfiniteDuration();
  // Unless there is none, neither reads nor keeps.
  CacheBypass bypass = CacheBypass::kNone;
};

CacheUse UseOfCache(const CachePolicy& policy, const CacheableRequest& request,
                    const CacheControl& control);

// What the policy must know of an answer.
struct CacheableAnswer {
  bool ok = false;        // The call ended well.
  bool complete = false;  // All of it came.
  ::llmgateway::v1::FinishReason finish_reason =
      ::llmgateway::v1::FINISH_REASON_UNSPECIFIED;
  bool output_invalid = false;  // It breaks the schema that was asked for.
};

// Whether the answer would do for the next caller: complete, and ended by the
// model itself.
bool IsWorthKeeping(const CachePolicy& policy, const CacheableAnswer& answer);

}  // namespace gateway

#endif  // SERVICE_CACHE_CACHE_POLICY_H_
