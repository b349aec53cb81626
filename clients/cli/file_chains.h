// FileChains sorts the entries of a file by the chains that they say to be of,
// and checks each chain by itself: an export of what replicas have written has
// one chain behind the other, and behind files of archives what follows them.
//
//   FileChains chains;
//   for (const std::string& line : lines) {
//     const ChainCheck::Finding finding = chains.Add(line);
//     if (finding.severity == ChainCheck::Severity::kFail) Report(finding);
//   }
//
// An entry that says to be the first begins another chain, and one that follows
// the last of a chain belongs to that. What is of none is of the one before it,
// where it is told to be wrong.
//
// Thread-compatible.

#ifndef CLIENTS_CLI_FILE_CHAINS_H_
#define CLIENTS_CLI_FILE_CHAINS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/ledger/chain_check.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/merkle.h"
#include "service/ledger/note_check.h"

namespace gateway {

class FileChains {
 public:
  // A chain, as far as it was read.
  struct Chain {
    ChainCheck check;
    RunningMerkleRoot merkle;
    DispatchNoteCheck notes;
    std::string first_hash;
  };

  // Of a gateway's file, which has one chain, an entry is of the one before.
  ChainCheck::Finding Add(std::string_view entry, bool is_database = false);

  // At least one.
  const std::vector<Chain>& all() const { return chains_; }
  // That the last entry was of, and its place among them.
  const Chain& current() const { return chains_[current_]; }
  size_t current_place() const { return current_; }

  // Follows what the last entry says of dispatches. Of a gateway's file those
  // of a commit are to be followed by what is kept beside them (note_check.h).
  void Follow(std::string_view entry, bool is_database);
  std::optional<DispatchNoteCheck::Fault> EndCommit(std::string_view notes) {
    return chains_[current_].notes.EndCommit(notes);
  }

  // Of all chains.
  int64_t entries() const;
  // Dispatches without an exchange, of those that were followed.
  int64_t open_dispatches() const;
  // Of several, that of their roots in their order, as of a whole ledger.
  std::string merkle_root() const;

 private:
  void FindChain(std::string_view entry);
  void CheckBeginsOnce(ChainCheck::Finding* finding) const;
  void CheckWithoutHash(std::string_view entry, bool is_database,
                        ChainCheck::Finding* finding);

  std::vector<Chain> chains_ = std::vector<Chain>(1);
  size_t current_ = 0;
  EntryFacts facts_;
};

}  // namespace gateway

#endif  // CLIENTS_CLI_FILE_CHAINS_H_
