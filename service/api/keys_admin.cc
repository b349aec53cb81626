#include "service/api/keys_admin.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "google/protobuf/timestamp.pb.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/key_view.h"
#include "service/identity/issued_key.h"
#include "service/pipeline/batch_size.h"

namespace gateway {
namespace {

using Key = v1::Key;

constexpr std::string_view kKeysService = "llmgateway.v1.AdminService";
constexpr char kSection[] = "auth.callers.issued_keys";
// So many are read, and looked through, in one turn.
constexpr int kKeysReadAtOnce = 200;
constexpr int64_t kRequestIdCharactersMax = 128;
constexpr absl::Duration kKeyTtlMin = absl::Seconds(1);
constexpr absl::Duration kGraceMax = absl::Hours(720);
// So often a change is made anew of what somebody else has made of the key.
constexpr int kChangeAttempts = 5;

std::string DigestBytes(const Sha256Digest& digest) {
  return {digest.begin(), digest.end()};
}

// What the store says of a change that it may not have kept.
absl::Status KeyNotKept(const CallContext& call, const absl::Status& put) {
  if (call.cancel().cancelled()) return put;
  return MakeFault(
      v1::ERROR_REASON_STATE_NOT_KEPT,
      absl::IsResourceExhausted(put)
          ? "store: there is no room; unless ListKeys shows it, nothing has "
            "changed: make room, then say it again"
          : "store: it cannot be written at this moment, and the log says why; "
            "unless ListKeys shows it, nothing has changed: mend the store, "
            "then say it again");
}

absl::Status KeyNotRead(const CallContext& call, const absl::Status& read) {
  if (call.cancel().cancelled()) return read;
  return MakeFault(v1::ERROR_REASON_IDENTITY_UNAVAILABLE,
                   "store: it cannot be read at this moment, and the log says "
                   "why; nothing has changed: try again later");
}

absl::Status NoSuchKey(const std::string& id) {
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   absl::StrCat("no key has the id '",
                                id.substr(0, kIssuedKeyIdBytes), "'"));
}

absl::Status KeyConflict(const std::string& id, std::string_view what) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_CONFLICT,
                absl::StrCat("the key '", id, "' ", ToAbsl(what)));
  AddFaultMetadata(fault, "resource", absl::StrCat("keys/", id));
  return fault;
}

absl::Status EtagMismatch(const StoredKey& key) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_ETAG_MISMATCH,
      absl::StrCat("the key '", key.record.key().id(),
                   "' was changed since; read it again, then decide"));
  AddFaultMetadata(fault, "etag", KeyEtag(key));
  return fault;
}

// When the key to be made expires; never if nothing is said.
absl::StatusOr<std::optional<absl::Time>> ExpireTimeOf(
    const v1::CreateKeyRequest& request, absl::Time now) {
  const bool has_time = request.key().has_expire_time();
  std::optional<absl::Time> never;
  if (!request.has_ttl() && !has_time) return never;
  if (request.has_ttl() && has_time) {
    return InvalidField("ttl", "stands in place of key.expire_time; give one");
  }
  const char* const field = has_time ? "key.expire_time" : "ttl";
  google::protobuf::Timestamp end = request.key().expire_time();
  if (request.has_ttl()) {
    const absl::Duration ttl = ToAbsl(request.ttl());
    if (ttl < kKeyTtlMin) return InvalidField("ttl", "must be at least 1s");
    end = ToProto(now + ttl);
  }
  GATEWAY_RETURN_IF_ERROR(CheckTime(end, field));
  if (ToAbsl(end) <= now) return InvalidField(field, "has passed");
  return ToAbsl(end);
}

absl::Status CheckListing(const v1::ListKeysRequest& request) {
  if (!Key::State_IsValid(request.state())) {
    return InvalidField("state", "is none that there is");
  }
  return absl::OkStatus();
}

// REQUIRES: CheckKeyUpdateMask is OK.
absl::Status CheckUpdatedState(const v1::UpdateKeyRequest& request) {
  const auto& paths = request.update_mask().paths();
  if (std::find(paths.begin(), paths.end(), "state") == paths.end() ||
      request.key().state() == Key::STATE_ACTIVE ||
      request.key().state() == Key::STATE_DISABLED) {
    return absl::OkStatus();
  }
  return InvalidField("key.state",
                      "must be STATE_ACTIVE or STATE_DISABLED; RevokeKey "
                      "revokes a key");
}

bool IsListed(const Key& key, const v1::ListKeysRequest& request) {
  if (!request.owner().empty() && key.owner() != request.owner()) return false;
  return request.state() == Key::STATE_UNSPECIFIED ||
         key.state() == request.state();
}

// Puts the secret of `made` into the record.
void SetSecret(const NewIssuedKey& made,
               llmgateway::kept::IssuedKeyRecord* to) {
  to->set_secret_sha256(DigestBytes(made.digest));
}

}  // namespace

void KeysAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kKeysService, "CreateKey", *this, &KeysAdmin::Create);
  table.AddUnary(kKeysService, "ListKeys", *this, &KeysAdmin::List);
  table.AddUnary(kKeysService, "GetKey", *this, &KeysAdmin::Get);
  table.AddUnary(kKeysService, "UpdateKey", *this, &KeysAdmin::Update);
  table.AddUnary(kKeysService, "RotateKey", *this, &KeysAdmin::Rotate);
  table.AddUnary(kKeysService, "RevokeKey", *this, &KeysAdmin::Revoke);
}

Task<absl::Status> KeysAdmin::Create(CallContext& call,
                                     const v1::CreateKeyRequest& request,
                                     v1::CreateKeyResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  const Runtime runtime = sources_.runtime.Get();
  const absl::Time now = runtime->clock().WallTime();
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckKeyRequest(runtime->snapshot(), request, request.key()));
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::optional<absl::Time> end,
                              ExpireTimeOf(request, now));
  if (CountCharacters(request.request_id()) > kRequestIdCharactersMax) {
    co_return InvalidField("request_id", "must be at most 128 characters");
  }
  Random& random = *runtime->ports().secure_random;
  const NewIssuedKey made =
      request.request_id().empty()
          ? MakeIssuedKey(random)
          : MakeIssuedKeyOf(IssuedKeyIdFor(request.request_id()), random);
  Record record;
  SetSecret(made, &record);
  Key& key = *record.mutable_key();
  key = request.key();
  key.set_id(made.id);
  key.set_state(Key::STATE_ACTIVE);
  key.clear_etag();
  key.clear_expire_time();
  key.clear_previous_secret_expire_time();
  if (end.has_value()) SetProto(*end, key.mutable_expire_time());
  SetProto(now, key.mutable_create_time());
  SetProto(now, key.mutable_update_time());
  if (key.priority() == llmgateway::config::v1::PRIORITY_UNSPECIFIED) {
    key.set_priority(llmgateway::config::v1::PRIORITY_NORMAL);
  }
  FillKeyLimits(&key);
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey stored,
                              co_await Make(call, runtime, std::move(record)));
  Tell(call, runtime, "an operator has issued a key", made.id);
  FillKey(stored, now, response->mutable_key());
  response->set_secret(std::string(made.text.Reveal()));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<StoredKey>> KeysAdmin::Make(CallContext& call,
                                                Runtime runtime,
                                                Record record) {
  const std::string id = record.key().id();
  const int64_t limit =
      runtime->config().auth().callers().issued_keys().keys_limit();
  const int64_t others = making_++;
  const int64_t keys = static_cast<int64_t>(sources_.keys->registry().size());
  if (keys + others >= limit) {
    --making_;
    co_return MakeFault(
        v1::ERROR_REASON_STATE_NOT_KEPT,
        absl::StrCat("there are ", limit,
                     " keys, as many as there may be; "
                     "revoke those that nobody needs, or raise ",
                     kSection, ".keys_limit"));
  }
  absl::StatusOr<StoredKey> stored = co_await sources_.keys->Put(
      std::move(record), /*expected_version=*/0, call.cancel());
  --making_;
  if (stored.ok()) co_return stored;
  if (absl::IsAborted(stored.status())) {
    co_return KeyConflict(
        id,
        "was made by an earlier request with this request_id; "
        "its secret is not shown again: use that key, rotate "
        "it, or choose another request_id");
  }
  co_return KeyNotKept(call, stored.status());
}

Task<absl::Status> KeysAdmin::List(CallContext& call,
                                   const v1::ListKeysRequest& request,
                                   v1::ListKeysResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  GATEWAY_CO_RETURN_IF_ERROR(CheckListing(request));
  GATEWAY_CO_ASSIGN_OR_RETURN(std::string after, KeyInPageToken(request));
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_size,
                              PageSizeOf(*runtime, request.page_size()));
  const absl::Time now = runtime->clock().WallTime();
  bool more = true;
  while (more) {
    absl::StatusOr<IssuedKeyStore::Page> page =
        co_await sources_.keys->List(after, kKeysReadAtOnce, call.cancel());
    if (!page.ok()) co_return KeyNotRead(call, page.status());
    for (const StoredKey& key : page->keys) {
      if (!IsListed(key.record.key(), request)) continue;
      if (response->keys_size() == page_size) {
        response->set_next_page_token(
            KeyPageToken(request, response->keys(page_size - 1).id()));
        co_return absl::OkStatus();
      }
      FillKey(key, now, response->add_keys());
    }
    after = page->last;
    more = page->more;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> KeysAdmin::Get(CallContext& call,
                                  const v1::GetKeyRequest& request,
                                  Key* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey key,
                              co_await Find(call, request.id(), "id"));
  FillKey(key, sources_.runtime.Get()->clock().WallTime(), response);
  co_return absl::OkStatus();
}

Task<absl::Status> KeysAdmin::Update(CallContext& call,
                                     const v1::UpdateKeyRequest& request,
                                     Key* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  const Runtime runtime = sources_.runtime.Get();
  const absl::Time now = runtime->clock().WallTime();
  GATEWAY_CO_RETURN_IF_ERROR(CheckKeyUpdateMask(request.update_mask()));
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckKeyRequest(runtime->snapshot(), request, request.key()));
  GATEWAY_CO_RETURN_IF_ERROR(CheckUpdatedState(request));
  if (request.key().has_expire_time()) {
    GATEWAY_CO_RETURN_IF_ERROR(
        CheckTime(request.key().expire_time(), "key.expire_time"));
  }
  const Target target = {.id = request.key().id(),
                         .id_field = "key.id",
                         .etag = request.key().etag(),
                         .validate_only = request.validate_only()};
  const Change change = [&request, now](Record* record) {
    LayOverKey(request.key(), request.update_mask(), record->mutable_key());
    FillKeyLimits(record->mutable_key());
    SetProto(now, record->mutable_key()->mutable_update_time());
  };
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey key,
                              co_await ChangeKey(call, target, change));
  if (!request.validate_only()) {
    Tell(call, runtime, "an operator has changed a key", target.id);
  }
  FillKey(key, now, response);
  co_return absl::OkStatus();
}

Task<absl::Status> KeysAdmin::Rotate(CallContext& call,
                                     const v1::RotateKeyRequest& request,
                                     v1::RotateKeyResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  const Runtime runtime = sources_.runtime.Get();
  const absl::Time now = runtime->clock().WallTime();
  absl::Duration grace =
      ToAbsl(runtime->config().auth().callers().issued_keys().rotation_grace());
  if (request.has_grace()) {
    grace = ToAbsl(request.grace());
    if (grace < absl::ZeroDuration() || grace > kGraceMax) {
      co_return InvalidField("grace", "must be 0s to 2592000s (720h)");
    }
  }
  const Target target = {.id = request.id(), .etag = request.etag()};
  // So that its id is one of those that are made.
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey found,
                              co_await Find(call, target.id, target.id_field));
  const NewIssuedKey made =
      MakeIssuedKeyOf(found.record.key().id(), *runtime->ports().secure_random);
  const Change change = [&made, now, grace](Record* record) {
    Key& key = *record->mutable_key();
    if (grace > absl::ZeroDuration()) {
      record->set_previous_secret_sha256(record->secret_sha256());
      SetProto(now + grace, key.mutable_previous_secret_expire_time());
    } else {
      record->clear_previous_secret_sha256();
      key.clear_previous_secret_expire_time();
    }
    SetSecret(made, record);
    SetProto(now, key.mutable_update_time());
  };
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey key,
                              co_await ChangeKey(call, target, change));
  Tell(call, runtime, "an operator has rotated a key", target.id);
  FillKey(key, now, response->mutable_key());
  response->set_secret(std::string(made.text.Reveal()));
  co_return absl::OkStatus();
}

Task<absl::Status> KeysAdmin::Revoke(CallContext& call,
                                     const v1::RevokeKeyRequest& request,
                                     v1::RevokeKeyResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  const Runtime runtime = sources_.runtime.Get();
  const absl::Time now = runtime->clock().WallTime();
  const Target target = {
      .id = request.id(), .etag = request.etag(), .revokes = true};
  const Change change = [now](Record* record) {
    record->clear_previous_secret_sha256();
    record->mutable_key()->clear_previous_secret_expire_time();
    record->mutable_key()->set_state(Key::STATE_REVOKED);
    SetProto(now, record->mutable_key()->mutable_update_time());
  };
  GATEWAY_CO_ASSIGN_OR_RETURN(const StoredKey key,
                              co_await ChangeKey(call, target, change));
  Tell(call, runtime, "an operator has revoked a key", target.id);
  FillKey(key, now, response->mutable_key());
  co_return absl::OkStatus();
}

Task<absl::StatusOr<StoredKey>> KeysAdmin::Find(CallContext& call,
                                                const std::string& id,
                                                const char* id_field) {
  if (id.empty()) co_return InvalidField(id_field, "is required");
  if (id.size() != kIssuedKeyIdBytes) co_return NoSuchKey(id);
  absl::StatusOr<std::optional<StoredKey>> found =
      co_await sources_.keys->Get(id, call.cancel());
  if (!found.ok()) co_return KeyNotRead(call, found.status());
  if (!found->has_value()) co_return NoSuchKey(id);
  co_return **std::move(found);
}

Task<absl::StatusOr<StoredKey>> KeysAdmin::ChangeKey(CallContext& call,
                                                     const Target& target,
                                                     const Change& change) {
  for (int i = 0; i < kChangeAttempts; ++i) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        StoredKey key, co_await Find(call, target.id, target.id_field));
    if (key.record.key().state() == Key::STATE_REVOKED) {
      if (target.revokes) co_return key;
      co_return KeyConflict(target.id, "is revoked, for ever; issue another");
    }
    if (!target.etag.empty() && target.etag != KeyEtag(key)) {
      co_return EtagMismatch(key);
    }
    change(&key.record);
    if (target.validate_only) co_return key;
    absl::StatusOr<StoredKey> changed = co_await sources_.keys->Put(
        std::move(key.record), key.version, call.cancel());
    if (changed.ok()) co_return changed;
    // Somebody else was first: what that has made of it is changed, too.
    if (!absl::IsAborted(changed.status())) {
      co_return KeyNotKept(call, changed.status());
    }
  }
  co_return KeyConflict(target.id,
                        "is being changed by others; nothing has changed: try "
                        "again");
}

absl::Status KeysAdmin::CheckConfigured() const {
  if (sources_.keys != nullptr) return absl::OkStatus();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                absl::StrCat(kSection, " is not configured; add it, as in `",
                             kSection, ": {}`, and restart the gateway"));
  AddFaultMetadata(fault, "field", kSection);
  return fault;
}

void KeysAdmin::Tell(const CallContext& call, const Runtime& runtime,
                     std::string_view done, const std::string& id) {
  // Who asks has been let in, so there is a name, or none is asked for.
  const std::string by = CheckOperator(*runtime, call).value_or("");
  Log(LogLevel::kInfo, "keys", done, {{"key", id}, {"operator", by}});
}

}  // namespace gateway
