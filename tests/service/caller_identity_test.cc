#include "service/caller_identity.h"

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/async/blocking_worker.h"
#include "base/async/worker_pool.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/identity/key_registry.h"
#include "service/identity/remembered_callers.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/event.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// A key that somebody has, as RFC 8037, appendix A.2, shows it.
constexpr char kKeySet[] =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",)"
    R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

class CallerIdentityTest : public testing::Test {
 protected:
  ~CallerIdentityTest() override { loop_.Stop(); }

  LoopRuntime::Shared Shared() {
    LoopRuntime::Shared shared{resolver_,
                               snapshot_,
                               work_,
                               /*access_log=*/nullptr,
                               metrics_,
                               feed_,
                               health_,
                               registry_};
    shared.digester = &identity_.digester();
    return shared;
  }

  BlockingWorker worker_{{.name = "test"}};
  KeyRegistry issued_{SystemClock()};
  CallerIdentity identity_{issued_, worker_};
  Resolver resolver_;
  CurrentRuntime snapshot_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  MetricRegistry registry_{SystemClock()};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  ProviderHealthBoard health_;
  WorkerPool work_{/*threads_each=*/1};
  LoopRuntime loop_{Shared()};
};

TEST_F(CallerIdentityTest, RuntimesTakeWhatIsIssuedAndWhoSignsFromIt) {
  EXPECT_EQ(identity_.ports().issued_keys, &issued_);
  EXPECT_NE(identity_.ports().key_sets, nullptr);
}

TEST_F(CallerIdentityTest, KeySetsInUseWereReadWhenItHasStarted) {
  const std::string path = testing::TempDir() + "/keys.json";
  std::ofstream(path) << kKeySet;
  KeySets& key_sets = *identity_.ports().key_sets;
  const std::shared_ptr<IssuerKeys> keys = key_sets.Find(
      {.issuer = "https://id.example", .key_set = "file:" + path});
  const std::shared_ptr<IssuerKeys> absent =
      key_sets.Find({.issuer = "https://id.example", .key_set = "file:/none"});
  for (const auto& each : {keys, absent}) key_sets.Use(*each, {});
  ASSERT_TRUE(loop_.Start(0, {}).ok());
  identity_.Start(loop_);
  ASSERT_NE(keys->Get(), nullptr);
  EXPECT_EQ(keys->Get()->size(), 1u);
  EXPECT_EQ(absent->Get(), nullptr);
  identity_.Stop();
}

TEST_F(CallerIdentityTest, NothingIsToBeStoppedBeforeTheStart) {
  ASSERT_TRUE(loop_.Start(0, {}).ok());
  identity_.Stop();
}

TEST_F(CallerIdentityTest, LoopsRememberWhomTheyKnow) {
  EXPECT_EQ(RememberedCallers::Current(), nullptr);
  ASSERT_TRUE(loop_.Start(0, {}).ok());
  Event looked;
  bool remembers = false;
  loop_.loop().Post([&] {
    remembers = RememberedCallers::Current() != nullptr;
    looked.Set();
  });
  ASSERT_TRUE(looked.Wait());
  EXPECT_TRUE(remembers);
}

}  // namespace
}  // namespace gateway
