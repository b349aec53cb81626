#include "service/gateway_alerts.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/api/alert_document.h"
#include "service/config/config_reader.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

// What a watch tells is in alert_watch_test.cc, and by a whole gateway in
// alerts_test.py.
class GatewayAlertsTest : public testing::Test {
 protected:
  static std::shared_ptr<const ConfigSnapshot> Configured(
      const std::string& more) {
    const ConfigReading reading = ReadConfigText(
        AllProviderKinds(),
        absl::StrCat("providers: [{name: mock, mock: {}}]\n", more),
        "gateway.yaml", {}, absl::UnixEpoch());
    EXPECT_NE(reading.snapshot, nullptr);
    return reading.snapshot;
  }
  std::unique_ptr<StateStore> Store() {
    return *StateStore::Open(folder_.path());
  }

  FakeClock clock_;
  const TemporaryFolder folder_;
  const std::shared_ptr<const ConfigSnapshot> config_ = Configured(
      "alerts: {rules: [{name: errors, condition: 'error_rate > 5%', action: "
      "note}], actions: [{name: note, log: {}}]}\n");
};

TEST_F(GatewayAlertsTest, HowTheyStandOutlastsTheProcess) {
  {
    GatewayAlerts alerts(clock_);
    const std::unique_ptr<StateStore> store = Store();
    alerts.Open(*config_, *store);
    alerts.board().Silence("errors", clock_.WallTime(),
                           clock_.WallTime() + absl::Hours(1));
    store->Close();
  }
  GatewayAlerts alerts(clock_);
  const std::unique_ptr<StateStore> store = Store();
  alerts.Open(*config_, *store);
  EXPECT_TRUE(alerts.board().List(clock_.WallTime()).at(0).silence_end);
  alerts.Change();
  alerts.Stop();  // Nothing was begun.
}

TEST_F(GatewayAlertsTest, WithoutAlertsNothingIsKept) {
  GatewayAlerts alerts(clock_);
  const std::unique_ptr<StateStore> store = Store();
  alerts.Open(*Configured(""), *store);
  store->Close();
  EXPECT_FALSE(store->Read(kAlertDocument)->has_value());
}

}  // namespace
}  // namespace gateway
