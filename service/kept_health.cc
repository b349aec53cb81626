#include "service/kept_health.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::llmgateway::config::v1::LedgerConfig;

void Degrade(std::string problem, v1::ComponentHealth* health) {
  health->set_state(v1::ComponentHealth::STATE_DEGRADED);
  health->set_problem(std::move(problem));
}

bool LostLately(Clock& clock, absl::Duration lost) {
  return clock.SteadyTime() - lost < kLostLately;
}

// What becomes of entries that cannot be written, before the advice.
const char* FateOfEntries(const LedgerWriter::Counts& counts, bool rejects) {
  if (counts.losing) {
    return "; what they did waits in memory, where there is no more room, so "
           "that entries are lost: ";
  }
  return rejects ? ": " : "; what they did waits in memory and may be lost: ";
}

bool Rejects(const CurrentRuntime& runtime) {
  return runtime.Get()->config().ledger().on_failure() !=
         LedgerConfig::ON_FAILURE_DEGRADE;
}

}  // namespace

void AddKeptHealth(const KeptThings& things, ComponentBoard* board) {
  const CurrentRuntime& runtime = things.runtime;
  const LedgerWriter* const ledger = things.ledger;
  const auto look_at_ledger = [&runtime, ledger](v1::ComponentHealth* health) {
    FillLedgerHealth(ledger->counts(), Rejects(runtime),
                     LedgerAdvice(runtime.Get()->config().ledger()), health);
  };
  if (ledger != nullptr) {
    board->Add("ledger",
               [look_at_ledger, ledger, &clock = things.clock,
                trust = things.ledger_trust,
                trouble = things.ledger_trouble](v1::ComponentHealth* health) {
                 look_at_ledger(health);
                 const auto wrong = trouble == nullptr
                                        ? KeptLedger::Trouble::kNone
                                        : trouble();
                 if (wrong == KeptLedger::Trouble::kBroken) {
                   FillBrokenLedger(health);
                 }
                 if (LostLately(clock, ledger->counts().last_loss)) {
                   FillLostEntries(health);
                 }
                 if (wrong == KeptLedger::Trouble::kUnjoined) {
                   FillUnjoinedLedger(health);
                 }
                 if (trust != nullptr && trust() == ServerTrust::kInClear) {
                   FillClearLedger(health);
                 }
               });
  }
  if (things.chains != nullptr) {
    board->Add("ledger_index",
               [chains = things.chains](v1::ComponentHealth* health) {
                 FillIndexHealth(chains->All(), health);
               });
  }
  if (runtime.Get()->config().has_budgets()) {
    board->Add("budgets", [ledger, look_at_ledger](v1::ComponentHealth* own) {
      v1::ComponentHealth health;
      if (ledger != nullptr) look_at_ledger(&health);
      FillBudgetsHealth(health, own);
    });
  }
  if (things.audit != nullptr) {
    board->Add("audit", [audit = things.audit,
                         &clock = things.clock](v1::ComponentHealth* health) {
      const AuditLog::Counts counts = audit->counts();
      FillAuditHealth(counts, LostLately(clock, counts.last_drop), health);
    });
  }
  if (things.redis != nullptr) {
    board->Add("redis", [redis = things.redis](v1::ComponentHealth* health) {
      FillRedisHealth(redis->Servers(), health);
    });
  }
  if (things.store != nullptr) {
    board->Add("store", [store = things.store](v1::ComponentHealth* health) {
      FillStoreHealth(store->fails(), health);
    });
  }
  if (things.summary != nullptr && things.summary->has_file()) {
    board->Add("summary",
               [summary = things.summary](v1::ComponentHealth* health) {
                 FillSummaryHealth(summary->write_fails(), health);
               });
  }
}

std::string_view LedgerAdvice(const LedgerConfig& ledger) {
  return ledger.has_postgres()
             ? "see whether PostgreSQL at ledger.postgres.connection can be "
               "reached and written to, by its user and password; the log says "
               "why"
             : "make room on its disk, or raise ledger.file_bytes_limit and "
               "restart; where the file was removed, put it back and restart; "
               "the log says why";
}

void FillLedgerHealth(const LedgerWriter::Counts& counts, bool rejects,
                      std::string_view advice, v1::ComponentHealth* health) {
  if (!counts.failing) return;
  if (counts.stalled) {
    // Nothing is tried again but by the commit that is under way.
    health->set_state(rejects ? v1::ComponentHealth::STATE_FAILING
                              : v1::ComponentHealth::STATE_DEGRADED);
    health->set_problem(absl::StrCat(
        "a commit has not ended within ledger.commit_timeout, and calls are ",
        rejects ? "refused until it has" : "served all the same",
        FateOfEntries(counts, rejects),
        "see whether its disk, or PostgreSQL, still answers, or ",
        ToAbsl(advice)));
    return;
  }
  if (!rejects) {
    Degrade(
        absl::StrCat("it cannot be written, and calls are served all the same",
                     FateOfEntries(counts, rejects), ToAbsl(advice)),
        health);
  } else if (counts.kept == 0) {
    // Nothing is tried again but by a call, which is to come here.
    Degrade(absl::StrCat("its last commit failed, and the next call tries "
                         "again: ",
                         ToAbsl(advice)),
            health);
  } else {
    health->set_state(v1::ComponentHealth::STATE_FAILING);
    health->set_problem(
        absl::StrCat("it cannot be written, and calls are refused until it can",
                     FateOfEntries(counts, rejects), ToAbsl(advice)));
  }
}

void FillBrokenLedger(v1::ComponentHealth* health) {
  if (health->state() != v1::ComponentHealth::STATE_HEALTHY) return;
  Degrade(
      "it is not what was written: an entry or what stands beside it was "
      "altered, or a binding of its chains is gone; run `gatewayctl ledger "
      "verify`, which names the first, and see docs/ledger.md",
      health);
}

void FillLostEntries(v1::ComponentHealth* health) {
  if (health->state() != v1::ComponentHealth::STATE_HEALTHY) return;
  Degrade(
      "entries of it were lost within the last minute: its entries "
      "ENTRIES_LOST say how many, and the log why",
      health);
}

void FillUnjoinedLedger(v1::ComponentHealth* health) {
  if (health->state() != v1::ComponentHealth::STATE_HEALTHY) return;
  Degrade(
      "its chains are not joined, or those of replicas that have gone are not "
      "closed: see whether PostgreSQL at ledger.postgres.connection can be "
      "written to, by its user; the log says why",
      health);
}

void FillClearLedger(v1::ComponentHealth* health) {
  if (health->state() != v1::ComponentHealth::STATE_HEALTHY) return;
  Degrade(
      "its password and its entries may be read on their way to PostgreSQL: "
      "add sslmode=verify-full to ledger.postgres.connection and restart",
      health);
}

void FillIndexHealth(const std::vector<LedgerChains::Chain>& chains,
                     v1::ComponentHealth* health) {
  std::string still;
  for (const LedgerChains::Chain& chain : chains) {
    const absl::Status status = chain.index->state().status;
    if (status.ok()) continue;
    absl::StrAppend(&still, still.empty() ? "" : "; ",
                    chain.name.empty() ? "" : "chain ", chain.name,
                    chain.name.empty() ? "" : ": ", status.message());
  }
  if (still.empty()) return;
  Degrade(absl::StrCat(
              "new entries of the ledger cannot be found by `ledger query` "
              "and `ledger get`, since its index does not go on (",
              still, "): see docs/ledger.md; the log says since when"),
          health);
}

void FillBudgetsHealth(const v1::ComponentHealth& ledger,
                       v1::ComponentHealth* health) {
  if (ledger.problem().empty()) return;
  Degrade(
      "what is spent is counted but not written, and a restart forgets it, "
      "since the ledger cannot be written",
      health);
}

void FillAuditHealth(const AuditLog::Counts& counts, bool dropped_lately,
                     v1::ComponentHealth* health) {
  if (counts.failing) {
    Degrade(
        "it cannot be written, and entries are lost once its queue is full: "
        "make room on its disk, or raise audit.file_bytes_limit; the log says "
        "why",
        health);
  } else if (dropped_lately) {
    Degrade(
        "entries were lost within the last minute, since its queue was full: "
        "see audit.queue_entries_limit and audit.queue_bytes_limit",
        health);
  }
}

void FillRedisHealth(const std::vector<RedisHealth::Server>& servers,
                     v1::ComponentHealth* health) {
  std::string away;
  bool any_up = false;
  for (const RedisHealth::Server& server : servers) {
    any_up = any_up || server.up > 0;
    if (server.down == 0) continue;
    absl::StrAppend(&away, away.empty() ? "" : ", ", server.name);
  }
  if (any_up && away.empty()) return;
  Degrade(
      absl::StrCat(
          away.empty() ? std::string("no server has been reached yet")
                       : absl::StrCat(away, " cannot be reached"),
          "; limits, cached answers and keys are this replica's own meanwhile: "
          "see whether it runs and redis.addresses is right; the log says why"),
      health);
}

void FillStoreHealth(bool fails, v1::ComponentHealth* health) {
  if (!fails) return;
  Degrade(
      "it has failed within the last minute; calls with sessions, stored "
      "answers or "
      "new keys are refused: see the disk, or the Redis, of `store`; the log "
      "says why",
      health);
}

void FillSummaryHealth(bool fails, v1::ComponentHealth* health) {
  if (!fails) return;
  Degrade(
      "the sums of what calls consumed cannot be written; they are right while "
      "the gateway runs, and a restart forgets what is new: make room on the "
      "disk of runtime.state_dir; the log says why",
      health);
}

}  // namespace gateway
