#include "service/state/state_store.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

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

TEST_F(StateStoreTest, WhatIsWrittenSoonIsThereWhenTheStoreIsGone) {
  {
    const auto store = Open();
    store->WriteSoon("disabled.json", "first");
    store->WriteSoon("disabled.json", "last");
    store->WriteSoon("other.json", "too");
  }
  EXPECT_EQ(OnDisk("disabled.json"), "last");
  EXPECT_EQ(OnDisk("other.json"), "too");
}

TEST_F(StateStoreTest, AWriteIsNotUndoneByAnEarlierOneThatWaited) {
  for (int i = 0; i < 100; ++i) {
    {
      const auto store = Open();
      store->WriteSoon("document", "earlier");
      ASSERT_TRUE(store->Write("document", "later").ok());
    }
    ASSERT_EQ(OnDisk("document"), "later") << i;
  }
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
  store.WriteSoon("document", "bytes");
  EXPECT_EQ(*store.Read("document"), std::nullopt);
  EXPECT_TRUE(store.Remove("document").ok());
}

}  // namespace
}  // namespace gateway
