#include "clients/cli/ledger_archive.h"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "clients/cli/ledger_prove.h"
#include "clients/cli/ledger_request.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/postgres_commit_store.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// A ledger whose entries are of January 2026.
class LedgerArchiveTest : public testing::Test {
 protected:
  using Flags = std::vector<std::pair<std::string, std::string>>;

  LedgerArchiveTest()
      : folder_(absl::StrCat(testing::TempDir(), "/archive-of-cli")),
        ledger_({.connection = {.conninfo = server_.conninfo()},
                 .timeout = absl::Seconds(20)}) {
    EXPECT_TRUE(ledger_.Prepare().ok());
    auto store =
        PostgresCommitStore::Claim(ledger_, SystemClock(), SystemRandom());
    EXPECT_TRUE(store.ok()) << store.status();
    log_ = *LedgerLog::Open(*std::move(store), {});
    EXPECT_TRUE(AppendCalls(*log_, {.calls = 30}).ok());
  }

  // What gatewayctl ledger prints, or why it does not.
  std::string Run(std::vector<std::string> words, Flags flags,
                  bool expected = true) {
    std::stringstream out;
    const auto nowhere = []() -> absl::StatusOr<RpcPlace> {
      return absl::UnavailableError("no gateway is asked");
    };
    const auto valid = RunLedger(
        {.words = std::move(words), .flags = std::move(flags)}, nowhere, out);
    if (!valid.ok()) return std::string(valid.status().message());
    EXPECT_EQ(*valid, expected) << out.str();
    return out.str();
  }
  std::string Archive(const std::string& before) {
    return Run({"archive"}, {{"--postgres", server_.conninfo()},
                             {"--before", before},
                             {"--out", folder_}});
  }

  const std::string folder_;
  PostgresServer server_;
  PostgresLedger ledger_;
  std::unique_ptr<LedgerLog> log_;
};

TEST_F(LedgerArchiveTest, WordsSayWhat) {
  EXPECT_THAT(Run({"archive"}, {}), HasSubstr("--before MONTH"));
  EXPECT_THAT(Run({"archive"}, {{"--before", "2026-02"}, {"--out", "a"}}),
              HasSubstr("--postgres is required"));
  EXPECT_THAT(Archive("January"), HasSubstr("'January' is no month"));
  EXPECT_THAT(Archive("2999-01"), HasSubstr("has not begun"));
  EXPECT_THAT(Archive("2026-01"), HasSubstr("nothing to archive"));
  EXPECT_THAT(Run({"verify"}, {{"--archive", folder_}}),
              HasSubstr("give --postgres, too"));
}

TEST_F(LedgerArchiveTest, WhatIsArchivedIsVerifiedFoundAndProven) {
  const std::string told = Archive("2026-02");
  EXPECT_THAT(told, HasSubstr("chain 1, 2026-01: 60 entries, 1 to 60, in "
                              "chain-1.2026-01.1-60.jsonl"));
  EXPECT_THAT(told, HasSubstr("dropped commits_2026_01"));
  const Flags database = {{"--postgres", server_.conninfo()}};
  EXPECT_THAT(Run({"verify"}, database),
              HasSubstr("valid: 60 of 60 entries\nof them 60 are in archives, "
                        "of which the last hashes were"));
  const Flags both = {{"--postgres", server_.conninfo()},
                      {"--archive", folder_}};
  EXPECT_THAT(Run({"verify"}, both), HasSubstr("all files were verified, 1"));
  EXPECT_EQ(Run({"export"}, database), "");
  const std::string id = ExchangeIdOf(7);
  EXPECT_THAT(Run({"get", id}, {{"--archive", folder_}}), HasSubstr(id));
  EXPECT_THAT(Run({"get", id}, database), HasSubstr("there is no entry"));
  EXPECT_THAT(
      Run({"get", "LED-0"}, {{"--archive", folder_}}),
      HasSubstr("there is no entry with the id 'LED-0' in the 1 files"));

  const std::string proof = absl::StrCat(folder_, "/proof.json");
  std::ofstream(proof) << Run({"prove", id}, {{"--archive", folder_}});
  const ArchivedPiece piece = (*ledger_.Archives())[0];
  EXPECT_EQ(
      Run({"prove"}, {{"--check", proof}, {"--root", piece.merkle_root}}),
      absl::StrCat("valid: ", id,
                   " is entry 16 under this root, of 60 as the proof says\n"));
  EXPECT_THAT(
      Run({"prove"}, {{"--check", proof}, {"--root", std::string(64, 'a')}},
          /*expected=*/false),
      HasSubstr("NOT VALID"));

  const std::string lines = absl::StrCat(folder_, "/", piece.file);
  std::ofstream(lines, std::ios::app) << "\n";
  EXPECT_THAT(Run({"verify"}, both, /*expected=*/false),
              HasSubstr(absl::StrCat("FAIL  ", lines, ": line 61")));
}

TEST_F(LedgerArchiveTest, WhatIsInTheDatabaseIsProvenThere) {
  const std::string id = DispatchIdOf(29);
  const std::string proof = absl::StrCat(testing::TempDir(), "/of-database");
  std::ofstream(proof) << Run({"prove", id},
                              {{"--postgres", server_.conninfo()}});
  // The root that verification tells of this chain.
  const std::string told =
      Run({"verify"}, {{"--postgres", server_.conninfo()}, {"--chain", "1"}});
  const std::string root =
      told.substr(told.find("merkle root ") + sizeof("merkle root ") - 1, 64);
  EXPECT_THAT(Run({"prove"}, {{"--check", proof}, {"--root", root}}),
              HasSubstr("is entry 59 under this root, of 60"));
}

}  // namespace
}  // namespace gateway
