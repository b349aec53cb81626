// Ports are what the pipeline takes from the machine, beside its event loop and
// its providers: time, chance, and keys that are kept. A test gives its own
// (tests/testing), and the pipeline then does the same each time.
//
// Thread contract: what is pointed to is thread-safe and outlives the runtime
// snapshot that has it.

#ifndef SERVICE_PIPELINE_PORTS_H_
#define SERVICE_PIPELINE_PORTS_H_

#include "base/os/clock.h"
#include "base/os/random.h"
#include "providers/registry/registry.h"
#include "service/audit/audit_log.h"
#include "service/budgets/budget_sharer.h"
#include "service/cache/key_claims.h"
#include "service/cache/redis_answers.h"
#include "service/identity/key_registry.h"
#include "service/identity/key_sets.h"
#include "service/ledger/ledger_writer.h"
#include "service/limits/counter_store.h"
#include "service/sessions/session_store.h"

namespace gateway {

// None is null, unless it says so.
struct Ports {
  Clock* clock = &SystemClock();
  // Spreads retries.
  Random* random = &SystemRandom();
  // Names what nobody may guess.
  Random* secure_random = &SecureRandom();
  // What operators have issued, for `auth.callers.issued_keys`.
  const KeyRegistry* issued_keys = &NoIssuedKeys();
  // Where the keys of issuers of tokens are; null if nobody's are read.
  KeySets* key_sets = nullptr;
  // Counts limits that replicas share; null if there is one process only.
  CounterStore* shared_counters = nullptr;
  // Answers that replicas share, for `cache.shared`; null if there is no Redis.
  RedisAnswers* shared_answers = nullptr;
  // What replicas know of idempotency keys, for `idempotency.shared`; null if
  // there is no Redis.
  KeyClaims* key_claims = nullptr;
  // Tells other replicas of budgets, for `budgets.shared`; null if there is no
  // Redis.
  BudgetSharer* budget_sharer = nullptr;
  // Conversations, for `sessions`; null if none are kept.
  SessionStore* sessions = nullptr;
  // Answer in place of configured ones; null if none do.
  const RegisteredProviders* registered = nullptr;
  // Writes down every call, for `ledger`; null if there is none.
  LedgerWriter* ledger = nullptr;
  // Where calls are told of, for `audit`; null if nowhere.
  AuditLog* audit = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PORTS_H_
