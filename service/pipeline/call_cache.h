// CallCache is the part that the cache of answers has in one call: whether it
// has one, and of what the call found there. A call has none where no cache is
// configured.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CALL_CACHE_H_
#define SERVICE_PIPELINE_CALL_CACHE_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "service/cache/cache_policy.h"
#include "service/cache/request_key.h"

namespace gateway {

struct CallCache {
  // So many hexadecimal digits of a key are told.
  static constexpr size_t kKeyDigitsTold = 16;

  CacheUse use;
  std::optional<RequestKey> key;  // Nothing if the cache has no part.
  std::string key_told;           // Its beginning, in hexadecimal.

  // Whether an answer was found, which is then the call's (reused_answer.h),
  // and since when it was kept.
  bool hit = false;
  absl::Duration age;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_CACHE_H_
