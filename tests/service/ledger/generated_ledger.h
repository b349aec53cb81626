// A ledger as calls make it: each call has a dispatch, and then an exchange.
//
//   ASSERT_TRUE(AppendCalls(*log, {.calls = 50'000}).ok());
//
// The calls are told apart by their numbers, from `first_call` on: ten are of
// one session, a hundred of one submission, every fifth of one caller, every
// tenth fails.
//
// Thread-safe: plain functions.

#ifndef TESTS_SERVICE_LEDGER_GENERATED_LEDGER_H_
#define TESTS_SERVICE_LEDGER_GENERATED_LEDGER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"

namespace gateway {

inline constexpr absl::Time kFirstCallTime =
    absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01.
inline constexpr absl::Duration kBetweenCalls = absl::Milliseconds(10);

struct GeneratedCalls {
  int64_t calls = 0;
  int64_t first_call = 0;
  int64_t calls_in_commit = 25;
};

std::string DispatchIdOf(int64_t call);
std::string ExchangeIdOf(int64_t call);
UnchainedEntry DispatchOf(int64_t call);
UnchainedEntry ExchangeOf(int64_t call);

absl::Status AppendCalls(LedgerLog& log, const GeneratedCalls& calls);

}  // namespace gateway

#endif  // TESTS_SERVICE_LEDGER_GENERATED_LEDGER_H_
