#include "service/pipeline/key_set_metrics.h"

#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/identity/key_sets.h"
#include "service/observability/metrics.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/no_http_client.h"

namespace gateway {
namespace {

// A key that somebody has, as RFC 8037, appendix A.2, shows it.
constexpr char kOneKey[] =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",)"
    R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

std::map<std::string, double> ReadAll(MetricRegistry& registry) {
  std::map<std::string, double> read;
  for (const MetricFamilyValue& family : registry.Read().families) {
    for (const MetricValue& metric : family.metrics) {
      read[absl::StrCat(family.name, " ", metric.labels[0].second)] =
          metric.number;
    }
  }
  return read;
}

TEST(KeySetMetricsTest, TellOfEachIssuer) {
  FakeRandom chance(1);
  NoHttpClient http;
  BlockingWorker worker{{.name = "test"}};
  KeySets sets(SystemClock(), chance, worker);
  MetricRegistry registry(SystemClock());
  AddKeySetMetrics(sets, registry);
  EXPECT_TRUE(ReadAll(registry).empty());
  const std::string path = testing::TempDir() + "/keys.json";
  std::ofstream(path) << kOneKey;
  const auto good = sets.Find({.issuer = "good", .key_set = "file:" + path});
  const auto bad = sets.Find({.issuer = "bad", .key_set = "file:/none"});
  sets.Use(*good, {});
  sets.Use(*bad, {});
  LoopThread thread;
  thread.loop().Post([&] { Spawn(sets.Run(thread.loop(), http)); });
  ASSERT_TRUE(sets.AwaitFirst(absl::Seconds(30)));
  std::map<std::string, double> read = ReadAll(registry);
  EXPECT_EQ(read.count("llmgw_key_set_age_seconds good"), 1u);
  EXPECT_EQ(read.count("llmgw_key_set_age_seconds bad"), 0u);
  EXPECT_EQ(read["llmgw_key_set_keys good"], 1);
  EXPECT_EQ(read["llmgw_key_set_failures good"], 0);
  EXPECT_EQ(read["llmgw_key_set_keys bad"], 0);
  EXPECT_GE(read["llmgw_key_set_failures bad"], 1);
  sets.Stop(thread.loop());
}

}  // namespace
}  // namespace gateway
