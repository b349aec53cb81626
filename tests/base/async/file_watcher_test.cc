#include "base/async/file_watcher.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

class FileWatcherTest : public testing::Test {
 protected:
  FileWatcherTest() {
    std::string folder = testing::TempDir() + "/watched.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    file_ = folder_ + "/gateway.yaml";
    Write(file_, "first");
    OnLoop([this] {
      watcher_ = std::make_unique<FileWatcher>([this] {
        ++told_;
        changed_.Set();
      });
    });
  }
  ~FileWatcherTest() override {
    OnLoop([this] { watcher_.reset(); });
  }

  void OnLoop(const std::function<void()>& work) {
    EXPECT_TRUE(loop_.Run(work));
  }

  void Watch(std::vector<std::string> paths) {
    OnLoop([&] { EXPECT_TRUE(watcher_->Watch(paths).ok()); });
  }

  // Waits until a change is told; how often one was, since the last look.
  int Told() {
    EXPECT_TRUE(loop_.RunTask([this]() -> Task<void> {
      while (told_ == 0) co_await changed_.Wait();
    }));
    int told = 0;
    OnLoop([&] { told = std::exchange(told_, 0); });
    return told;
  }

  std::string folder_;
  std::string file_;
  int told_ = 0;  // On the loop.
  WakeUp changed_;
  std::unique_ptr<FileWatcher> watcher_;
  LoopThread loop_;
};

TEST_F(FileWatcherTest, AFileThatIsWrittenIsTold) {
  Watch({file_});
  Write(file_, "second");
  EXPECT_EQ(Told(), 1);
  Write(file_, "third");
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, AFileThatIsReplacedByARenameIsTold) {
  Watch({file_});
  for (int i = 0; i < 3; ++i) {
    Write(folder_ + "/draft", "another");
    fs::rename(folder_ + "/draft", file_);
    EXPECT_EQ(Told(), 1) << i;
  }
}

TEST_F(FileWatcherTest, ManyChangesAtOnceAreToldOnce) {
  Watch({file_});
  // Within one turn of the loop, however long that takes.
  OnLoop([this] {
    for (int i = 0; i < 20; ++i) Write(file_, std::to_string(i));
  });
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, AnotherFileInTheFolderIsNotTold) {
  const std::string other = folder_ + "/other";
  Watch({file_});
  Write(other, "x");
  fs::remove(other);
  Write(file_, "second");
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, AFileThatComesAndGoesIsTold) {
  const std::string file = folder_ + "/later/secrets/key";
  Watch({file});
  fs::create_directory(folder_ + "/later");
  Told();
  fs::create_directory(folder_ + "/later/secrets");
  Told();
  Write(file, "key");
  Told();
  fs::remove(file);
  Told();
}

TEST_F(FileWatcherTest, AFolderThatIsReplacedIsTold) {
  const std::string inner = folder_ + "/inner";
  fs::create_directory(inner);
  Write(inner + "/key", "first");
  Watch({inner + "/key"});
  fs::rename(inner, folder_ + "/old");
  Told();
  fs::create_directory(inner);
  Told();
  Write(inner + "/key", "second");
  Told();
}

TEST_F(FileWatcherTest, SoIsOneFurtherUp) {
  const std::string up = folder_ + "/up";
  const std::string key = up + "/middle/inner/key";
  fs::create_directories(up + "/middle/inner");
  Write(key, "first");
  fs::create_directories(folder_ + "/next/middle/inner");
  Write(folder_ + "/next/middle/inner/key", "second");
  Watch({key});
  fs::rename(up, folder_ + "/old");
  fs::rename(folder_ + "/next", up);
  EXPECT_EQ(Told(), 1);
  // What is there now is watched, and no more what was.
  Write(key, "third");
  EXPECT_EQ(Told(), 1);
  Write(folder_ + "/old/middle/inner/key", "nobody's");
  Write(key, "fourth");
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, SoIsALinkToAFolderOnTheWay) {
  for (const char* version : {"/1", "/2"}) {
    fs::create_directories(folder_ + version + "/inner");
    Write(folder_ + version + "/inner/key", version);
  }
  fs::create_directory_symlink("1", folder_ + "/current");
  Watch({folder_ + "/current/inner/key"});
  fs::create_directory_symlink("2", folder_ + "/new");
  fs::rename(folder_ + "/new", folder_ + "/current");
  EXPECT_EQ(Told(), 1);
  Write(folder_ + "/2/inner/key", "in place");
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, AFileInPlaceOfAFolderIsTold) {
  const std::string key = folder_ + "/key";
  fs::create_directory(key);
  Watch({key});
  fs::remove(key);
  Told();
  Write(key, "key");
  EXPECT_EQ(Told(), 1);
}

// As the kubelet does it: `key` leads to `..data/key`, `..data` to a folder.
TEST_F(FileWatcherTest, LinksThatLeadElsewhereAreTold) {
  const std::string key = folder_ + "/key";
  const auto publish = [&](const std::string& version) {
    const std::string data = folder_ + "/.." + version;
    fs::create_directory(data);
    Write(data + "/key", version);
    fs::create_symlink(".." + version, folder_ + "/..data_tmp");
    fs::rename(folder_ + "/..data_tmp", folder_ + "/..data");
  };
  publish("2026_01");
  fs::create_symlink("..data/key", key);
  Watch({key});
  publish("2026_02");
  EXPECT_EQ(Told(), 1);
  publish("2026_03");
  EXPECT_EQ(Told(), 1);
  // Also where the last of the links leads.
  Write(folder_ + "/..2026_03/key", "in place");
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, ALinkToItselfEnds) {
  const std::string loop = folder_ + "/loop";
  fs::create_symlink("loop", loop);
  Watch({loop});
  fs::remove(loop);
  EXPECT_EQ(Told(), 1);
}

TEST_F(FileWatcherTest, WhatIsWatchedNoMoreIsNotTold) {
  const std::string other = folder_ + "/other";
  Write(other, "x");
  Watch({file_});
  Watch({other});
  Write(file_, "second");
  Write(other, "y");
  EXPECT_EQ(Told(), 1);
}

}  // namespace
}  // namespace gateway
