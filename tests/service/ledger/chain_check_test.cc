#include "service/ledger/chain_check.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "service/ledger/entry.h"

namespace gateway {
namespace {

using Severity = ChainCheck::Severity;

// A chain of so many entries.
std::vector<std::string> Chain(int entries) {
  std::vector<std::string> chain;
  std::string hash;
  for (int i = 0; i < entries; ++i) {
    LedgerEntry entry;
    entry.event_type = "EXCHANGE";
    entry.id = absl::StrCat("LED-", i);
    entry.reason = "Exchange completed";
    UnchainedEntry(entry).AppendChained(&hash, &chain.emplace_back());
  }
  return chain;
}

// What is found of each.
std::vector<Severity> Found(const std::vector<std::string>& chain) {
  ChainCheck check;
  std::vector<Severity> found;
  for (const std::string& entry : chain) {
    found.push_back(check.Add(entry).severity);
  }
  return found;
}

TEST(ChainCheckTest, AWholeChainIsValid) {
  const std::vector<std::string> chain = Chain(5);
  ChainCheck check;
  for (const std::string& entry : chain) {
    EXPECT_EQ(check.Add(entry).severity, Severity::kOk);
  }
  EXPECT_TRUE(check.valid());
  EXPECT_EQ(check.entries(), 5);
  // From the middle, too.
  ChainCheck rest(check.last_hash());
  EXPECT_EQ(rest.Add(chain[0]).severity, Severity::kFail);
}

TEST(ChainCheckTest, WhateverIsAlteredIsFound) {
  const std::vector<std::string> chain = Chain(4);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{
           {"completed", "complete"},
           {"LED-2", "LED-9"},
           {"\"metadata\": {}", "\"metadata\": {\"a\": 1}"}}) {
    std::vector<std::string> altered = chain;
    altered[2] = absl::StrReplaceAll(altered[2], {{from, to}});
    EXPECT_EQ(Found(altered), (std::vector{Severity::kOk, Severity::kOk,
                                           Severity::kFail, Severity::kOk}));
  }
}

TEST(ChainCheckTest, WhoAltersAnEntryAndItsHashBreaksTheNextLink) {
  std::vector<std::string> chain = Chain(3);
  // The second, made anew behind the first as something else.
  ChainCheck check;
  check.Add(chain[0]);
  LedgerEntry forged;
  forged.id = "LED-1";
  forged.reason = "forged";
  std::string hash = check.last_hash();
  chain[1].clear();
  UnchainedEntry(forged).AppendChained(&hash, &chain[1]);
  EXPECT_EQ(check.Add(chain[1]).severity, Severity::kOk);
  const ChainCheck::Finding finding = check.Add(chain[2]);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.entry_id, "LED-2");
  EXPECT_NE(finding.what.find("altered, left out or put in"), std::string::npos)
      << finding.what;
}

TEST(ChainCheckTest, WhatIsLeftOutIsMissed) {
  std::vector<std::string> chain = Chain(4);
  chain.erase(chain.begin() + 1);
  EXPECT_EQ(Found(chain),
            (std::vector{Severity::kOk, Severity::kFail, Severity::kOk}));
  chain.erase(chain.begin());
  EXPECT_EQ(Found(chain)[0], Severity::kFail) << "the first is gone";
}

TEST(ChainCheckTest, OtherBytesThatSayTheSameWereAltered) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{
           {"{\"decision\"", "{\"decision\": \"forged\", \"decision\""},
           {"\"metadata\": {}", "\"metadata\": {\"a\": 1}, \"metadata\": {}"},
           {": ", ":  "},
           {"{\"decision\"", "{ \"decision\""},
           {"completed", "comp\\u006ceted"}}) {
    std::vector<std::string> chain = Chain(2);
    chain[0] = absl::StrReplaceAll(chain[0], {{from, to}});
    EXPECT_EQ(Found(chain), (std::vector{Severity::kFail, Severity::kOk}))
        << chain[0];
  }
}

TEST(ChainCheckTest, EarlierSystemsWroteMembersInOtherOrders) {
  std::vector<std::string> chain = Chain(2);
  const std::string decision = "\"decision\": \"\", ";
  ASSERT_EQ(chain[0].find(decision), 1U);
  chain[0].erase(1, decision.size());
  chain[0].insert(chain[0].size() - 1, ", \"decision\": \"\"");
  EXPECT_EQ(Found(chain), (std::vector{Severity::kOk, Severity::kOk}));
  chain[0] = absl::StrReplaceAll(chain[0], {{": ", ":"}, {", ", ","}});
  EXPECT_EQ(Found(chain), (std::vector{Severity::kOk, Severity::kOk}));
}

TEST(ChainCheckTest, MetadataMayHaveTheNamesOfLinks) {
  std::vector<std::string> chain;
  std::string hash;
  for (const std::string_view metadata :
       {R"({"a": 1, "previous_hash": "forged"})",
        R"({"entry_hash": "forged", "previous_hash": "forged"})",
        R"({"a": {"b": "\", \"previous_hash\": \"x"}})"}) {
    LedgerEntry entry;
    entry.metadata = metadata;
    entry.prompts_used = {", \"previous_hash\": \"y"};
    UnchainedEntry(entry).AppendChained(&hash, &chain.emplace_back());
  }
  EXPECT_EQ(Found(chain), (std::vector(3, Severity::kOk)));
  // In another form, too.
  const std::string decision = "\"decision\": \"\", ";
  for (std::string& entry : chain) {
    entry.erase(1, decision.size());
    entry.insert(entry.size() - 1, ", \"decision\": \"\"");
  }
  EXPECT_EQ(Found(chain), (std::vector(3, Severity::kOk)));
}

TEST(ChainCheckTest, WhoTakesAHashAwayIsFound) {
  std::vector<std::string> chain = Chain(3);
  const std::string old = R"({"event_type": "OLD", "id": "LED-old"})";
  EXPECT_EQ(Found({chain[0], old, chain[2]}),
            (std::vector{Severity::kOk, Severity::kFail, Severity::kOk}));
  EXPECT_EQ(Found({chain[0], chain[1], chain[2], old}).back(), Severity::kFail);
  ChainCheck behind("a hash");
  EXPECT_EQ(behind.Add(old).severity, Severity::kFail);
}

TEST(ChainCheckTest, EntriesWithoutHashesMayStandBeforeAllOthers) {
  const std::vector<std::string> chain = Chain(2);
  const std::string old = R"({"event_type": "OLD", "id": "LED-old"})";
  EXPECT_EQ(Found({old, old, chain[0], chain[1]}),
            (std::vector{Severity::kWarn, Severity::kWarn, Severity::kOk,
                         Severity::kOk}));
}

TEST(ChainCheckTest, WhoTakesTheFirstHashesAwayIsFound) {
  const std::vector<std::string> chain = Chain(3);
  const std::string stripped = R"({"event_type": "X", "id": "LED-0"})";
  EXPECT_EQ(Found({stripped, chain[1], chain[2]}),
            (std::vector{Severity::kWarn, Severity::kFail, Severity::kOk}));
}

TEST(ChainCheckTest, WhatIsNoEntryFails) {
  std::vector<std::string> chain = Chain(2);
  chain.insert(chain.begin() + 1, "{\"id\": \"LED-torn\", \"even");
  EXPECT_EQ(Found(chain),
            (std::vector{Severity::kOk, Severity::kFail, Severity::kOk}));
  EXPECT_EQ(Found({"[]", "7", "", R"({"id": 5})"}),
            (std::vector{Severity::kFail, Severity::kFail, Severity::kFail,
                         Severity::kFail}));
}

}  // namespace
}  // namespace gateway
