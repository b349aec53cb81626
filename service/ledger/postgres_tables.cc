#include "service/ledger/postgres_tables.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "base/status_macros.h"
#include "service/postgres/postgres_schema.h"

namespace gateway {
namespace {

// From each version to the next.
constexpr const char* kLedgerMigrations[] = {R"sql(
  CREATE TABLE version (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    version bigint NOT NULL
  );
  INSERT INTO version (version) VALUES (0);
  -- Each commit changes a row in its place, for which its page has room.
  CREATE TABLE chains (
    chain bigint PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 1,
    released boolean NOT NULL DEFAULT false,
    commits bigint NOT NULL DEFAULT 0,
    entries bigint NOT NULL DEFAULT 0,
    last_hash text NOT NULL DEFAULT ''
  ) WITH (fillfactor = 50);
  CREATE TABLE checkpoints (
    chain bigint PRIMARY KEY REFERENCES chains (chain),
    commits bigint NOT NULL,
    entries bigint NOT NULL,
    last_hash text NOT NULL,
    open_dispatches bytea NOT NULL,
    state bytea NOT NULL
  );
  CREATE TABLE commits (
    chain bigint NOT NULL,
    number bigint NOT NULL,
    first_entry bigint NOT NULL,
    entries bigint NOT NULL,
    time timestamptz NOT NULL,
    last_hash text NOT NULL,
    texts bytea NOT NULL,
    notes bytea NOT NULL,
    PRIMARY KEY (chain, number, time)
  ) PARTITION BY RANGE (time);
  CREATE TABLE joins (
    number bigint PRIMARY KEY,
    time timestamptz NOT NULL,
    text text NOT NULL,
    hash text NOT NULL
  );
)sql",
                                             R"sql(
  -- Of the last attempt to take the chain: by it who made it knows that it did.
  ALTER TABLE chains ADD COLUMN claim text NOT NULL DEFAULT '';
  CREATE TABLE archives (
    chain bigint NOT NULL REFERENCES chains (chain),
    last_commit bigint NOT NULL,
    month text NOT NULL,
    first_commit bigint NOT NULL,
    first_entry bigint NOT NULL,
    last_entry bigint NOT NULL,
    hash_before text NOT NULL,
    last_hash text NOT NULL,
    merkle_root text NOT NULL,
    file text NOT NULL,
    file_bytes bigint NOT NULL,
    file_sha256 text NOT NULL,
    time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chain, last_commit)
  );
)sql"};

constexpr PostgresSchema kLedgerTables = {
    .contents = "ledger",
    .version_table = "version",
    .read_version = "SELECT version FROM version",
    .migrations = kLedgerMigrations};

// By the name, before there is a table to take the lock of.
constexpr char kLockPartition[] =
    "SELECT pg_advisory_xact_lock(hashtext('llm-gateway ledger'), "
    "hashtext($1))";
constexpr char kHasPartition[] =
    "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'commits'::regclass AND c.relname = $1";

absl::StatusOr<bool> HasPartition(PostgresConnection& db,
                                  const std::string& name,
                                  absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(
      const PostgresResult found,
      db.Run(kHasPartition, PostgresParameters().Text(name), timeout));
  return found.Int64(0, 0) > 0;
}

absl::Status AttachPartition(PostgresConnection& db, absl::Time time,
                             absl::Duration timeout) {
  const std::string name = PartitionOf(time);
  GATEWAY_RETURN_IF_ERROR(
      db.Run(kLockPartition, PostgresParameters().Text(name), timeout)
          .status());
  GATEWAY_ASSIGN_OR_RETURN(const bool there, HasPartition(db, name, timeout));
  if (!there) {
    const absl::CivilMonth month(absl::ToCivilMonth(time, absl::UTCTimeZone()));
    const auto begin = [](absl::CivilMonth of) {
      return absl::StrFormat("'%04d-%02d-01 00:00:00+00'", of.year(),
                             of.month());
    };
    // Attached, rather than made as one: who commits need not wait.
    GATEWAY_RETURN_IF_ERROR(
        db.Execute(absl::StrCat("CREATE TABLE ", name,
                                " (LIKE commits INCLUDING DEFAULTS); "
                                "ALTER TABLE commits ATTACH PARTITION ",
                                name, " FOR VALUES FROM (", begin(month),
                                ") TO (", begin(month + 1), ")"),
                   timeout));
  }
  return db.Execute("COMMIT", timeout);
}

}  // namespace

absl::Status MakeLedgerTables(PostgresConnection& db, std::string_view schema,
                              absl::Duration timeout) {
  return PreparePostgresTables(db, schema, kLedgerTables, timeout);
}

absl::Status CheckLedgerTables(PostgresConnection& db, std::string_view schema,
                               absl::Duration timeout) {
  return CheckPostgresTables(db, schema, kLedgerTables, timeout);
}

absl::Status MakePartition(PostgresConnection& db, absl::Time time,
                           absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const bool there,
                           HasPartition(db, PartitionOf(time), timeout));
  if (there) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(db.Execute("BEGIN", timeout));
  absl::Status made = AttachPartition(db, time, timeout);
  if (!made.ok()) db.Execute("ROLLBACK", timeout).IgnoreError();
  return made;
}

std::string PartitionOf(absl::Time time) {
  const absl::CivilMonth month(absl::ToCivilMonth(time, absl::UTCTimeZone()));
  return absl::StrFormat("commits_%04d_%02d", month.year(), month.month());
}

}  // namespace gateway
