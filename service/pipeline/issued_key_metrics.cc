#include "service/pipeline/issued_key_metrics.h"

#include <memory>
#include <string_view>

#include "llmgateway/v1/keys.pb.h"
#include "service/identity/key_registry.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kKeyState[] = {"state"};
constexpr MetricDefinition kIssuedKeys = {
    .name = "llmgw_issued_keys",
    .help =
        "Keys that operators have issued, by their state; expired ones are "
        "active, and revoked ones count for as long as they are listed.",
    .kind = MetricKind::kGauge,
    .label_names = kKeyState};
constexpr MetricDefinition kIssuedKeysLimit = {
    .name = "llmgw_issued_keys_limit",
    .help = "How many keys there may be that are not revoked.",
    .kind = MetricKind::kGauge};

}  // namespace

void AddIssuedKeyMetrics(const CurrentRuntime& current,
                         MetricRegistry& registry) {
  registry.AddCollector([&current](MetricRegistry::Values& values) {
    const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
    const auto& callers = runtime->config().auth().callers();
    const KeyRegistry* const keys = runtime->ports().issued_keys;
    if (!callers.has_issued_keys() || keys == nullptr) return;
    const auto count = [keys](v1::Key::State state) {
      return static_cast<double>(keys->size(state));
    };
    values.Add(kIssuedKeys, {"active"}, count(v1::Key::STATE_ACTIVE));
    values.Add(kIssuedKeys, {"disabled"}, count(v1::Key::STATE_DISABLED));
    values.Add(kIssuedKeys, {"revoked"}, count(v1::Key::STATE_REVOKED));
    values.Add(kIssuedKeysLimit, {},
               static_cast<double>(callers.issued_keys().keys_limit()));
  });
}

}  // namespace gateway
