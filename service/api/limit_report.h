// What is told of a call's limits beside its answer, in the words of the vendor
// whose API it came by: how much there may be, what is left, and when all of it
// is there again. docs/headers.md lists them.
//
//   for (const LimitField& field : LimitFieldsOf(call, LimitWords::kOpenAi)) {
//     Tell(field.name, field.value);
//   }
//
// Told is the fullest limit of requests and the fullest of tokens that the call
// was counted against; nothing if there is none.
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_LIMIT_REPORT_H_
#define SERVICE_API_LIMIT_REPORT_H_

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "service/pipeline/call.h"

namespace gateway {

enum class LimitWords {
  kOpenAi,     // `x-ratelimit-remaining-requests`, ...
  kAnthropic,  // `anthropic-ratelimit-requests-remaining`, ...
  kPlain,      // `x-ratelimit-remaining`: of requests, or else of tokens.
};

struct LimitField {
  std::string_view name;  // Valid forever.
  std::string value;
};

absl::InlinedVector<LimitField, 6> LimitFieldsOf(const Call& call,
                                                 LimitWords words);

}  // namespace gateway

#endif  // SERVICE_API_LIMIT_REPORT_H_
