#include "clients/cli/ledger_verify.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/merkle.h"
#include "service/store/sqlite_connection.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LedgerVerifyTest : public testing::Test {
 protected:
  // A file of the test's own.
  std::string Path(std::string_view name) {
    return absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(),
        std::string(name));
  }
  std::string Write(std::string_view name, std::string_view text) {
    const std::string path = Path(name);
    std::ofstream(path) << text;
    return path;
  }
  // So many entries that follow those before.
  std::string Lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      LedgerEntry entry;
      entry.id = absl::StrCat("LED-", ++entries_);
      entry.reason = "Exchange completed";
      UnchainedEntry(entry).AppendChained(&hash_, &lines);
      hashes_.push_back(hash_);
      lines.push_back('\n');
    }
    return lines;
  }
  LedgerReport Verify(std::vector<std::string> files, bool as_json = false) {
    files.insert(files.begin(), "verify");
    const auto report = VerifyLedger({.words = files, .as_json = as_json});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : LedgerReport{};
  }

  std::string hash_;
  std::vector<std::string> hashes_;
  int entries_ = 0;
};

TEST_F(LedgerVerifyTest, LinesOfJsonAreVerified) {
  const LedgerReport report = Verify({Write("a", Lines(3))});
  EXPECT_TRUE(report.valid);
  EXPECT_EQ(report.text,
            absl::StrCat("valid: 3 entries, 0 failures, 0 "
                         "warnings\nlast hash ",
                         hash_, "\nmerkle root ", MerkleRoot(hashes_), "\n"));
}

TEST_F(LedgerVerifyTest, DispatchesWithoutAnExchangeAreCounted) {
  std::string lines;
  const auto add = [&](std::string_view type, std::string_view id,
                       std::string_view metadata) {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = id;
    entry.metadata = metadata;
    UnchainedEntry(entry).AppendChained(&hash_, &lines);
    lines.push_back('\n');
  };
  add("DISPATCH", "LED-1", "{}");
  add("DISPATCH", "LED-2", "{}");
  EXPECT_NE(Verify({Write("a", lines)})
                .text.find("\ndispatches without an exchange 2: "),
            std::string::npos);
  add("EXCHANGE", "LED-3", R"({"dispatch_entry_id": "LED-1"})");
  const LedgerReport report = Verify({Write("a", lines)}, /*as_json=*/true);
  EXPECT_TRUE(report.valid);
  EXPECT_NE(report.text.find("\"open_dispatches\":1"), std::string::npos)
      << report.text;
  add("EXCHANGE", "LED-4", R"({"dispatch_entry_id": "LED-2"})");
  EXPECT_EQ(Verify({Write("a", lines)}).text.find("dispatches without"),
            std::string::npos);
}

TEST_F(LedgerVerifyTest, NothingIsNotValid) {
  for (const char* const text : {"", "\n \n"}) {
    const LedgerReport report = Verify({Write("nothing", text)});
    EXPECT_FALSE(report.valid);
    EXPECT_THAT(report.text, HasSubstr("NOT VALID: 0 entries"));
    EXPECT_THAT(report.text, HasSubstr("nothing was read"));
  }
  EXPECT_FALSE(Verify({"/dev/null"}).valid);
  const LedgerReport json = Verify({Path("nothing")}, /*as_json=*/true);
  EXPECT_THAT(json.text, HasSubstr(R"("valid":false)"));
  EXPECT_THAT(json.text, HasSubstr(R"("problem":"nothing was read)"));
  EXPECT_TRUE(Verify({Path("nothing"), Write("some", Lines(1))}).valid);
}

TEST_F(LedgerVerifyTest, AHashThatWasNotedMustBeThere) {
  const std::string file = Write("all.jsonl", Lines(5));
  const auto verify = [&](const std::string& noted) {
    return VerifyLedger(
        {.words = {"verify", file}, .flags = {{"--noted", noted}}});
  };
  EXPECT_TRUE(verify(hashes_[2])->valid);
  const auto gone = verify(std::string(64, 'a'));
  EXPECT_FALSE(gone->valid);
  EXPECT_THAT(gone->text, HasSubstr(std::string(64, 'a')));
  EXPECT_THAT(std::string(verify("abc").status().message()),
              HasSubstr("--noted"));
}

TEST_F(LedgerVerifyTest, SeveralFilesAreOneChain) {
  const std::string first = Write("a", Lines(2));
  const std::string second = Write("b", Lines(2));
  EXPECT_TRUE(Verify({first, second}).valid);
  const LedgerReport report = Verify({second, first});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text,
              HasSubstr(absl::StrCat("FAIL  ", second,
                                     ", entry 1, LED-3: is "
                                     "said to follow another entry")));
}

TEST_F(LedgerVerifyTest, EachChainOfAnExportIsVerified) {
  const std::string one = Lines(2);
  const std::string end_of_one = hash_;
  hash_.clear();
  const std::string two = Lines(3);
  const std::string path = Write("a", one + two);
  const LedgerReport report = Verify({path});
  EXPECT_TRUE(report.valid) << report.text;
  const std::string root_of_one = MerkleRoot({hashes_[0], hashes_[1]});
  const std::string root_of_two =
      MerkleRoot({hashes_[2], hashes_[3], hashes_[4]});
  EXPECT_EQ(
      report.text,
      absl::StrCat("valid: 5 entries, 0 failures, 0 warnings\n"
                   "a chain of 2 entries, last hash ",
                   end_of_one, "\n  merkle root ", root_of_one,
                   "\na chain of 3 entries, last hash ", hash_,
                   "\n  merkle root ", root_of_two, "\nchains 2, merkle root ",
                   MerkleRoot({root_of_one, root_of_two}), "\n"));
  EXPECT_THAT(Verify({path}, /*as_json=*/true).text,
              HasSubstr(absl::StrCat(R"("chains":[{"entries":2,"last_hash":")",
                                     end_of_one)));
  // What is wrong with the second one is found.
  std::string altered = two;
  altered.replace(altered.rfind("completed"), 9, "Completed");
  EXPECT_THAT(Verify({Write("b", one + altered)}).text,
              HasSubstr("entry 5, LED-5: has the hash"));
  const std::string cut = two.substr(two.find('\n') + 1);
  EXPECT_THAT(Verify({Write("c", one + cut)}).text,
              HasSubstr("entry 3, LED-4: is said to follow an entry"));
  EXPECT_THAT(
      Verify({Write("d", one + two + one)}).text,
      HasSubstr("entry 6, LED-1: is the first of a chain that was there"));
}

TEST_F(LedgerVerifyTest, WhatFollowsTheArchivesOfSeveralChainsIsOfThem) {
  const std::string archived_of_one = Lines(2);
  const std::string rest_of_one = Lines(1);
  hash_.clear();
  const std::string archived_of_two = Lines(2);
  const std::string rest_of_two = Lines(2);
  const std::string all = Write("all", rest_of_one + rest_of_two);
  const LedgerReport report =
      Verify({Write("1", archived_of_one), Write("2", archived_of_two), all});
  EXPECT_TRUE(report.valid) << report.text;
  EXPECT_THAT(report.text, HasSubstr("chains 2, merkle root"));
  EXPECT_FALSE(Verify({Write("1", archived_of_one), all}).valid);
}

TEST_F(LedgerVerifyTest, WhatWasAlteredIsNamed) {
  std::string lines = Lines(3);
  lines.replace(lines.rfind("completed"), 9, "Completed");
  const std::string path = Write("a", lines);
  EXPECT_THAT(Verify({path}).text,
              HasSubstr(absl::StrCat("FAIL  ", path,
                                     ", entry 3, LED-3: has "
                                     "the hash")));
  const LedgerReport report = Verify({path}, /*as_json=*/true);
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text, HasSubstr(R"({"valid":false,"entries":3,)"
                                     R"("failures":1,"warnings":0,)"));
  EXPECT_THAT(report.text, HasSubstr(R"("entry":3,"id":"LED-3","what":"has )"));
}

TEST_F(LedgerVerifyTest, AGatewaysFileIsVerifiedBesideIt) {
  const std::string path = Path(".db");
  auto log = LedgerLog::Open({.path = path});
  ASSERT_TRUE(log.ok()) << log.status();
  const UnchainedEntry entry{LedgerEntry()};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE((*log)->Append({&entry, &entry}, absl::UnixEpoch()).ok());
  }
  const LedgerReport report = Verify({path});
  EXPECT_TRUE(report.valid) << report.text;
  EXPECT_THAT(report.text, HasSubstr("valid: 6 entries"));
}

TEST_F(LedgerVerifyTest, WhatIsMissingInAGatewaysFileIsNamed) {
  const std::string path = Path(".db");
  const UnchainedEntry entry{LedgerEntry()};
  const auto change = [&](SqlText sql) {
    auto db = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite,
                                     absl::Seconds(5));
    ASSERT_TRUE((*db)->Execute(sql).ok());
  };
  {
    auto log = LedgerLog::Open({.path = path});
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE((*log)->Append({&entry, &entry}, absl::UnixEpoch()).ok());
    }
  }
  change("DELETE FROM commits WHERE number = 2");
  LedgerReport report = Verify({path});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text, HasSubstr("entry 3: cannot be read"));
  EXPECT_THAT(report.text, HasSubstr("commit 2 of the ledger is not there"));
  change("UPDATE commits SET number = number - 1 WHERE number > 2");
  report = Verify({path});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text,
              HasSubstr("entry 3: is not there: the entry 5 comes next"));
  EXPECT_THAT(report.text, HasSubstr("entry 5: is said to follow"));
  change(
      "UPDATE commits SET first_entry = 3, texts = CAST('{}' || char(10) "
      "AS BLOB) WHERE number = 2");
  EXPECT_THAT(Verify({path}).text,
              HasSubstr("FAIL  " + path + ", entry 3: has no hash"));
}

TEST_F(LedgerVerifyTest, AGatewaysFileWhoseEndIsGoneIsNotValid) {
  const std::string path = Path(".db");
  const UnchainedEntry entry{LedgerEntry()};
  {
    auto log = LedgerLog::Open({.path = path});
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*log)->Append({&entry}, absl::UnixEpoch()).ok());
    }
  }
  auto db = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite,
                                   absl::Seconds(5));
  ASSERT_TRUE((*db)->Execute("DELETE FROM commits WHERE number > 1").ok());
  const LedgerReport report = Verify({path});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text,
              HasSubstr(absl::StrCat("FAIL  ", path,
                                     ", entry 2: is not there, nor what is "
                                     "behind it: the ledger had 3 entries, as ",
                                     path, ".end says")));
}

TEST_F(LedgerVerifyTest, WhatACommitSaysOfItselfIsVerified) {
  const std::string path = Path(".db");
  const UnchainedEntry entry{LedgerEntry()};
  {
    auto log = LedgerLog::Open({.path = path});
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*log)->Append({&entry, &entry}, absl::UnixEpoch()).ok());
    }
  }
  const auto change = [&](SqlText sql) {
    auto db = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite,
                                     absl::Seconds(5));
    ASSERT_TRUE((*db)->Execute(sql).ok());
  };
  EXPECT_TRUE(Verify({path}).valid);
  change("UPDATE commits SET last_hash = 'x' WHERE number = 2");
  LedgerReport report = Verify({path});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text, HasSubstr("entry 4: has the hash "));
  EXPECT_THAT(report.text, HasSubstr("the commit 2 says that it ends with x"));
  change("UPDATE commits SET entries = 7 WHERE number = 3");
  report = Verify({path});
  EXPECT_THAT(report.text, HasSubstr("the commit 3 has 2 entries and says 7"));
  EXPECT_THAT(report.text, Not(HasSubstr("merkle root")));
}

TEST_F(LedgerVerifyTest, AnotherLedgerThanTheEndFileSaysIsNotValid) {
  const std::string path = Path(".db");
  const auto write = [&](const std::string& reason) {
    LedgerEntry entry;
    entry.reason = reason;
    const UnchainedEntry unchained(entry);
    auto log = LedgerLog::Open({.path = path});
    ASSERT_TRUE((*log)->Append({&unchained}, absl::UnixEpoch()).ok());
  };
  write("one");
  const std::string end = Path(".db.end");
  std::ifstream in(end);
  const std::string told((std::istreambuf_iterator<char>(in)), {});
  for (const char* const ending : {"", "-wal", "-shm", ".end"}) {
    unlink(absl::StrCat(path, ending).c_str());
  }
  write("another");
  EXPECT_TRUE(Verify({path}).valid);
  std::ofstream(end) << told;
  const LedgerReport report = Verify({path});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text, HasSubstr("entry 1: has the hash "));
  EXPECT_THAT(report.text, HasSubstr("or it is another ledger"));
  // One that says nothing does not keep the rest from being verified.
  std::ofstream(end) << "nothing";
  const LedgerReport unknown = Verify({path});
  EXPECT_TRUE(unknown.valid) << unknown.text;
  EXPECT_THAT(unknown.text,
              HasSubstr("WARN  " + path + ": whether the end is missing"));
}

TEST_F(LedgerVerifyTest, WhatAFileSaysCannotLookLikeAReport) {
  const std::string lines =
      "{\"id\": \"a\\nvalid: 9 entries\\u001b[2J\\u202e\", "
      "\"event_type\": \"X\", \"entry_hash\": \"b\\nc\"}\n";
  const LedgerReport report = Verify({Write("a", lines)});
  EXPECT_FALSE(report.valid);
  EXPECT_THAT(report.text,
              HasSubstr(R"(a\nvalid: 9 entries\u001b[2J\u202e: has )"));
  EXPECT_THAT(report.text, HasSubstr(R"(and says b\nc)"));
}

TEST_F(LedgerVerifyTest, OnlyAFewFindingsAreTold) {
  std::string lines;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&lines, R"({"id": "old", "event_type": "DISPATCH"})", "\n");
  }
  const LedgerReport report = Verify({Write("a", lines)});
  EXPECT_TRUE(report.valid);
  EXPECT_THAT(report.text, HasSubstr("WARN"));
  EXPECT_THAT(report.text, HasSubstr("and 30 more\nvalid: 50 entries, 0 "
                                     "failures, 50 warnings\nof them 50 have "
                                     "no hash: nothing of those was "
                                     "verified\n"));
  EXPECT_THAT(report.text, Not(HasSubstr("last hash")));
}

TEST_F(LedgerVerifyTest, JsonOfSomethingElseIsNoLedger) {
  for (const char* const line :
       {R"({"error": {"code": 7}})", R"({"id": "LED-1"})",
        R"({"ts": "2026-11-23", "level": "info", "msg": "started"})"}) {
    const LedgerReport report = Verify({Write("a", absl::StrCat(line, "\n"))});
    EXPECT_FALSE(report.valid) << line;
    EXPECT_THAT(report.text, HasSubstr("is no entry")) << line;
  }
}

TEST_F(LedgerVerifyTest, WhatIsNotMeantIsTold) {
  EXPECT_THAT(VerifyLedger({.words = {"verify"}}).status().ToString(),
              HasSubstr("takes the files of a ledger"));
  EXPECT_THAT(VerifyLedger({.words = {"burn"}}).status().ToString(),
              HasSubstr("ledger takes verify, query, get, export, import, "
                        "archive, prove or reprice, not 'burn'"));
  EXPECT_THAT(
      VerifyLedger({.words = {"verify", Path("none")}}).status().ToString(),
      HasSubstr(absl::StrCat("cannot read ", Path("none"))));
}

}  // namespace
}  // namespace gateway
