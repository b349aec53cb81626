// ImportLedger takes over what an earlier system has written, lines of JSON of
// one chain, as the beginning of a gateway's ledger: entries and hashes stay as
// they are, and the gateway goes on behind the last.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const LedgerImport imported,
//       ImportLedger({"governance-1.jsonl", "governance.jsonl"}, "ledger.db"));
//
// Thread-safe; blocks on the disk.

#ifndef SERVICE_LEDGER_LEDGER_IMPORT_H_
#define SERVICE_LEDGER_LEDGER_IMPORT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

struct LedgerImport {
  int64_t entries = 0;
  std::string last_hash;
};

// Makes the ledger `to` of the lines of the files, in their order; all of them,
// or nothing. ALREADY_EXISTS if there is such a file; FAILED_PRECONDITION,
// which names file and line, if an entry is not what was written, does not
// follow the one before, has no hash, or is there twice; for files that cannot
// be read what the system says.
absl::StatusOr<LedgerImport> ImportLedger(absl::Span<const std::string> files,
                                          const std::string& to);

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_IMPORT_H_
