// The Merkle tree of a ledger's segment, over the hashes of its entries: one
// number that stands for all of them, and short proofs that an entry is one.
//
//   const std::string root = MerkleRoot(hashes);
//   const MerkleProof proof = MerkleProofOf(hashes, 17);
//   if (MerkleRootBy(hashes[17], proof) == root) ...
//
// A pair is the SHA-256 of the two texts of hashes, one behind the other. A
// level with an odd number has its last one twice; one hash is its own root,
// and that of none is empty.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_MERKLE_H_
#define SERVICE_LEDGER_MERKLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace gateway {

// What stands beside the hash on each level, from the leaves on.
struct MerkleStep {
  std::string hash;
  bool is_left = false;  // Whether it comes before the one that is proven.
};
using MerkleProof = std::vector<MerkleStep>;

std::string MerkleRoot(absl::Span<const std::string> hashes);

// The same for hashes that come one after the other, of which it keeps one for
// each level of the tree. Thread-compatible.
class RunningMerkleRoot {
 public:
  void Add(std::string_view hash);

  // Of those that were added so far.
  std::string Root() const;

 private:
  // From the leaves on, what has nothing beside it yet; empty where all have.
  std::vector<std::string> alone_;
};

// REQUIRES: index < hashes.size().
MerkleProof MerkleProofOf(absl::Span<const std::string> hashes, size_t index);

// Returns the root of the tree in which `hash` is where the proof says.
std::string MerkleRootBy(std::string_view hash, const MerkleProof& proof);

}  // namespace gateway

#endif  // SERVICE_LEDGER_MERKLE_H_
