#include "service/reload/reload_thread.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_reader.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_reloader.h"
#include "service/state/state_store.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

class ReloadThreadTest : public testing::Test {
 protected:
  ReloadThreadTest() {
    std::string folder = testing::TempDir() + "/thread.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    file_ = folder + "/gateway.yaml";
  }

  void WriteFile(const std::string& reply, const std::string& watch) {
    std::ofstream(file_) << "providers: [{name: mock, mock: {reply: '" << reply
                         << "'}}]\nruntime: {watch_files: " << watch << "}\n";
  }

  void Begin() {
    reloader_ = ConfigReloader::Make(
        {.kinds = AllProviderKinds(), .file = file_, .state = &store_},
        ReadConfigFile(AllProviderKinds(), file_, {}, clock_.WallTime()));
    runtime_ = std::make_unique<CurrentRuntime>(
        *RuntimeSnapshot::Make(reloader_->first()));
    reloader_->Begin(
        runtime_.get(),
        [this](const ConfigSnapshot&) -> absl::StatusOr<std::function<void()>> {
          if (on_prepare_) std::exchange(on_prepare_, nullptr)();
          return [this] {
            if (++committed_ == 2) twice_.Set();
          };
        });
    subscription_ = reloader_->Subscribe([this] { changed_.Set(); });
  }

  std::string Reply() {
    return runtime_->Get()->config().providers(0).mock().reply();
  }

  std::string file_;
  FakeClock clock_;
  StateStore store_;
  Event changed_;
  Event released_;
  std::function<void()> on_prepare_;
  int committed_ = 0;  // On the thread that loads.
  Event twice_;
  std::unique_ptr<ConfigReloader> reloader_;
  std::unique_ptr<CurrentRuntime> runtime_;
  std::unique_ptr<ConfigReloader::Subscription> subscription_;
};

TEST_F(ReloadThreadTest, AFileThatIsWrittenIsLoaded) {
  WriteFile("one", "true");
  Begin();
  ReloadThread thread(*reloader_, [this] { released_.Set(); });
  ASSERT_TRUE(thread.Start().ok());
  WriteFile("two", "true");
  ASSERT_TRUE(changed_.Wait());
  EXPECT_EQ(Reply(), "two");
  EXPECT_TRUE(released_.Wait());
}

TEST_F(ReloadThreadTest, SoIsOneThatChangedBeforeItWasWatched) {
  WriteFile("one", "true");
  Begin();
  WriteFile("two", "true");
  ReloadThread thread(*reloader_, [] {});
  ASSERT_TRUE(thread.Start().ok());
  ASSERT_TRUE(changed_.Wait());
  EXPECT_EQ(Reply(), "two");
}

TEST_F(ReloadThreadTest, SoIsAFileThatChangedBetweenItsNamingAndItsWatch) {
  WriteFile("one", "true");
  Begin();
  const std::string key = file_ + ".key";
  std::ofstream(key) << "first-key-of-the-team";
  // It has been read then, and is not watched yet.
  on_prepare_ = [&key] { std::ofstream(key) << "second-key-of-the-team"; };
  ReloadThread thread(*reloader_, [] {});
  ASSERT_TRUE(thread.Start().ok());
  const std::string draft = file_ + ".draft";
  std::ofstream(draft) << "providers: [{name: mock, mock: {}}]\n"
                       << "auth: {callers: {api_keys: [{id: team, key: 'file:"
                       << key << "'}]}}\n";
  ASSERT_EQ(rename(draft.c_str(), file_.c_str()), 0);
  ASSERT_TRUE(twice_.Wait());
  EXPECT_EQ(runtime_->Get()->snapshot().caller_keys()[0].key->Reveal(),
            "second-key-of-the-team");
}

TEST_F(ReloadThreadTest, WithoutWatchingItIsLoadedWhenTold) {
  WriteFile("one", "false");
  Begin();
  ReloadThread thread(*reloader_, [] {});
  ASSERT_TRUE(thread.Start().ok());
  WriteFile("two", "false");
  EXPECT_EQ(Reply(), "one");
  thread.Poke();
  ASSERT_TRUE(changed_.Wait());
  EXPECT_EQ(Reply(), "two");
}

}  // namespace
}  // namespace gateway
