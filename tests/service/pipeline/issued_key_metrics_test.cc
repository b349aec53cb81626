#include "service/pipeline/issued_key_metrics.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/keys.pb.h"
#include "service/identity/issued_key.h"
#include "service/identity/key_registry.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class IssuedKeyMetricsTest : public testing::Test {
 protected:
  // Of a gateway with this configuration, beside a provider.
  std::map<std::string, double> Read(const std::string& config) {
    Ports ports;
    ports.issued_keys = &keys_;
    const CurrentRuntime current(MakeTestRuntime(
        absl::StrCat("providers: [{name: mock, mock: {}}]\n", config), {},
        ports));
    MetricRegistry registry(clock_);
    AddIssuedKeyMetrics(current, registry);
    std::map<std::string, double> read;
    for (const MetricFamilyValue& family : registry.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        read[metric.labels.empty()
                 ? std::string(family.name)
                 : absl::StrCat(family.name, " ",
                                metric.labels.back().second)] = metric.number;
      }
    }
    return read;
  }

  FakeClock clock_;
  FakeRandom random_{3};
  KeyRegistry keys_{clock_};
};

TEST_F(IssuedKeyMetricsTest, TellHowManyKeysThereAreAndMayBe) {
  for (const llmgateway::v1::Key::State state :
       {llmgateway::v1::Key::STATE_ACTIVE, llmgateway::v1::Key::STATE_ACTIVE,
        llmgateway::v1::Key::STATE_ACTIVE, llmgateway::v1::Key::STATE_DISABLED,
        llmgateway::v1::Key::STATE_REVOKED,
        llmgateway::v1::Key::STATE_REVOKED}) {
    const NewIssuedKey made = MakeIssuedKey(random_);
    KeyRegistry::Record record;
    record.mutable_key()->set_id(made.id);
    record.mutable_key()->set_state(state);
    record.set_secret_sha256(
        std::string(made.digest.begin(), made.digest.end()));
    ASSERT_TRUE(keys_.Take(record, 1).ok());
  }
  EXPECT_THAT(Read("auth: {callers: {issued_keys: {keys_limit: 70}}}\n"),
              UnorderedElementsAre(Pair("llmgw_issued_keys active", 3),
                                   Pair("llmgw_issued_keys disabled", 1),
                                   Pair("llmgw_issued_keys revoked", 2),
                                   Pair("llmgw_issued_keys_limit", 70)));
}

TEST_F(IssuedKeyMetricsTest, TellNothingWhereNoneMayBeIssued) {
  EXPECT_THAT(Read(""), IsEmpty());
}

}  // namespace
}  // namespace gateway
