// CallerIdentity is what the process has for finding out who calls, whatever
// configuration is in use: the keys that operators have issued, by what its
// loops remember credentials, and the key sets of issuers of tokens, which one
// loop reads.
//
//   CallerIdentity identity(kept.key_registry(), worker);
//   RuntimeSnapshot::Make(config, identity.ports());
//   identity.Start(first_loop);
//   ...
//   identity.Stop();
//
// Thread contract: one thread, which is none of the loops'.

#ifndef SERVICE_CALLER_IDENTITY_H_
#define SERVICE_CALLER_IDENTITY_H_

#include "base/async/blocking_worker.h"
#include "service/identity/credential_digest.h"
#include "service/identity/key_registry.h"
#include "service/identity/key_sets.h"
#include "service/loop_runtime.h"
#include "service/pipeline/ports.h"

namespace gateway {

class CallerIdentity {
 public:
  // Borrows both. The worker need not be there before Start.
  CallerIdentity(const KeyRegistry& issued_keys, BlockingWorker& worker);

  // What runtime snapshots take of it, which it must outlive, and of `shared`,
  // which may be null.
  Ports ports(CounterStore* shared = nullptr);
  const CredentialDigester& digester() const { return digester_; }

  // Has key sets read by that loop, and waits some seconds for the first
  // readings; the log tells if they take longer. Borrows the loop.
  void Start(LoopRuntime& loop);

  // Ends what is under way. REQUIRES: the loop runs, if there was a Start.
  void Stop();

 private:
  const KeyRegistry& issued_keys_;
  const CredentialDigester digester_;
  KeySets key_sets_;
  LoopRuntime* reader_ = nullptr;  // Null before Start.
};

}  // namespace gateway

#endif  // SERVICE_CALLER_IDENTITY_H_
