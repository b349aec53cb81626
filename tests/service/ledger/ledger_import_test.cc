#include "service/ledger/ledger_import.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/sqlite_commit_store.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// The seed's vector, as its writer orders its members.
constexpr char kSeedEntry[] =
    R"({"event_type": "DISPATCH", "submission_id": "PRC-TEST-1", )"
    R"("decision": "DISPATCHED", "reason": "Dispatching to mock/mock-model-1", )"
    R"("prompts_used": [], "metadata": {"contract_id": "PRC-TEST-1", )"
    R"("agent_id": "agent-1", "session_id": "SES-TEST0001"}, )"
    R"("id": "LED-00000001", "timestamp": "2026-01-01T00:00:00+00:00", )"
    R"("previous_hash": "", "entry_hash": )"
    R"("86a84b4a1327f255c21ef24e4a29ef8ae86980b8bf686166fdf1ebf2f3a7d7cb"})";
constexpr char kSeedHash[] =
    "86a84b4a1327f255c21ef24e4a29ef8ae86980b8bf686166fdf1ebf2f3a7d7cb";

class LedgerImportTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = folder_.Path(name);
    std::ofstream(path) << text;
    return path;
  }
  // What follows the seed's entry, or what came before.
  std::string Lines(int64_t first_call, int64_t calls) {
    std::string lines;
    for (int64_t call = first_call; call < first_call + calls; ++call) {
      DispatchOf(call).AppendChained(&hash_, &lines);
      lines.push_back('\n');
      ExchangeOf(call).AppendChained(&hash_, &lines);
      lines.push_back('\n');
    }
    return lines;
  }
  std::string All() {
    std::string all;
    EXPECT_TRUE(ReadLedgerFile(to_, [&](const LedgerCommit& commit) {
                  absl::StrAppend(&all, std::string(commit.texts));
                  return absl::OkStatus();
                }).ok());
    return all;
  }

  TemporaryFolder folder_;
  const std::string to_ = folder_.Path("ledger.db");
  std::string hash_ = kSeedHash;
};

TEST_F(LedgerImportTest, EntriesAndHashesStayAsTheyAre) {
  const std::string first = absl::StrCat(kSeedEntry, "\n", Lines(0, 1'500));
  const std::string second = Lines(1'500, 10);
  const auto imported =
      ImportLedger({Write("a", first), Write("b", second)}, to_);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->entries, 3'021);
  EXPECT_EQ(imported->last_hash, hash_);
  EXPECT_EQ(All(), first + second);
}

TEST_F(LedgerImportTest, TheGatewayGoesOnBehindTheLast) {
  const std::string lines = absl::StrCat(kSeedEntry, "\r\n\n", Lines(0, 30));
  ASSERT_TRUE(ImportLedger({Write("a", lines)}, to_).ok());
  auto log = LedgerLog::Open({.path = to_});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->end().hash, hash_);
  ASSERT_TRUE(AppendCalls(**log, {.calls = 5, .first_call = 30}).ok());
  LedgerCheck check;
  EXPECT_TRUE(
      (*log)
          ->Read(1,
                 [&](const LedgerCommit& commit) { return check.Add(commit); })
          .ok())
      << check.problem();
  EXPECT_EQ(check.checked_entries(), 71);
}

TEST_F(LedgerImportTest, ABrokenChainIsRefusedAndNothingIsLeft) {
  const std::string good = absl::StrCat(kSeedEntry, "\n", Lines(0, 600));
  struct Case {
    std::string text;
    const char* told;
  };
  std::string left_out = good;
  const size_t second = left_out.find('\n', left_out.find('\n') + 1);
  left_out.erase(second + 1, left_out.find('\n', second + 1) - second);
  for (const auto& [text, told] : std::vector<Case>{
           {absl::StrReplaceAll(good, {{"req-599", "req-600"}}),
            "line 1200: the entry "},
           {left_out, "line 3: the entry "},
           {absl::StrCat(good, "no entry\n"), "line 1202: the entry  is no "},
           {absl::StrCat("{\"id\": \"LED-old\"}\n", good),
            "line 1: the entry LED-old has no hash"}}) {
    const std::string file = Write("a", text);
    const auto imported = ImportLedger({file}, to_);
    EXPECT_TRUE(absl::IsFailedPrecondition(imported.status()));
    EXPECT_THAT(imported.status().ToString(),
                HasSubstr(absl::StrCat(file, ", ", told)));
    std::vector<std::string> files;
    for (const auto& each :
         std::filesystem::directory_iterator(folder_.path())) {
      files.push_back(each.path().string());
    }
    EXPECT_THAT(files, testing::ElementsAre(file));
  }
}

TEST_F(LedgerImportTest, AnEntryIsTakenOverOnce) {
  // In a chain as good as any, since each names the hash before it.
  const std::string once = absl::StrCat(kSeedEntry, "\n", Lines(0, 2));
  const std::string file = Write("a", once + Lines(1, 1));
  const absl::Status twice = ImportLedger({file}, to_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(twice));
  EXPECT_THAT(twice.ToString(), HasSubstr(absl::StrCat(file, ", line 6: ")));
  EXPECT_THAT(twice.ToString(), HasSubstr("is there already"));
}

TEST_F(LedgerImportTest, ShortIdsAreTheSameByChance) {
  hash_.clear();
  std::string lines;
  for (const char* const type : {"DISPATCH", "EXCHANGE", "EXCHANGE"}) {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = "LED-0123abcd";
    entry.time = absl::FromUnixSeconds(1767225600);
    UnchainedEntry(entry).AppendChained(&hash_, &lines);
    lines.push_back('\n');
  }
  const std::string file = Write("a", lines);
  EXPECT_THAT(ImportLedger({file}, to_).status().ToString(),
              HasSubstr(absl::StrCat(
                  file, ", line 3: the entry LED-0123abcd is there already")));
  lines.erase(lines.rfind('\n', lines.size() - 2) + 1);
  EXPECT_TRUE(ImportLedger({Write("a", lines)}, to_).ok());
}

TEST_F(LedgerImportTest, EntriesThatNameNotesAreTakenOverOnceAllAreClosed) {
  hash_.clear();
  const auto write = [&](std::string_view type, std::string_view metadata) {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = absl::StrCat("LED-", std::string(type));
    entry.metadata = metadata;
    std::string line;
    UnchainedEntry(entry).AppendChained(&hash_, &line);
    return line + "\n";
  };
  const std::string open =
      write("DISPATCH", R"({"gateway": {"note_hash": "1f"}})");
  const auto refused = ImportLedger({Write("a", open)}, to_);
  EXPECT_THAT(refused.status().ToString(),
              HasSubstr("the dispatch LED-DISPATCH has no exchange"));
  const std::string closed =
      open + write("EXCHANGE", R"({"dispatch_entry_id": "LED-DISPATCH"})");
  ASSERT_TRUE(ImportLedger({Write("a", closed)}, to_).ok());
  LedgerCheck check;
  EXPECT_TRUE(ReadLedgerFile(to_, [&](const LedgerCommit& commit) {
                return check.Add(commit);
              }).ok())
      << check.problem();
  check.End();
  EXPECT_TRUE(check.valid()) << check.problem();
  EXPECT_TRUE(LedgerLog::Open({.path = to_}).ok());
}

TEST_F(LedgerImportTest, AFileThatIsThereStays) {
  Write("ledger.db", "mine");
  const auto imported = ImportLedger({Write("a", kSeedEntry)}, to_);
  EXPECT_TRUE(absl::IsAlreadyExists(imported.status()));
  std::ifstream in(to_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine");
}

TEST_F(LedgerImportTest, AFileThatCannotBeReadIsNamed) {
  const auto imported = ImportLedger({folder_.Path("none")}, to_);
  EXPECT_TRUE(absl::IsNotFound(imported.status()));
  EXPECT_THAT(imported.status().ToString(), HasSubstr(folder_.Path("none")));
}

}  // namespace
}  // namespace gateway
