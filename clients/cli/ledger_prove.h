// ProveEntry does what `gatewayctl ledger prove` says: makes a proof that an
// entry is one of those that a Merkle root stands for, or checks one, which
// needs nothing but the proof and the root.
//
//   // gatewayctl ledger prove LED-51c07a8e2d64f9b3 --archive DIR > proof.json
//   // gatewayctl ledger prove --check proof.json --root 83b1...
//   GATEWAY_ASSIGN_OR_RETURN(const LedgerReport report, ProveEntry(words));
//
// Thread-safe; blocks on files or the database. It holds a hash of each entry
// of the chain, or of the file, that the entry is in.

#ifndef CLIENTS_CLI_LEDGER_PROVE_H_
#define CLIENTS_CLI_LEDGER_PROVE_H_

#include "absl/status/statusor.h"
#include "clients/cli/ledger_verify.h"
#include "clients/cli/operator_words.h"

namespace gateway {

// The proof, or whether one that was checked is valid. INVALID_ARGUMENT for
// words that are not meant, NOT_FOUND if there is no such entry.
absl::StatusOr<LedgerReport> ProveEntry(const OperatorWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_PROVE_H_
