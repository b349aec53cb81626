// What a ledger keeps at a checkpoint can be made anew from its commits, and is
// believed without reading them: so a checksum of all of it, behind its state,
// shows whether it is what was kept. Who stores checkpoints adds and takes it:
//
//   Write(WithChecksum(checkpoint));
//   return WholeOrNone(name(), Read());
//
// It is no signature: whoever can change the checkpoint can compute it.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_CHECKPOINT_CHECKSUM_H_
#define SERVICE_LEDGER_CHECKPOINT_CHECKSUM_H_

#include <string_view>

#include "service/ledger/commit_store.h"

namespace gateway {

LedgerCheckpoint WithChecksum(LedgerCheckpoint checkpoint);

// Returns the checkpoint as it was, or, with a line in the log, that of a
// ledger's beginning, if it was changed or never had a checksum. `ledger` names
// it in the line.
LedgerCheckpoint WholeOrNone(std::string_view ledger,
                             LedgerCheckpoint checkpoint);

}  // namespace gateway

#endif  // SERVICE_LEDGER_CHECKPOINT_CHECKSUM_H_
