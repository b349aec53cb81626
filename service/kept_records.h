// KeptRecords is what the gateway keeps beside its configuration, where that
// asks for it: the store, the keys that operators have issued, callers'
// sessions and answers that they go on from.
//
//   KeptRecords kept(SystemClock());
//   GATEWAY_RETURN_IF_ERROR(
//       kept.Open(config, "/etc/llm-gateway/gateway.yaml"));
//   ... Ports{.issued_keys = &kept.key_registry(),
//             .sessions = kept.sessions()} ...
//   kept.Follow(loop);
//   ...
//   kept.Stop();  // While the loop runs.
//
// Destroyed after all who ask it, which closes the store.
//
// Thread contract: one thread, which is none of the loops'; what is returned is
// as its class says.

#ifndef SERVICE_KEPT_RECORDS_H_
#define SERVICE_KEPT_RECORDS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/identity/issued_key_store.h"
#include "service/identity/key_registry.h"
#include "service/observability/metrics.h"
#include "service/pipeline/response_records.h"
#include "service/sessions/session_store.h"
#include "service/state/state_store.h"
#include "service/store/record_store.h"
#include "service/store/watched_record_store.h"

namespace gateway {

// Opens the folder of the gateway's own; one that keeps nothing where there is
// none. `config_file` is the configuration file's path. Blocks. Errors name the
// field at fault.
absl::StatusOr<std::unique_ptr<StateStore>> OpenState(
    const llmgateway::config::v1::RuntimeConfig& config,
    const std::string& config_file);

class KeptRecords {
 public:
  // Borrows `clock`.
  explicit KeptRecords(Clock& clock);

  // Opens the store that the configuration asks for, and takes what it has into
  // memory; what is in Redis only when it is followed, since loops alone ask
  // that. Blocks. Errors name the field at fault. `config_file` is the
  // configuration file's path. REQUIRES: the configuration has passed
  // validation, and `runtime.state_dir`, if there is one, is a folder.
  absl::Status Open(const llmgateway::config::v1::GatewayConfig& config,
                    const std::string& config_file);

  // Follows what others change in the store, on that loop, until Stop. Returns
  // when what is in Redis is known, or that it cannot be read by now: then it
  // is known as soon as it can. REQUIRES: the loop runs, with a LoopRedis where
  // the store is one.
  void Follow(EventLoop& loop);
  // REQUIRES: the loop runs.
  void Stop();

  // Knows no key where none are issued.
  const KeyRegistry& key_registry() const { return registry_; }
  // Adds metrics of sessions, if there are any, which must outlive the
  // registry's use.
  void AddMetrics(MetricRegistry& registry) const;

  // Null where no keys are issued.
  IssuedKeyStore* issued_keys() { return issued_keys_.get(); }
  // Null where no sessions are kept.
  SessionStore* sessions() { return sessions_.get(); }
  // Null where nothing is kept.
  const WatchedRecordStore* store() const { return store_.get(); }
  // Null where answers are kept in memory alone.
  ResponseRecords* responses() { return responses_.get(); }

 private:
  Clock& clock_;
  // Null where nothing is to be kept.
  std::unique_ptr<WatchedRecordStore> store_;
  KeyRegistry registry_;
  std::unique_ptr<IssuedKeyStore> issued_keys_;
  bool is_in_redis_ = false;
  // Null unless sessions are kept in memory, where they do not take the room of
  // what else is.
  std::unique_ptr<RecordStore> session_records_;
  std::unique_ptr<SessionStore> sessions_;
  std::unique_ptr<ResponseRecords> responses_;
  EventLoop* follows_on_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_KEPT_RECORDS_H_
