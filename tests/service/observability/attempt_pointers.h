// A record borrows attempts that lie anywhere; those of a test lie in a list.
//
//   const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
//   record.attempts = pointers;
//
// Thread contract: a plain function.

#ifndef TESTS_SERVICE_OBSERVABILITY_ATTEMPT_POINTERS_H_
#define TESTS_SERVICE_OBSERVABILITY_ATTEMPT_POINTERS_H_

#include <vector>

#include "absl/types/span.h"
#include "service/observability/call_record.h"

namespace gateway {

// Valid as long as the attempts.
inline std::vector<const CallAttempt*> PointersTo(
    absl::Span<const CallAttempt> attempts) {
  std::vector<const CallAttempt*> pointers;
  for (const CallAttempt& attempt : attempts) pointers.push_back(&attempt);
  return pointers;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_OBSERVABILITY_ATTEMPT_POINTERS_H_
