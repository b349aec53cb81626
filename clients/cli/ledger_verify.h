// VerifyLedger does what `gatewayctl ledger verify` says: reads ledgers on this
// machine, whole, and finds the first entry that is not what was written. Asks
// no gateway, and none needs to run; one that does may go on writing.
//
//   absl::StatusOr<LedgerReport> report =
//       VerifyLedger({.words = {"verify", "ledger.db"}});
//   std::cout << report->text;
//   return report->valid ? 0 : 1;
//
// A file is one of ledger_file.h. Several are one behind the other, in the
// order in which they are named. Lines may be of several chains, each of which
// is verified by itself.
//
// Thread-safe; blocks on the disk.

#ifndef CLIENTS_CLI_LEDGER_VERIFY_H_
#define CLIENTS_CLI_LEDGER_VERIFY_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/progress.h"

namespace gateway {

struct LedgerReport {
  bool valid = false;
  std::string text;  // For people, or JSON.
};

// INVALID_ARGUMENT for words that are not meant; for files that cannot be read
// what the system says.
// `progress` may be null.
absl::StatusOr<LedgerReport> VerifyLedger(const OperatorWords& words,
                                          Progress* progress = nullptr);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_VERIFY_H_
