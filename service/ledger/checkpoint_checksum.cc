#include "service/ledger/checkpoint_checksum.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

// Each part with its length, so that no two checkpoints have the same text.
std::string ChecksumOf(const LedgerCheckpoint& checkpoint,
                       std::string_view state) {
  return HashText(absl::StrCat(
      checkpoint.end.commits, " ", checkpoint.end.entries, " ",
      checkpoint.end.hash, " ", checkpoint.open_dispatches.size(), " ",
      checkpoint.open_dispatches, " ", state.size(), " ", ToAbsl(state)));
}

}  // namespace

LedgerCheckpoint WithChecksum(LedgerCheckpoint checkpoint) {
  checkpoint.state += ChecksumOf(checkpoint, checkpoint.state);
  return checkpoint;
}

LedgerCheckpoint WholeOrNone(std::string_view ledger,
                             LedgerCheckpoint checkpoint) {
  if (checkpoint.end.commits == 0) return {};
  std::string& kept = checkpoint.state;
  if (kept.size() >= kHashTextBytes) {
    const size_t state_bytes = kept.size() - kHashTextBytes;
    const std::string checksum = kept.substr(state_bytes);
    kept.resize(state_bytes);
    if (checksum == ChecksumOf(checkpoint, kept)) return checkpoint;
  }
  Log(LogLevel::kWarn, "ledger",
      "The ledger's checkpoint is not what was kept: all of it is read anew",
      {{"ledger", ledger}, {"commits", checkpoint.end.commits}});
  return {};
}

}  // namespace gateway
