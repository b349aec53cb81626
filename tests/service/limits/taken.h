// Awaits what limits that are counted in this process say, without a loop.
//
// Thread-compatible.

#ifndef TESTS_SERVICE_LIMITS_TAKEN_H_
#define TESTS_SERVICE_LIMITS_TAKEN_H_

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/limits/limit_charges.h"

namespace gateway {

// Returns whether all was taken. It must be known at once.
inline bool TakenAtOnce(LimitCharges& charges, absl::Duration now) {
  LimitCharges::Taking taking = charges.Take(now);
  const bool at_once = taking.await_ready();
  EXPECT_TRUE(at_once);
  return at_once && taking.await_resume();
}

}  // namespace gateway

#endif  // TESTS_SERVICE_LIMITS_TAKEN_H_
