#include "service/config/record_defaults.h"

#include <cstdint>

#include "google/protobuf/util/time_util.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "service/config/fill_fields.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

void FillPostgres(configv1::LedgerPostgres* postgres) {
  FILL_TEXT(*postgres, schema, "llm_gateway");
  FILL_TIME(*postgres, timeout, 5'000);
  FILL_TIME(*postgres, join_interval, 60'000);
}

void FillLedger(configv1::LedgerConfig* ledger) {
  FILL_ENUM(*ledger, on_failure, configv1::LedgerConfig::ON_FAILURE_REJECT);
  FILL(*ledger, queue_entries_limit, 65'536);
  FILL(*ledger, queue_bytes_limit, int64_t{64} << 20);
  FILL(*ledger, unknown_callers_per_second, 10);
  FILL(*ledger, refusals_per_second, 10);
  if (ledger->has_postgres()) {
    FillPostgres(ledger->mutable_postgres());
    if (!ledger->has_commit_timeout()) {
      *ledger->mutable_commit_timeout() = ledger->postgres().timeout();
    }
    return;
  }
  FILL_TIME(*ledger, commit_timeout, 5'000);
  FILL_TEXT(*ledger, path, "ledger.db");
  FILL_ENUM(*ledger, sync, configv1::LedgerConfig::SYNC_FULL);
  FILL(*ledger, file_bytes_limit, 0);
}

}  // namespace

void FillRecords(configv1::GatewayConfig* config) {
  if (config->has_ledger()) FillLedger(config->mutable_ledger());
}

}  // namespace gateway
