#include "service/audit/audit_store.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1767323045);

// An entry of a call, so many seconds after the start.
AuditEntry CallAt(int64_t id, int second) {
  AuditEntry entry;
  entry.id = id;
  entry.time = kStart + absl::Seconds(second);
  entry.outcome = AuditOutcome::kSucceeded;
  entry.texts.Add(absl::StrCat("r", id));
  return entry;
}

AuditEntry With(AuditEntry entry, AuditText which, std::string_view text) {
  entry.texts.Replace(which, text);
  return entry;
}

class AuditStoreTest : public testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    store_.reset();
    auto store = AuditStore::Open({.path = path_});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void Append(std::vector<AuditEntry> entries) {
    const absl::Status status = store_->Append(entries);
    ASSERT_TRUE(status.ok()) << status;
  }
  AuditPage Search(AuditQuery query) {
    auto page = store_->SearchBlocking(std::move(query));
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : AuditPage();
  }
  std::vector<int64_t> Ids(AuditFilter filter) {
    std::vector<int64_t> ids;
    for (const AuditEntry& entry : Search({.filter = filter}).entries) {
      ids.push_back(entry.id);
    }
    return ids;
  }
  // All bytes of the file, and of what SQLite has beside it.
  std::string Bytes() {
    std::string all;
    for (const char* const suffix : {"", "-wal"}) {
      std::ifstream in(path_ + suffix, std::ios::binary);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.Path("audit.db");
  std::unique_ptr<AuditStore> store_;
};

TEST_F(AuditStoreTest, AnEntryIsReadAsItWasWritten) {
  AuditEntry entry = CallAt(7, 1);
  for (size_t i = 1; i < kAuditTexts; ++i)
    entry.texts.Add(absl::StrCat("t", i));
  entry.outcome = AuditOutcome::kFailed;
  entry.stream = true;
  entry.failure = 3;
  entry.status_code = 4;
  entry.http_status = 429;
  entry.finish_reason = 2;
  entry.attempts = 5;
  for (size_t i = 0; i < AuditUsage::kTokenKinds; ++i) {
    entry.usage.tokens[i] = 100 + static_cast<int64_t>(i);
  }
  entry.usage.cost_known = true;
  entry.usage.charged_nanos = 12345;
  entry.usage.estimated = true;
  entry.duration = absl::Milliseconds(17);
  entry.request_bytes = 18;
  entry.response_bytes = 19;
  entry.entries = 20;
  entry.request = {.bytes = "asked",
                   .is_kept = true,
                   .kept_bytes = 5,
                   .truncated = true,
                   .redactions = 2};
  entry.response = {.is_kept = true, .unavailable = "no room"};
  Append({entry});
  const AuditPage page = Search({.bodies = true});
  ASSERT_EQ(page.entries.size(), 1);
  const AuditEntry& read = page.entries.front();
  EXPECT_EQ(read.id, 7);
  EXPECT_EQ(read.kind, AuditKind::kCall);
  EXPECT_EQ(read.time, entry.time);
  for (size_t i = 0; i < kAuditTexts; ++i) {
    const auto text = static_cast<AuditText>(i);
    EXPECT_EQ(read.texts[text], entry.texts[text]);
  }
  EXPECT_EQ(read.outcome, AuditOutcome::kFailed);
  EXPECT_TRUE(read.stream);
  EXPECT_EQ(read.failure, 3);
  EXPECT_EQ(read.status_code, 4);
  EXPECT_EQ(read.http_status, 429);
  EXPECT_EQ(read.finish_reason, 2);
  EXPECT_EQ(read.attempts, 5);
  EXPECT_EQ(read.usage, entry.usage);
  EXPECT_EQ(read.duration, entry.duration);
  EXPECT_EQ(read.request_bytes, 18);
  EXPECT_EQ(read.response_bytes, 19);
  EXPECT_EQ(read.entries, 20);
  EXPECT_EQ(read.request.bytes, "asked");
  EXPECT_EQ(read.request.kept_bytes, 5);
  EXPECT_TRUE(read.request.truncated);
  EXPECT_EQ(read.request.redactions, 2);
  EXPECT_EQ(read.response.unavailable, "no room");
}

TEST_F(AuditStoreTest, ToAppendAgainChangesNothing) {
  AuditEntry entry = CallAt(1, 1);
  entry.request = {.bytes = "asked", .is_kept = true};
  Append({entry});
  entry.status_code = 13;
  Append({entry, CallAt(2, 2)});
  EXPECT_THAT(Ids({}), ElementsAre(2, 1));
  EXPECT_EQ(Search({}).entries.back().status_code, 0);
}

TEST_F(AuditStoreTest, DeletionIsRecordedAndOverwritesWhatItDeletes) {
  std::vector<AuditEntry> entries;
  for (int64_t id = 1; id <= 10; ++id) {
    entries.push_back(With(CallAt(id, static_cast<int>(id)), AuditText::kCaller,
                           "canary-caller"));
    entries.back().request = {.bytes = "canary-body", .is_kept = true};
  }
  entries.push_back(CallAt(11, 20));
  Append(entries);
  AuditEntry record = CallAt(12, 30);
  record.kind = AuditKind::kDeletion;
  const absl::Time before = kStart + absl::Seconds(11);
  EXPECT_EQ(*store_->Delete(before, 6, record), 6);
  EXPECT_EQ(*store_->Delete(before, 6, record), 4);
  EXPECT_EQ(*store_->Delete(before, 6, record), 0);
  EXPECT_THAT(Ids({}), ElementsAre(11));
  const AuditPage told = Search({.filter = {.kind = AuditKind::kDeletion}});
  ASSERT_EQ(told.entries.size(), 1);
  EXPECT_EQ(told.entries.front().entries, 10);
  // What tells of deletions is not deleted, whatever its age.
  record.id = 13;
  EXPECT_EQ(*store_->Delete(absl::InfiniteFuture(), 100, record), 1);
  EXPECT_EQ(Search({.filter = {.kind = AuditKind::kDeletion}}).entries.size(),
            2);
  // Once the log is in the file, nothing of them is anywhere.
  store_.reset();
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(1));
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE((*db)->Execute("PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  EXPECT_EQ(Bytes().find("canary"), std::string::npos);
}

TEST_F(AuditStoreTest, TheNextWhoOpensItKnowsWhenTheClockWasLookedAt) {
  EXPECT_EQ(store_->looked_at(), absl::InfinitePast());
  ASSERT_TRUE(store_->KeepLook(kStart).ok());
  ASSERT_TRUE(store_->KeepLook(kStart + absl::Hours(1)).ok());
  Open();
  EXPECT_EQ(store_->looked_at(), kStart + absl::Hours(1));
}

TEST_F(AuditStoreTest, NothingIsDeletedWithoutARecord) {
  Append({CallAt(1, 1)});
  AuditEntry record = CallAt(2, 2);
  record.kind = AuditKind::kDeletion;
  EXPECT_EQ(*store_->Delete(kStart, 10, record), 0);
  EXPECT_THAT(Search({.filter = {.kind = AuditKind::kDeletion}}).entries,
              IsEmpty());
}

TEST_F(AuditStoreTest, AnIdIsNeverGivenTwice) {
  EXPECT_EQ(store_->last_id(), 0);
  Append({CallAt(5, 1)});
  AuditEntry record = CallAt(6, 2);
  record.kind = AuditKind::kDeletion;
  EXPECT_EQ(*store_->Delete(absl::InfiniteFuture(), 10, record), 1);
  Open();
  EXPECT_EQ(store_->last_id(), 6);
}

TEST_F(AuditStoreTest, TheFileIsItsOwnersAlone) {
  Append({CallAt(1, 1)});
  for (const char* const suffix : {"", "-wal"}) {
    const auto mode = std::filesystem::status(path_ + suffix).permissions();
    EXPECT_EQ(mode & (std::filesystem::perms::group_all |
                      std::filesystem::perms::others_all),
              std::filesystem::perms::none)
        << suffix;
  }
}

}  // namespace
}  // namespace gateway
