#include "service/config/record_defaults.h"

#include <cstdint>

#include "llmgateway/config/v1/ledger.pb.h"
#include "service/config/fill_fields.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

void FillLedger(configv1::LedgerConfig* ledger) {
  FILL_TEXT(*ledger, path, "ledger.db");
  FILL_ENUM(*ledger, on_failure, configv1::LedgerConfig::ON_FAILURE_REJECT);
  FILL_ENUM(*ledger, sync, configv1::LedgerConfig::SYNC_FULL);
  FILL(*ledger, queue_entries_limit, 65'536);
  FILL(*ledger, queue_bytes_limit, int64_t{64} << 20);
  FILL(*ledger, file_bytes_limit, 0);
  FILL(*ledger, unknown_callers_per_second, 10);
}

}  // namespace

void FillRecords(configv1::GatewayConfig* config) {
  if (config->has_ledger()) FillLedger(config->mutable_ledger());
}

}  // namespace gateway
