#include "service/ledger/sqlite_commit_store.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

constexpr absl::Time kStored = absl::FromUnixMicros(1767225600'500'001);

class SqliteCommitStoreTest : public testing::Test {
 protected:
  SqliteCommitStoreTest() {
    auto store = SqliteCommitStore::Open({.path = path_});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::Status Append(int64_t number, std::string_view hash) {
    return store_->Append({.commit = {.number = number,
                                      .first_entry = 2 * number - 1,
                                      .entries = 2,
                                      .time = kStored,
                                      .texts = "one\ntwo\n",
                                      .notes = "notes"},
                           .last_hash = hash});
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<SqliteCommitStore> store_;
};

TEST_F(SqliteCommitStoreTest, TheLastCommitIsFound) {
  EXPECT_EQ(store_->Last()->number, 0);
  ASSERT_TRUE(Append(1, "a").ok());
  ASSERT_TRUE(Append(2, "b").ok());
  const auto last = store_->Last();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->number, 2);
  EXPECT_EQ(last->first_entry, 3);
  EXPECT_EQ(last->entries, 2);
  EXPECT_EQ(last->hash, "b");
  EXPECT_EQ(last->texts, "one\ntwo\n");
}

TEST_F(SqliteCommitStoreTest, NoNumberIsThereTwice) {
  ASSERT_TRUE(Append(1, "a").ok());
  EXPECT_FALSE(Append(1, "b").ok());
  EXPECT_EQ(store_->Last()->hash, "a");
}

TEST_F(SqliteCommitStoreTest, CommitsAreReadWhileOthersAreAppended) {
  ASSERT_TRUE(Append(1, "a").ok());
  std::vector<int64_t> numbers;
  const absl::Status read = store_->Read(1, [&](const LedgerCommit& commit) {
    numbers.push_back(commit.number);
    EXPECT_EQ(commit.time, kStored);
    EXPECT_EQ(commit.notes, "notes");
    return Append(commit.number + 1, "b");
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(numbers, std::vector<int64_t>{1});
}

TEST_F(SqliteCommitStoreTest, TheCheckpointIsTheLastOneThatWasKept) {
  EXPECT_EQ(store_->LoadCheckpoint()->end, LedgerEnd());
  for (const char* const state : {"first", "second"}) {
    ASSERT_TRUE(store_
                    ->KeepCheckpoint({.end = {1, 2, "hash"},
                                      .open_dispatches = "open",
                                      .state = state})
                    .ok());
  }
  const auto kept = store_->LoadCheckpoint();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->end, (LedgerEnd{1, 2, "hash"}));
  EXPECT_EQ(kept->open_dispatches, "open");
  EXPECT_EQ(kept->state, "second");
}

TEST_F(SqliteCommitStoreTest, ACheckpointThatWasChangedIsNone) {
  ASSERT_TRUE(
      store_->KeepCheckpoint({.end = {1, 2, "hash"}, .state = "spent"}).ok());
  {
    const auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)->Execute("UPDATE checkpoint SET entries = 3").ok());
  }
  EXPECT_EQ(store_->LoadCheckpoint()->end, LedgerEnd());
}

TEST_F(SqliteCommitStoreTest, OneWhoseLastCommitsAreGoneIsNotOpened) {
  ASSERT_TRUE(Append(1, "a").ok());
  store_.reset();
  const std::string backup = folder_.Path("backup.db");
  std::filesystem::copy_file(path_, backup);
  const auto open = [&] { return SqliteCommitStore::Open({.path = path_}); };
  store_ = *open();
  ASSERT_TRUE(Append(2, "b").ok());
  store_.reset();
  std::filesystem::rename(backup, path_);
  const absl::Status gone = open().status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kDataLoss) << gone;
  EXPECT_NE(gone.message().find("had 4 entries, and its file has 2"),
            std::string::npos)
      << gone;
  // Nor a new file in its place.
  std::filesystem::remove(path_);
  EXPECT_EQ(open().status().code(), absl::StatusCode::kDataLoss);
  // Unless somebody says that it is meant.
  std::filesystem::remove(path_ + ".end");
  EXPECT_TRUE(open().ok());
}

TEST_F(SqliteCommitStoreTest, ALogThatMayMendItIsKept) {
  ASSERT_TRUE(Append(1, "a").ok());
  // As after a kill.
  const std::string killed = folder_.Path("killed.db");
  for (const char* const end : {"", "-wal"}) {
    std::filesystem::copy_file(path_ + end, killed + end);
  }
  std::ofstream(killed + ".end") << "2 4 b\n";
  const auto bytes = std::filesystem::file_size(killed + "-wal");
  EXPECT_EQ(SqliteCommitStore::Open({.path = killed}).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(std::filesystem::file_size(killed + "-wal"), bytes);
}

TEST_F(SqliteCommitStoreTest, WhatALossOfPowerMayTakeIsGoneOnWithout) {
  ASSERT_TRUE(Append(1, "a").ok());
  store_.reset();
  const auto open = [&](SqliteSync sync) {
    return SqliteCommitStore::Open({.path = path_, .sync = sync}).status();
  };
  const auto say = [&](std::string_view boot) {
    std::ofstream(path_ + ".end") << "2 4 b " << boot << "\n";
  };
  say("01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_TRUE(open(SqliteSync::kNormal).ok());
  // What the disk was waited for it has, whatever the machine did.
  EXPECT_EQ(open(SqliteSync::kFull).code(), absl::StatusCode::kDataLoss);
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  say(boot);
  EXPECT_EQ(open(SqliteSync::kNormal).code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteCommitStoreTest, IsForOneProcess) {
  EXPECT_EQ(SqliteCommitStore::Open({.path = path_}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteCommitStoreTest, IsForOneProcessAlsoWhereItsEndWasTakenAway) {
  std::filesystem::remove(LedgerEndPath(path_));
  const absl::Status second = SqliteCommitStore::Open({.path = path_}).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()),
              testing::HasSubstr(path_ + ": is locked: another process"));
}

TEST_F(SqliteCommitStoreTest, HasOneName) {
  store_ = nullptr;
  const std::string other = folder_.Path("other.db");
  std::filesystem::create_hard_link(path_, other);
  const absl::Status linked = SqliteCommitStore::Open({.path = other}).status();
  EXPECT_EQ(linked.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(linked.message()),
              testing::HasSubstr(other + ": has 2 names"));
}

}  // namespace
}  // namespace gateway
