#include "service/ledger/inclusion_proof.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// A chain of so many entries.
std::vector<std::string> ChainOf(int64_t entries) {
  std::vector<std::string> texts;
  std::string hash;
  for (int64_t i = 0; i < entries; ++i) {
    DispatchOf(i).AppendChained(&hash, &texts.emplace_back());
  }
  return texts;
}

InclusionProof ProofOf(const std::vector<std::string>& texts, int64_t index) {
  ProofSearch search(DispatchIdOf(index));
  for (const std::string& text : texts) search.Add(text);
  return *search.Find();
}

TEST(InclusionProofTest, EachEntryOfEachSizeIsProven) {
  for (int64_t size = 1; size <= 17; ++size) {
    const std::vector<std::string> texts = ChainOf(size);
    const std::string root = ProofOf(texts, 0).root;
    for (int64_t index = 0; index < size; ++index) {
      const auto proof = ReadProof(ProofText(ProofOf(texts, index)));
      ASSERT_TRUE(proof.ok()) << proof.status();
      EXPECT_EQ(proof->index, index);
      EXPECT_EQ(proof->entries, size);
      EXPECT_EQ(FaultOfProof(*proof, root), "");
    }
  }
}

TEST(InclusionProofTest, WhatIsNotProvenIsSaid) {
  const std::vector<std::string> texts = ChainOf(6);
  const InclusionProof proof = ProofOf(texts, 3);
  EXPECT_THAT(FaultOfProof(proof, std::string(64, 'a')),
              HasSubstr("not to aaaa"));
  InclusionProof altered = proof;
  altered.entry = absl::StrReplaceAll(proof.entry, {{"agent-3", "agent-4"}});
  EXPECT_THAT(FaultOfProof(altered, proof.root), HasSubstr("it was altered"));
  altered = proof;
  altered.entry = texts[4];
  EXPECT_THAT(FaultOfProof(altered, proof.root), HasSubstr("leads to"));
  altered = proof;
  altered.index = 2;
  EXPECT_THAT(FaultOfProof(altered, proof.root), HasSubstr("the index 2 of 6"));
  altered = proof;
  altered.entries = 3;
  EXPECT_THAT(FaultOfProof(altered, proof.root), HasSubstr("of 3 entries"));
  altered = proof;
  altered.siblings.pop_back();
  EXPECT_THAT(FaultOfProof(altered, proof.root), HasSubstr("do not lead"));
}

// Its hash is that of the last one: whoever reads the first is shown what was
// not hashed.
TEST(InclusionProofTest, AMemberThatIsThereTwiceIsAnAlteration) {
  const std::vector<std::string> texts = ChainOf(3);
  InclusionProof proof = ProofOf(texts, 1);
  ASSERT_EQ(FaultOfProof(proof, proof.root), "");
  proof.entry.insert(1, R"("decision": "another", )");
  EXPECT_THAT(FaultOfProof(proof, proof.root), HasSubstr("was altered"));
}

TEST(InclusionProofTest, WhatIsAloneIsNotProvenTwice) {
  // The last of five is paired with itself: as the sixth it would lead to the
  // same root.
  const std::vector<std::string> texts = ChainOf(5);
  const InclusionProof proof = ProofOf(texts, 4);
  EXPECT_EQ(FaultOfProof(proof, proof.root), "");
  InclusionProof forged = proof;
  forged.index = 5;
  forged.entries = 6;
  forged.siblings[0].is_left = true;
  EXPECT_THAT(FaultOfProof(forged, proof.root), HasSubstr("do not lead"));
  forged = proof;
  forged.entries = 6;
  EXPECT_THAT(FaultOfProof(forged, proof.root), HasSubstr("do not lead"));
}

TEST(InclusionProofTest, AnEntryThatIsNotThereHasNoProof) {
  ProofSearch search("LED-none");
  for (const std::string& text : ChainOf(3)) search.Add(text);
  EXPECT_FALSE(search.has_found());
  EXPECT_FALSE(search.Find().has_value());
}

TEST(InclusionProofTest, WhatIsNoProofIsRefused) {
  for (const char* const text :
       {"", "{}", "[1]", R"({"entry": {}, "index": "x"})",
        R"({"entry": {}, "siblings": [{"side": "up"}]})"}) {
    EXPECT_FALSE(ReadProof(text).ok()) << text;
  }
}

}  // namespace
}  // namespace gateway
