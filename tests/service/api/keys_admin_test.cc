#include "service/api/keys_admin.h"

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/keys.pb.h"
#include "proto/proto_time.h"
#include "providers/registry/registry.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/identity/issued_key_store.h"
#include "service/identity/key_registry.h"
#include "service/pipeline/current_runtime.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Key = v1::Key;

constexpr char kConfig[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {callers: {issued_keys: {keys_limit: 3, rotation_grace: 1h}}}\n";

// A store that is broken when the test says so.
class BreakableStore final : public RecordStore {
 public:
  explicit BreakableStore(Clock& clock) : store_({}, clock) {}

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    co_return co_await store_.Get(collection, key, cancel);
  }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    if (before_put) before_put();
    co_return co_await store_.Put(collection, key, std::move(value), options,
                                  cancel);
  }
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override {
    return store_.Delete(collection, key, options, cancel);
  }
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    co_return co_await store_.List(collection, after, limit, cancel);
  }
  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override {
    return store_.Count(collection, cancel);
  }
  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override {
    return store_.ChangesSince(collection, sequence, limit, cancel);
  }

  absl::Status broken;
  std::function<void()> before_put;

 private:
  MemoryRecordStore store_;
};

class KeysAdminTest : public testing::Test {
 protected:
  KeysAdminTest() { admin_.AddTo(table_); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Run(const std::string& method,
                               const Request& request) {
    CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    const Method* const found =
        table_.Find("/llmgateway.v1.AdminService/" + method);
    EXPECT_NE(found, nullptr);
    const absl::Status status = runner_.Run(found->Run(call, arguments));
    if (!status.ok()) return status;
    return response;
  }
  absl::StatusOr<v1::CreateKeyResponse> Create(
      const v1::CreateKeyRequest& request = {}) {
    return Run<v1::CreateKeyResponse>("CreateKey", request);
  }
  absl::StatusOr<Key> Get(const std::string& id) {
    v1::GetKeyRequest request;
    request.set_id(id);
    return Run<Key>("GetKey", request);
  }
  absl::StatusOr<Key> Update(const v1::UpdateKeyRequest& request) {
    return Run<Key>("UpdateKey", request);
  }
  absl::StatusOr<v1::RotateKeyResponse> Rotate(
      const v1::RotateKeyRequest& request) {
    return Run<v1::RotateKeyResponse>("RotateKey", request);
  }
  absl::StatusOr<v1::RevokeKeyResponse> Revoke(const std::string& id,
                                               const std::string& etag = "") {
    v1::RevokeKeyRequest request;
    request.set_id(id);
    request.set_etag(etag);
    return Run<v1::RevokeKeyResponse>("RevokeKey", request);
  }

  // The id of a listing's keys.
  static std::vector<std::string> Ids(const v1::ListKeysResponse& response) {
    std::vector<std::string> ids;
    for (const Key& key : response.keys()) ids.push_back(key.id());
    return ids;
  }
  // What showing a secret comes to: an id, or a reason.
  std::string Show(const std::string& secret) {
    const absl::StatusOr<CallerRef> caller = registry_.Find(secret);
    return caller.ok() ? (*caller)->id : ReasonOf(caller.status());
  }
  static std::string ReasonOf(const absl::Status& status) {
    return std::string(ReasonName(FaultReason(status)));
  }
  template <typename T>
  static std::string ReasonOf(const absl::StatusOr<T>& result) {
    return ReasonOf(result.status());
  }
  // The fields at fault.
  template <typename T>
  static std::vector<std::string> FieldsOf(const absl::StatusOr<T>& result) {
    std::vector<std::string> fields;
    for (const auto& [field, why] : FieldViolations(result.status())) {
      fields.push_back(field);
    }
    return fields;
  }

  LoopRunner runner_;
  FakeClock clock_;
  BreakableStore records_{clock_};
  KeyRegistry registry_{clock_};
  IssuedKeyStore keys_{records_, registry_};
  CurrentRuntime runtime_{
      MakeTestRuntimeWith(kConfig, std::make_unique<ProviderRegistry>(),
                          Ports{.clock = &clock_, .issued_keys = &registry_})};
  KeysAdmin admin_{{.runtime = runtime_, .keys = &keys_}};
  MethodTable table_;
};

TEST_F(KeysAdminTest, AKeyIsMadeAsItIsAskedFor) {
  v1::CreateKeyRequest request;
  Key& wanted = *request.mutable_key();
  wanted.set_display_name("nightly build");
  wanted.set_owner("team");
  wanted.add_scopes("api:openai");
  (*wanted.mutable_labels())["team"] = "build";
  auto& limit = *wanted.add_limits();
  limit.set_unit(llmgateway::config::v1::LIMIT_UNIT_REQUESTS);
  limit.set_limit(60);
  // Not looked at.
  wanted.set_id("mine");
  wanted.set_state(Key::STATE_REVOKED);
  wanted.set_etag("7");
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << made.status();
  const Key& key = made->key();
  EXPECT_THAT(key.id(), SizeIs(kIssuedKeyIdBytes));
  EXPECT_EQ(key.display_name(), "nightly build");
  EXPECT_EQ(key.owner(), "team");
  EXPECT_EQ(key.labels().at("team"), "build");
  EXPECT_EQ(key.state(), Key::STATE_ACTIVE);
  EXPECT_EQ(key.priority(), llmgateway::config::v1::PRIORITY_NORMAL);
  EXPECT_EQ(key.limits(0).burst(), 60);
  EXPECT_EQ(ToAbsl(key.create_time()), clock_.WallTime());
  EXPECT_FALSE(key.has_expire_time());
  EXPECT_EQ(Show(made->secret()), key.id());
  EXPECT_FALSE(
      registry_.CallerOf(key.id())->scopes.AllowsApi(ScopedApi::kGrpc));

  const auto got = Get(key.id());
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->SerializeAsString(), key.SerializeAsString());
  EXPECT_THAT(got->ShortDebugString(), Not(HasSubstr(made->secret())));
}

TEST_F(KeysAdminTest, WhatIsWrongWithAKeyIsToldByItsFields) {
  v1::CreateKeyRequest request;
  Key& key = *request.mutable_key();
  key.set_display_name(std::string(129, 'n'));
  key.set_owner(std::string(257, 'o'));
  key.add_scopes("api:telepathy");
  auto& limit = *key.add_limits();
  limit.set_unit(llmgateway::config::v1::LIMIT_UNIT_REQUESTS);
  limit.set_limit(60);
  limit.mutable_window()->set_nanos(1);
  const auto refused = Create(request);
  EXPECT_EQ(ReasonOf(refused), "INVALID_REQUEST");
  EXPECT_THAT(FieldsOf(refused), testing::UnorderedElementsAre(
                                     "key.display_name", "key.owner",
                                     "key.scopes[0]", "key.limits[0].window"));
  EXPECT_EQ(registry_.size(), 0u);

  request.Clear();
  request.mutable_key()->add_limits()->set_limit(1);
  request.mutable_key()->mutable_limits(0)->set_unit(
      static_cast<llmgateway::config::v1::LimitUnit>(99));
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("key.limits[0].unit"));
  request.Clear();
  request.mutable_key()->set_budget("b");
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("key.budget"));
  request.Clear();
  request.set_request_id(std::string(129, 'r'));
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("request_id"));
}

TEST_F(KeysAdminTest, AKeyMayExpire) {
  v1::CreateKeyRequest request;
  request.mutable_ttl()->set_seconds(60);
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(ToAbsl(made->key().expire_time()),
            clock_.WallTime() + absl::Minutes(1));
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Show(made->secret()), "API_KEY_EXPIRED");

  *request.mutable_key()->mutable_expire_time() =
      ToProto(clock_.WallTime() + absl::Hours(1));
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("ttl"));
  request.clear_ttl();
  EXPECT_TRUE(Create(request).ok());
  *request.mutable_key()->mutable_expire_time() = ToProto(clock_.WallTime());
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("key.expire_time"));
  request.mutable_key()->mutable_expire_time()->set_nanos(-1);
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("key.expire_time"));
  request.mutable_key()->clear_expire_time();
  request.mutable_ttl()->set_seconds(0);
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("ttl"));
  request.mutable_ttl()->set_seconds(315'576'000'000);
  EXPECT_THAT(FieldsOf(Create(request)), ElementsAre("ttl"));
}

TEST_F(KeysAdminTest, OfTwoRequestsWithOneIdTheSecondIsTold) {
  v1::CreateKeyRequest request;
  request.set_request_id("deploy-7");
  const auto first = Create(request);
  ASSERT_TRUE(first.ok());
  const auto second = Create(request);
  EXPECT_EQ(ReasonOf(second), "CONFLICT");
  EXPECT_EQ(FaultMetadata(second.status(), "resource"),
            "keys/" + first->key().id());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(first->key().id()));
  EXPECT_EQ(Show(first->secret()), first->key().id());
  EXPECT_EQ(registry_.size(), 1u);
  request.set_request_id("deploy-8");
  EXPECT_TRUE(Create(request).ok());
}

TEST_F(KeysAdminTest, ThereAreNoMoreKeysThanThereMayBe) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Create().ok());
  const std::string last = Create()->key().id();
  const auto refused = Create();
  EXPECT_EQ(ReasonOf(refused), "STATE_NOT_KEPT");
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("auth.callers.issued_keys.keys_limit"));
  // A revoked one takes no place.
  ASSERT_TRUE(Revoke(last).ok());
  EXPECT_TRUE(Create().ok());
}

TEST_F(KeysAdminTest, ChangesWhatTheMaskNames) {
  v1::CreateKeyRequest made;
  made.mutable_key()->set_owner("before");
  made.mutable_key()->set_display_name("name");
  made.mutable_ttl()->set_seconds(60);
  const auto created = Create(made);
  ASSERT_TRUE(created.ok());
  clock_.Advance(absl::Seconds(1));
  v1::UpdateKeyRequest request;
  request.mutable_key()->set_id(created->key().id());
  request.mutable_key()->set_owner("after");
  request.mutable_key()->set_display_name("not asked for");
  request.mutable_key()->set_state(Key::STATE_DISABLED);
  for (const char* path : {"owner", "expire_time", "state"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  request.set_validate_only(true);
  EXPECT_EQ(Update(request)->owner(), "after");
  EXPECT_EQ(Get(created->key().id())->owner(), "before");
  EXPECT_EQ(Show(created->secret()), created->key().id());

  request.set_validate_only(false);
  const auto updated = Update(request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->owner(), "after");
  EXPECT_EQ(updated->display_name(), "name");
  EXPECT_FALSE(updated->has_expire_time());
  EXPECT_EQ(ToAbsl(updated->update_time()), clock_.WallTime());
  EXPECT_LT(ToAbsl(updated->create_time()), clock_.WallTime());
  EXPECT_NE(updated->etag(), created->key().etag());
  EXPECT_EQ(Show(created->secret()), "API_KEY_DISABLED");
}

TEST_F(KeysAdminTest, WhatCannotBeChangedIsRefused) {
  const std::string id = Create()->key().id();
  v1::UpdateKeyRequest request;
  request.mutable_key()->set_id(id);
  EXPECT_THAT(FieldsOf(Update(request)), ElementsAre("update_mask"));
  for (const char* wrong :
       {"id", "etag", "create_time", "*", "", "limits.unit"}) {
    request.mutable_update_mask()->clear_paths();
    request.mutable_update_mask()->add_paths(wrong);
    EXPECT_THAT(FieldsOf(Update(request)), ElementsAre("update_mask")) << wrong;
  }
  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths("state");
  EXPECT_THAT(FieldsOf(Update(request)), ElementsAre("key.state"));
  request.mutable_key()->set_state(Key::STATE_REVOKED);
  EXPECT_THAT(FieldsOf(Update(request)), ElementsAre("key.state"));
  request.mutable_key()->set_state(Key::STATE_ACTIVE);
  EXPECT_TRUE(Update(request).ok());
  request.mutable_key()->clear_id();
  EXPECT_THAT(FieldsOf(Update(request)), ElementsAre("key.id"));
  for (const char* none : {"none", "aaaaaaaaaaaaaaaa"}) {
    request.mutable_key()->set_id(none);
    EXPECT_EQ(ReasonOf(Update(request)), "NOT_FOUND") << none;
    EXPECT_EQ(ReasonOf(Get(none)), "NOT_FOUND");
    EXPECT_EQ(ReasonOf(Revoke(none)), "NOT_FOUND");
  }
}

TEST_F(KeysAdminTest, AnEtagIsThatOfTheKeyOrNothingChanges) {
  const Key key = Create()->key();
  v1::UpdateKeyRequest request;
  *request.mutable_key() = key;
  request.mutable_update_mask()->add_paths("owner");
  const auto updated = Update(request);
  ASSERT_TRUE(updated.ok());
  const auto stale = Update(request);
  EXPECT_EQ(ReasonOf(stale), "ETAG_MISMATCH");
  EXPECT_EQ(FaultMetadata(stale.status(), "etag"), updated->etag());
  EXPECT_EQ(ReasonOf(Revoke(key.id(), key.etag())), "ETAG_MISMATCH");
  v1::RotateKeyRequest rotate;
  rotate.set_id(key.id());
  rotate.set_etag(key.etag());
  EXPECT_EQ(ReasonOf(Rotate(rotate)), "ETAG_MISMATCH");
  EXPECT_TRUE(Revoke(key.id(), updated->etag()).ok());
}

TEST_F(KeysAdminTest, WhatOthersChangeMeanwhileIsNotLost) {
  const std::string id = Create()->key().id();
  // Between the two steps of a change, once.
  records_.before_put = [&] {
    records_.before_put = nullptr;
    Spawn([](IssuedKeyStore* keys, std::string key) -> Task<void> {
      CancelSignal never;
      StoredKey now = **co_await keys->Get(key, never);
      now.record.mutable_key()->set_owner("other");
      const auto put = co_await keys->Put(now.record, now.version, never);
      EXPECT_TRUE(put.ok());
    }(&keys_, id));
  };
  v1::UpdateKeyRequest name;
  name.mutable_key()->set_id(id);
  name.mutable_key()->set_display_name("name");
  name.mutable_update_mask()->add_paths("display_name");
  const auto updated = Update(name);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->owner(), "other");
  EXPECT_EQ(updated->display_name(), "name");
}

TEST_F(KeysAdminTest, RotationGivesAnotherSecretAndTheOldOneAGrace) {
  const auto created = Create();
  const std::string& id = created->key().id();
  v1::RotateKeyRequest request;
  request.set_id(id);
  const auto second = Rotate(request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->secret(), created->secret());
  EXPECT_EQ(ToAbsl(second->key().previous_secret_expire_time()),
            clock_.WallTime() + absl::Hours(1));
  EXPECT_EQ(Show(created->secret()), id);
  EXPECT_EQ(Show(second->secret()), id);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Show(created->secret()), "API_KEY_EXPIRED");
  EXPECT_EQ(Show(second->secret()), id);
  EXPECT_FALSE(Get(id)->has_previous_secret_expire_time());

  request.mutable_grace()->set_seconds(0);
  const auto third = Rotate(request);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(Show(second->secret()), "API_KEY_INVALID");
  EXPECT_EQ(Show(third->secret()), id);
  for (const int64_t wrong : {int64_t{-1}, int64_t{2'592'001}}) {
    request.mutable_grace()->set_seconds(wrong);
    EXPECT_THAT(FieldsOf(Rotate(request)), ElementsAre("grace"));
  }
}

TEST_F(KeysAdminTest, ARevokedKeyIsGoodNoMoreAndNeverWillBe) {
  const auto created = Create();
  const std::string& id = created->key().id();
  v1::RotateKeyRequest rotate;
  rotate.set_id(id);
  const auto rotated = Rotate(rotate);
  const auto revoked = Revoke(id);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(revoked->key().state(), Key::STATE_REVOKED);
  EXPECT_EQ(Show(rotated->secret()), "API_KEY_DISABLED");
  EXPECT_EQ(Show(created->secret()), "API_KEY_INVALID");
  // Again, with whatever etag.
  EXPECT_TRUE(Revoke(id, "1").ok());
  EXPECT_EQ(ReasonOf(Rotate(rotate)), "CONFLICT");
  v1::UpdateKeyRequest update;
  update.mutable_key()->set_id(id);
  update.mutable_key()->set_state(Key::STATE_ACTIVE);
  update.mutable_update_mask()->add_paths("state");
  EXPECT_EQ(ReasonOf(Update(update)), "CONFLICT");
}

TEST_F(KeysAdminTest, ListsPageByPageWhatIsAskedFor) {
  std::map<std::string, Key> made;
  for (const char* owner : {"a", "b", "b"}) {
    v1::CreateKeyRequest request;
    request.mutable_key()->set_owner(owner);
    const Key key = Create(request)->key();
    made[key.id()] = key;
  }
  v1::ListKeysRequest request;
  const auto list = [&] {
    return Run<v1::ListKeysResponse>("ListKeys", request);
  };
  EXPECT_THAT(Ids(*list()), SizeIs(3));
  EXPECT_TRUE(list()->next_page_token().empty());
  request.set_page_size(2);
  const auto first = list();
  request.set_page_token(first->next_page_token());
  const auto second = list();
  std::vector<std::string> ids = Ids(*first);
  for (const std::string& id : Ids(*second)) ids.push_back(id);
  EXPECT_THAT(ids,
              ElementsAre(made.begin()->first, std::next(made.begin())->first,
                          made.rbegin()->first));
  EXPECT_TRUE(second->next_page_token().empty());

  request.set_owner("b");
  EXPECT_THAT(FieldsOf(list()), ElementsAre("page_token"));
  request.clear_page_token();
  EXPECT_THAT(Ids(*list()), SizeIs(2));
  ASSERT_TRUE(Revoke(Ids(*list())[0]).ok());
  request.set_state(Key::STATE_ACTIVE);
  EXPECT_THAT(Ids(*list()), SizeIs(1));
  request.set_state(Key::STATE_DISABLED);
  EXPECT_THAT(Ids(*list()), IsEmpty());
  request.set_page_size(-1);
  EXPECT_THAT(FieldsOf(list()), ElementsAre("page_size"));
  request.set_page_size(0);
  request.set_page_token("key:junk");
  EXPECT_THAT(FieldsOf(list()), ElementsAre("page_token"));
}

TEST_F(KeysAdminTest, ListsPagesOfWhatIsFarApart) {
  // More than are read at once, of which every hundredth is asked for.
  for (int i = 0; i < 500; ++i) {
    llmgateway::kept::IssuedKeyRecord record;
    record.mutable_key()->set_id(absl::StrCat("key", 1000000000000 + i));
    record.mutable_key()->set_state(Key::STATE_ACTIVE);
    record.mutable_key()->set_owner(i % 100 == 99 ? "rare" : "usual");
    record.set_secret_sha256(std::string(32, 's'));
    CancelSignal never;
    ASSERT_TRUE(runner_.Run(keys_.Put(record, 0, never)).ok());
  }
  v1::ListKeysRequest request;
  request.set_owner("rare");
  request.set_page_size(3);
  const auto first = Run<v1::ListKeysResponse>("ListKeys", request);
  EXPECT_THAT(Ids(*first), ElementsAre("key1000000000099", "key1000000000199",
                                       "key1000000000299"));
  request.set_page_token(first->next_page_token());
  const auto second = Run<v1::ListKeysResponse>("ListKeys", request);
  EXPECT_THAT(Ids(*second),
              ElementsAre("key1000000000399", "key1000000000499"));
  EXPECT_TRUE(second->next_page_token().empty());
}

TEST_F(KeysAdminTest, WhatCannotBeKeptIsNotInForce) {
  const auto created = Create();
  const std::string id = created->key().id();
  records_.broken = absl::InternalError("gateway.db: disk I/O error");
  const auto refused = Create();
  EXPECT_EQ(ReasonOf(refused), "STATE_NOT_KEPT");
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("mend the store"), Not(HasSubstr("gateway.db"))));
  EXPECT_EQ(registry_.size(), 1u);
  EXPECT_EQ(ReasonOf(Get(id)), "IDENTITY_UNAVAILABLE");
  EXPECT_THAT(std::string(Get(id).status().message()),
              Not(HasSubstr("gateway.db")));
  EXPECT_EQ(ReasonOf(Revoke(id)), "IDENTITY_UNAVAILABLE");
  EXPECT_EQ(Show(created->secret()), id);
  records_.broken = absl::OkStatus();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Create().ok());
}

TEST_F(KeysAdminTest, WhereNoKeysAreIssuedThatIsSaid) {
  KeysAdmin none({.runtime = runtime_});
  MethodTable table;
  none.AddTo(table);
  const v1::GetKeyRequest get;
  Key key;
  HandlerArguments arguments;
  arguments.request = &get;
  arguments.response = &key;
  CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
  const absl::Status refused = runner_.Run(
      table.Find("/llmgateway.v1.AdminService/GetKey")->Run(call, arguments));
  EXPECT_EQ(ReasonOf(refused), "NOT_CONFIGURED");
  EXPECT_EQ(FaultMetadata(refused, "field"), "auth.callers.issued_keys");
}

}  // namespace
}  // namespace gateway
