#include "service/state/state_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() {
    std::string parent = testing::TempDir() + "/state.XXXXXX";
    EXPECT_NE(mkdtemp(parent.data()), nullptr);
    folder_ = parent + "/kept";
  }

  std::unique_ptr<StateStore> Open() {
    absl::StatusOr<std::unique_ptr<StateStore>> store =
        StateStore::Open(folder_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // What is on disk, whoever reads it.
  std::string OnDisk(const std::string& name) {
    return ReadFile(folder_ + "/" + name, 1000).value_or("(nothing)");
  }

  int ModeOf(const std::string& path) {
    struct stat facts;
    EXPECT_EQ(stat(path.c_str(), &facts), 0);
    return facts.st_mode & 0777;
  }

  std::string folder_;
};

TEST_F(StateStoreTest, WhatWasWrittenIsReadByTheNextProcess) {
  {
    const auto store = Open();
    EXPECT_EQ(*store->Read("rollout.json"), std::nullopt);
    ASSERT_TRUE(store->Write("rollout.json", "first, and longer").ok());
    ASSERT_TRUE(store->Write("rollout.json", "second").ok());
    ASSERT_TRUE(store->Write("other", "").ok());
  }
  const auto store = Open();
  EXPECT_EQ(*store->Read("rollout.json"), "second");
  EXPECT_EQ(*store->Read("other"), "");
}

TEST_F(StateStoreTest, FolderAndFilesAreTheirOwnersAlone) {
  const auto store = Open();
  EXPECT_TRUE(store->is_persistent());
  EXPECT_EQ(store->folder(), folder_);
  ASSERT_TRUE(store->Write("config.json", "secret").ok());
  EXPECT_EQ(ModeOf(folder_), 0700);
  EXPECT_EQ(ModeOf(folder_ + "/config.json"), 0600);
  EXPECT_EQ(ModeOf(folder_ + "/.lock"), 0600);
}

TEST_F(StateStoreTest, OneProcessHasAFolderAtATime) {
  auto first = Open();
  const absl::Status second = StateStore::Open(folder_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr(folder_));
  first.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(StateStoreTest, ADamagedDocumentIsSetAsideAndToldUntilItIsRemoved) {
  auto store = Open();
  ASSERT_TRUE(store->Write("rollout.json", "half of it").ok());
  store->Restore("rollout.json", "nothing is in force",
                 [](std::string_view bytes) {
                   EXPECT_EQ(bytes, "half of it");
                   return absl::DataLossError("is cut short");
                 });
  EXPECT_EQ(*store->Read("rollout.json"), std::nullopt);
  ASSERT_EQ(store->damaged().size(), 1u);
  const std::string kept = store->damaged()[0];
  EXPECT_THAT(kept, HasSubstr(folder_ + "/rollout.json.damaged-20"));
  EXPECT_EQ(*ReadFile(kept, 1000), "half of it");
  // The next process, whose own is whole, tells it still.
  ASSERT_TRUE(store->Write("rollout.json", "whole").ok());
  store.reset();
  store = Open();
  EXPECT_THAT(store->damaged(), testing::ElementsAre(kept));
  std::string restored;
  store->Restore("rollout.json", "never said", [&](std::string_view bytes) {
    restored = bytes;
    return absl::OkStatus();
  });
  EXPECT_EQ(restored, "whole");
  ASSERT_EQ(unlink(kept.c_str()), 0);
  store->FindDamaged();
  EXPECT_TRUE(store->damaged().empty());
}

TEST_F(StateStoreTest, ADocumentThatCannotBeReadIsSetAsideUnseen) {
  const auto store = Open();
  ASSERT_EQ(mkdir((folder_ + "/rollout.json").c_str(), 0700), 0);
  store->Restore("rollout.json", "nothing is in force", [](std::string_view) {
    ADD_FAILURE() << "there is nothing to take";
    return absl::OkStatus();
  });
  EXPECT_EQ(store->damaged().size(), 1u);
  EXPECT_TRUE(store->Write("rollout.json", "whole").ok());
}

TEST_F(StateStoreTest, NothingIsRestoredWhereThereIsNothing) {
  const auto store = Open();
  const auto never = [](std::string_view) {
    ADD_FAILURE() << "there is nothing to take";
    return absl::OkStatus();
  };
  store->Restore("rollout.json", "never said", never);
  StateStore().Restore("rollout.json", "never said", never);
  EXPECT_TRUE(store->damaged().empty());
}

TEST_F(StateStoreTest, WhatIsWrittenSoonIsThereWhenTheStoreIsGone) {
  {
    const auto store = Open();
    store->WriteSoon("disabled.json", [] { return "first"; });
    store->WriteSoon("disabled.json", [] { return "last"; });
    store->WriteSoon("other.json", [] { return "too"; });
  }
  EXPECT_EQ(OnDisk("disabled.json"), "last");
  EXPECT_EQ(OnDisk("other.json"), "too");
}

TEST_F(StateStoreTest, AWriteIsNotUndoneByAnEarlierOneThatWaited) {
  for (int i = 0; i < 100; ++i) {
    {
      const auto store = Open();
      store->WriteSoon("document", [] { return "earlier"; });
      ASSERT_TRUE(store->Write("document", "later").ok());
    }
    ASSERT_EQ(OnDisk("document"), "later") << i;
  }
}

TEST_F(StateStoreTest, WhatIsSaidIsInForceOnceItIsOnDisk) {
  const auto store = Open();
  std::string on_disk_then;
  EXPECT_TRUE(store
                  ->WriteThen(
                      "document", [] { return "said"; },
                      [&] { on_disk_then = OnDisk("document"); })
                  .ok());
  EXPECT_EQ(on_disk_then, "said");
  ASSERT_EQ(mkdir((folder_ + "/taken").c_str(), 0700), 0);
  const absl::Status refused = store->WriteThen(
      "taken", [] { return "said"; }, [] { FAIL() << "is in force"; });
  EXPECT_THAT(std::string(refused.message()), HasSubstr(folder_ + "/taken: "));
}

TEST_F(StateStoreTest, WhatChangesWhileItIsWrittenIsWrittenAfterIt) {
  {
    const auto store = Open();
    ASSERT_TRUE(store
                    ->WriteThen(
                        "document",
                        [&store] {
                          store->WriteSoon("document", [] { return "later"; });
                          return "earlier";
                        },
                        [] {})
                    .ok());
  }
  EXPECT_EQ(OnDisk("document"), "later");
}

TEST_F(StateStoreTest, WhatChangesAllTheTimeIsWrittenAgainAndAtTheEnd) {
  Event second;
  std::atomic<int> written = 0;
  {
    const auto store = Open();
    store->WriteEvery("document", absl::Milliseconds(1), [&] {
      if (++written == 2) second.Set();
      return std::to_string(written);
    });
    ASSERT_TRUE(second.Wait());
  }
  EXPECT_EQ(OnDisk("document"), std::to_string(written));
  {
    const auto store = Open();
    store->WriteSoon("soon", [] { return "when it is closed"; });
    store->Close();
    EXPECT_EQ(OnDisk("soon"), "when it is closed");
  }
  {
    const auto store = Open();
    store->WriteEvery("document", absl::Hours(1), [] { return "at the end"; });
    store->WriteEvery("other", absl::Hours(1), [] { return ""; });
  }
  EXPECT_EQ(OnDisk("document"), "at the end");
  EXPECT_EQ(OnDisk("other"), "(nothing)");
}

TEST_F(StateStoreTest, DraftsThatAProcessLeftAreRemoved) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write("config.json", "kept").ok());
  }
  std::ofstream(folder_ + "/config.json.aB3x9Z") << "half of a tex";
  ASSERT_EQ(mkdir((folder_ + "/a.folder").c_str(), 0700), 0);
  std::ofstream(folder_ + "/notes.txt") << "an operator's";
  const auto store = Open();
  EXPECT_EQ(OnDisk("config.json.aB3x9Z"), "(nothing)");
  EXPECT_EQ(OnDisk("config.json"), "kept");
  EXPECT_EQ(OnDisk("notes.txt"), "an operator's");
  EXPECT_EQ(ModeOf(folder_ + "/a.folder"), 0700);
}

TEST_F(StateStoreTest, WhatIsRemovedIsGone) {
  const auto store = Open();
  EXPECT_TRUE(store->Remove("document").ok());
  ASSERT_TRUE(store->Write("document", "bytes").ok());
  EXPECT_TRUE(store->Remove("document").ok());
  EXPECT_EQ(*store->Read("document"), std::nullopt);
}

TEST_F(StateStoreTest, ErrorsNameTheFile) {
  const absl::Status no_parent =
      StateStore::Open("/nonexistent/folder").status();
  EXPECT_EQ(no_parent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_parent.message()),
              HasSubstr("/nonexistent/folder"));

  const auto store = Open();
  ASSERT_EQ(mkdir((folder_ + "/taken").c_str(), 0700), 0);
  EXPECT_THAT(std::string(store->Write("taken", "bytes").message()),
              HasSubstr(folder_ + "/taken: "));
  EXPECT_THAT(std::string(store->Read("taken").status().message()),
              HasSubstr(folder_ + "/taken: "));
  EXPECT_FALSE(store->Remove("taken").ok());
}

TEST_F(StateStoreTest, AFileIsNoFolder) {
  std::ofstream(folder_) << "bytes";
  EXPECT_FALSE(StateStore::Open(folder_).ok());
}

TEST_F(StateStoreTest, ADocumentHasALimit) {
  const auto store = Open();
  std::string bytes(kStateDocumentBytesLimit, 'x');
  EXPECT_TRUE(store->Write("large", bytes).ok());
  bytes += 'x';
  const absl::Status refused = store->Write("large", bytes);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*store->Read("large"))->size(), kStateDocumentBytesLimit);
}

TEST(ForgetfulStateStoreTest, KeepsNothingAndSaysSo) {
  StateStore store;
  EXPECT_FALSE(store.is_persistent());
  EXPECT_TRUE(store.Write("document", "bytes").ok());
  store.WriteSoon("document", [] { return "bytes"; });
  store.WriteEvery("document", absl::Seconds(1), [] { return "bytes"; });
  EXPECT_EQ(*store.Read("document"), std::nullopt);
  EXPECT_TRUE(store.Remove("document").ok());
}

}  // namespace
}  // namespace gateway
