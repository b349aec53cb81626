#include "clients/cli/file_chains.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/entry.h"
#include "service/ledger/merkle.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using Severity = ChainCheck::Severity;

// So many entries of a chain of its own.
std::vector<std::string> ChainNamed(const std::string& name, int entries) {
  std::vector<std::string> texts;
  std::string hash;
  for (int i = 0; i < entries; ++i) {
    LedgerEntry entry;
    entry.id = absl::StrCat("LED-", name, i);
    entry.event_type = "EXCHANGE";
    UnchainedEntry(entry).AppendChained(&hash, &texts.emplace_back());
  }
  return texts;
}

TEST(FileChainsTest, EachEntryIsOfTheChainThatItSays) {
  const std::vector<std::string> one = ChainNamed("a", 3);
  const std::vector<std::string> two = ChainNamed("b", 3);
  FileChains chains;
  std::vector<size_t> places;
  for (const std::string& entry :
       {one[0], one[1], two[0], two[1], one[2], two[2]}) {
    EXPECT_EQ(chains.Add(entry).severity, Severity::kOk);
    places.push_back(chains.current_place());
  }
  EXPECT_EQ(places, (std::vector<size_t>{0, 0, 1, 1, 0, 1}));
  EXPECT_EQ(chains.entries(), 6);
  EXPECT_EQ(chains.all()[0].check.entries(), 3);
  EXPECT_EQ(chains.merkle_root(), MerkleRoot({chains.all()[0].merkle.Root(),
                                              chains.all()[1].merkle.Root()}));
}

TEST(FileChainsTest, AChainThatWasThereBeforeIsWrong) {
  const std::vector<std::string> one = ChainNamed("a", 2);
  FileChains chains;
  for (const std::string& entry : one) chains.Add(entry);
  EXPECT_THAT(chains.Add(one[0]).what, HasSubstr("was there before"));
}

TEST(FileChainsTest, AGatewaysFileHasOneChain) {
  FileChains chains;
  chains.Add(ChainNamed("a", 1)[0], /*is_database=*/true);
  EXPECT_EQ(chains.Add(ChainNamed("b", 1)[0], /*is_database=*/true).severity,
            Severity::kFail);
  EXPECT_EQ(chains.all().size(), 1u);
}

TEST(FileChainsTest, WhatHasNoHashIsAnEntryOfOldOrNone) {
  const std::string old = R"({"id": "LED-1", "event_type": "OLD"})";
  EXPECT_EQ(FileChains().Add(old).severity, Severity::kWarn);
  EXPECT_EQ(FileChains().Add(old, /*is_database=*/true).severity,
            Severity::kFail);
  EXPECT_THAT(FileChains().Add(R"({"error": 1})").what,
              HasSubstr("is no entry"));
}

}  // namespace
}  // namespace gateway
