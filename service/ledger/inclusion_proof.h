// InclusionProof shows that an entry is one of those that a Merkle root stands
// for (merkle.h), to somebody who has the root and none of the others.
//
//   ProofSearch search("LED-51c07a8e2d64f9b3");
//   for (const std::string& entry : entries) search.Add(entry);
//   const std::optional<InclusionProof> proof = search.Find();
//   ...
//   const std::string fault = FaultOfProof(*proof, noted_root);
//
// As a text it is one JSON object: `entry`, all of it; `index`, from 0 on,
// among so many `entries`; `siblings`, from the leaves on, each a `hash` and
// its `side`; and the `root`. A pair is the SHA-256 of the two hashes' texts,
// left and right, one behind the other.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_INCLUSION_PROOF_H_
#define SERVICE_LEDGER_INCLUSION_PROOF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/merkle.h"

namespace gateway {

struct InclusionProof {
  std::string entry;  // Its text.
  int64_t index = 0;
  int64_t entries = 0;
  MerkleProof siblings;
  std::string root;
};

// Looks for an entry among some that come one after the other. It holds a hash
// of each.
class ProofSearch {
 public:
  explicit ProofSearch(std::string id) : id_(std::move(id)) {}

  void Add(std::string_view entry);

  // Whether the entry was among those that were added.
  bool has_found() const { return !entry_.empty(); }
  // Nothing if it was not.
  std::optional<InclusionProof> Find() const;

 private:
  const std::string id_;
  std::vector<std::string> hashes_;
  std::string entry_;
  size_t index_ = 0;
  EntryFacts facts_;
};

std::string ProofText(const InclusionProof& proof);

// Reads what ProofText has written. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<InclusionProof> ReadProof(std::string_view text);

// What is wrong with a proof that the entry is one of those of this root; empty
// if nothing is. The root that the proof names itself does not matter.
std::string FaultOfProof(const InclusionProof& proof, std::string_view root);

}  // namespace gateway

#endif  // SERVICE_LEDGER_INCLUSION_PROOF_H_
