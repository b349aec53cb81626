#include "service/audit/audit_schema.h"

#include <cstdint>

namespace gateway {
namespace {

// "LMG" and the kind: an audit log.
constexpr int32_t kAuditApplicationId = 0x4c4d4703;

// Each index has the order of a search, by time and then by id, which SQLite
// puts behind the columns of every index. Those of texts leave out the entries
// that do not say it: to write those costs nothing.
constexpr SqlText kMakeAuditTables = R"sql(
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    time_us INTEGER NOT NULL,  -- Since 1970.
    request_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    caller TEXT NOT NULL,
    owner TEXT NOT NULL,
    peer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    work_order_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    project_id TEXT NOT NULL,
    contract_id TEXT NOT NULL,
    framework_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    model_served TEXT NOT NULL,
    route_reason TEXT NOT NULL,
    message TEXT NOT NULL,
    answer_of TEXT NOT NULL,
    outcome INTEGER NOT NULL,  -- 0 none, 1 succeeded, 2 failed.
    stream INTEGER NOT NULL,
    failure INTEGER NOT NULL,
    status_code INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    finish_reason INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    audio_input_tokens INTEGER NOT NULL,
    audio_output_tokens INTEGER NOT NULL,
    accepted_prediction_tokens INTEGER NOT NULL,
    rejected_prediction_tokens INTEGER NOT NULL,
    cost_usd_nanos INTEGER,  -- NULL if the model has no price.
    usage_estimated INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE bodies (
    entry INTEGER NOT NULL,
    part INTEGER NOT NULL,  -- 0 the request, 1 the answer.
    key_id TEXT NOT NULL,   -- Empty if it is not encrypted.
    kept_bytes INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    redactions INTEGER NOT NULL,
    unavailable TEXT NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX bodies_by_entry ON bodies (entry, part);
  CREATE INDEX entries_by_time ON entries (time_us);
  CREATE INDEX entries_of_gateway ON entries (kind, time_us) WHERE kind <> 1;
  CREATE INDEX entries_that_failed ON entries (time_us) WHERE outcome = 2;
  CREATE INDEX entries_by_request ON entries (request_id, time_us)
    WHERE request_id <> '';
  CREATE INDEX entries_by_caller ON entries (caller, time_us)
    WHERE caller <> '';
  CREATE INDEX entries_by_agent ON entries (agent_id, time_us)
    WHERE agent_id <> '';
  CREATE INDEX entries_by_agent_type ON entries (agent_type, time_us)
    WHERE agent_type <> '';
  CREATE INDEX entries_by_project ON entries (project_id, time_us)
    WHERE project_id <> '';
  CREATE INDEX entries_by_provider ON entries (provider, time_us)
    WHERE provider <> '';
  CREATE INDEX entries_by_model ON entries (model, time_us)
    WHERE model <> '';
  CREATE INDEX entries_by_model_served ON entries (model_served, time_us)
    WHERE model_served <> '';
)sql";

// When the clock was last looked at to delete what is old: one row.
constexpr SqlText kMakeLooks = R"sql(
  CREATE TABLE looks (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    time_us INTEGER NOT NULL  -- Since 1970.
  ) STRICT;
)sql";

// Of what is charged at the standard tier's price, the cost is not known.
constexpr SqlText kAddCostKnown =
    "ALTER TABLE entries ADD COLUMN cost_known INTEGER";

// NULL in entries that were written before.
constexpr SqlText kAddImageTokens = R"sql(
  ALTER TABLE entries ADD COLUMN image_input_tokens INTEGER;
  ALTER TABLE entries ADD COLUMN image_output_tokens INTEGER;
)sql";

}  // namespace

SqliteSchema AuditSchema() {
  return {.contents = "audit log",
          .application_id = kAuditApplicationId,
          .migrations = {kMakeAuditTables, kMakeLooks, kAddCostKnown,
                         kAddImageTokens}};
}

}  // namespace gateway
