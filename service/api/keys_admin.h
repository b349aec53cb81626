// The handlers of AdminService for keys that operators issue: CreateKey,
// ListKeys, GetKey, UpdateKey, RotateKey and RevokeKey.
//
//   KeysAdmin keys({.runtime = runtime, .keys = &issued_key_store});
//   keys.AddTo(table);  // Before AdminService, which says who may call.
//
// A change is in force for every call that begins after the answer, and by then
// it is kept. Each is a line of the log, by the key's id and the operator's,
// and nothing else that is shown, logged or kept has a secret in it but the
// answer to who has made one.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_KEYS_ADMIN_H_
#define SERVICE_API_KEYS_ADMIN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "llmgateway/v1/keys.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/identity/issued_key_store.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class KeysAdmin {
 public:
  struct Sources {
    // Both are borrowed.
    const CurrentRuntime& runtime;
    // Null where `auth.callers.issued_keys` was not configured at the start.
    IssuedKeyStore* keys = nullptr;
  };

  explicit KeysAdmin(const Sources& sources) : sources_(sources) {}

  KeysAdmin(const KeysAdmin&) = delete;
  KeysAdmin& operator=(const KeysAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  using Record = llmgateway::kept::IssuedKeyRecord;
  using Runtime = std::shared_ptr<const RuntimeSnapshot>;
  // Changes what is kept of a key. May be called again, with what somebody else
  // has made of it.
  using Change = std::function<void(Record* record)>;
  // Which key is to be changed, and on what condition.
  struct Target {
    std::string id;
    const char* id_field = "id";
    std::string etag;  // Empty for whatever it is.
    bool validate_only = false;
    // Then one that is revoked is as it should be; otherwise it is refused.
    bool revokes = false;
  };

  Task<absl::Status> Create(CallContext& call,
                            const llmgateway::v1::CreateKeyRequest& request,
                            llmgateway::v1::CreateKeyResponse* response);
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListKeysRequest& request,
                          llmgateway::v1::ListKeysResponse* response);
  Task<absl::Status> Get(CallContext& call,
                         const llmgateway::v1::GetKeyRequest& request,
                         llmgateway::v1::Key* response);
  Task<absl::Status> Update(CallContext& call,
                            const llmgateway::v1::UpdateKeyRequest& request,
                            llmgateway::v1::Key* response);
  Task<absl::Status> Rotate(CallContext& call,
                            const llmgateway::v1::RotateKeyRequest& request,
                            llmgateway::v1::RotateKeyResponse* response);
  Task<absl::Status> Revoke(CallContext& call,
                            const llmgateway::v1::RevokeKeyRequest& request,
                            llmgateway::v1::RevokeKeyResponse* response);

  // NOT_CONFIGURED where no keys are issued.
  absl::Status CheckConfigured() const;
  // Keeps a new key, if there is room for one.
  Task<absl::StatusOr<StoredKey>> Make(CallContext& call, Runtime runtime,
                                       Record record);
  // Returns the key as it is now.
  Task<absl::StatusOr<StoredKey>> Find(CallContext& call, const std::string& id,
                                       const char* id_field);
  // Returns the key as it has become, or would.
  Task<absl::StatusOr<StoredKey>> ChangeKey(CallContext& call,
                                            const Target& target,
                                            const Change& change);
  static void Tell(const CallContext& call, const Runtime& runtime,
                   std::string_view done, const std::string& id);

  const Sources sources_;
  // Keys that are being made.
  std::atomic<int64_t> making_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_API_KEYS_ADMIN_H_
