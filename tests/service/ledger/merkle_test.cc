#include "service/ledger/merkle.h"

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

std::vector<std::string> Hashes(size_t count) {
  std::vector<std::string> hashes;
  for (size_t i = 0; i < count; ++i)
    hashes.push_back(HashText(std::to_string(i)));
  return hashes;
}

TEST(MerkleTest, OfThreeHashes) {
  EXPECT_EQ(MerkleRoot({HashText("a"), HashText("b"), HashText("c")}),
            "0bdf27bf7ec894ca7cadfe491ec1a3ece840f117989e8c5e9bd7086467bf6c38");
}

TEST(MerkleTest, OfFew) {
  EXPECT_EQ(MerkleRoot({}), "");
  EXPECT_EQ(MerkleRoot({"one"}), "one");
  EXPECT_EQ(MerkleRoot({"a", "b"}), HashText("ab"));
}

TEST(MerkleTest, AProofLeadsToTheRootAndNoOtherHashDoes) {
  for (const size_t count : {1, 2, 3, 5, 8, 13}) {
    const std::vector<std::string> hashes = Hashes(count);
    const std::string root = MerkleRoot(hashes);
    for (size_t i = 0; i < count; ++i) {
      const MerkleProof proof = MerkleProofOf(hashes, i);
      EXPECT_EQ(MerkleRootBy(hashes[i], proof), root) << count << ": " << i;
      EXPECT_NE(MerkleRootBy(HashText("another"), proof), root);
    }
  }
}

TEST(MerkleTest, ARunningRootIsTheRootOfWhatWasAddedSoFar) {
  RunningMerkleRoot running;
  EXPECT_EQ(running.Root(), "");
  const std::vector<std::string> hashes = Hashes(70);
  for (size_t i = 0; i < hashes.size(); ++i) {
    running.Add(hashes[i]);
    EXPECT_EQ(running.Root(),
              MerkleRoot(absl::MakeConstSpan(hashes).first(i + 1)))
        << i;
  }
}

}  // namespace
}  // namespace gateway
