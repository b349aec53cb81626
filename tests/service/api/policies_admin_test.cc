#include "service/api/policies_admin.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/policies.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/api/override_document.h"
#include "service/pipeline/current_runtime.h"
#include "service/routing/selection/node_overrides.h"
#include "service/state/state_store.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOverridableYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {operators: {api_keys: [{id: ops, key: 'env:OPS'}]}}\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: a, target: mock/a}\n"
    "    - {id: b, target: mock/b}\n"
    "    - {id: kept, target: mock/c, admin_overridable: false}\n"
    "    nodes: [{name: writer}]\n";
constexpr char kOperatorKey[] = "operator-key-0123456789";

class PoliciesAdminTest : public testing::Test {
 protected:
  PoliciesAdminTest() {
    absl::StatusOr<std::unique_ptr<StateStore>> store =
        StateStore::Open(testing::TempDir() + "/policies_admin");
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    EXPECT_TRUE(store_->Remove(kOverrideDocument).ok());
    policies_ = std::make_unique<PoliciesAdmin>(PoliciesAdmin::Sources{
        .runtime = runtime_, .store = *store_, .worker = worker_});
    policies_->AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    call.AddMetadata("x-api-key", kOperatorKey);
    const Method* const found =
        table_.Find("/llmgateway.v1.AdminService/" + method);
    EXPECT_NE(found, nullptr) << method;
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await found->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  static v1::UpdateNodePolicyRequest Give(const std::string& node,
                                          const std::string& model) {
    v1::UpdateNodePolicyRequest request;
    request.set_node_name(node);
    request.set_model_id(model);
    return request;
  }

  absl::StatusOr<v1::UpdateNodePolicyResponse> Update(
      const v1::UpdateNodePolicyRequest& request) {
    return Ask<v1::UpdateNodePolicyResponse>("UpdateNodePolicy", request);
  }

  // The field at fault; empty if none is.
  std::string FieldAtFault(const v1::UpdateNodePolicyRequest& request) {
    const absl::Status status = Update(request).status();
    return status.ok() ? "" : FieldViolations(status)[0].first;
  }

  std::string Document() {
    return store_->Read(kOverrideDocument)->value_or("");
  }

  LoopThread loop_;
  BlockingWorker worker_{{.name = "state"}};
  CurrentRuntime runtime_{
      MakeTestRuntime(kOverridableYaml, {{"OPS", kOperatorKey}})};
  std::unique_ptr<StateStore> store_;
  MethodTable table_;
  std::unique_ptr<PoliciesAdmin> policies_;
};

TEST_F(PoliciesAdminTest, TheLogSaysWhoHasChangedWhat) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(Update(Give("writer", "b")).ok());
  EXPECT_FALSE(Update(Give("writer", "nobody's")).ok());
  v1::BulkUpdateNodePoliciesRequest request;
  *request.add_updates() = Give("reader", "a");
  *request.add_updates() = Give("reader", "nobody's");
  *request.add_updates() = Give("writer", "");
  ASSERT_TRUE(Ask<v1::BulkUpdateNodePoliciesResponse>("BulkUpdateNodePolicies",
                                                      request)
                  .ok());
  request.set_validate_only(true);
  ASSERT_TRUE(Ask<v1::BulkUpdateNodePoliciesResponse>("BulkUpdateNodePolicies",
                                                      request)
                  .ok());
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("\"msg\":\"An operator has changed nodes' "
                               "policies\",\"nodes\":1,\"policies\":\"writer=b"
                               "\",\"operator\":\"ops\"}"));
  EXPECT_THAT(lines, HasSubstr("\"nodes\":2,\"policies\":\"reader=a writer=-\","
                               "\"operator\":\"ops\"}"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
}

TEST_F(PoliciesAdminTest, AnOverrideIsInForceAndOnDiskWhenItIsAnswered) {
  v1::UpdateNodePolicyRequest request = Give("writer", "b");
  request.mutable_ttl()->set_seconds(3600);
  const absl::StatusOr<v1::UpdateNodePolicyResponse> response = Update(request);
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::NodeOverride& given = response->assignment().override();
  EXPECT_EQ(response->assignment().model_id(), "b");
  EXPECT_EQ(given.updated_by(), "ops");
  EXPECT_EQ(given.expire_time().seconds() - given.update_time().seconds(),
            3600);
  EXPECT_THAT(Document(), HasSubstr("\"model_id\": \"b\""));
  const NodeOverrides& overrides = runtime_.Get()->selection().overrides;
  ASSERT_EQ(overrides.Get()->all().size(), 1u);
  EXPECT_EQ(overrides.Get()->all()[0].node, "writer");
  // Taken back.
  const absl::StatusOr<v1::UpdateNodePolicyResponse> taken =
      Update(Give("writer", ""));
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->assignment().model_id(), "a");
  EXPECT_FALSE(taken->assignment().has_override());
  EXPECT_TRUE(ReadOverrides(Document())->empty());
}

TEST_F(PoliciesAdminTest, WhatIsWrongIsToldByField) {
  EXPECT_EQ(FieldAtFault(Give("writer", "gone")), "model_id");
  EXPECT_EQ(FieldAtFault(Give("writer", "kept")), "model_id");
  EXPECT_EQ(FieldAtFault(Give("", "a")), "node_name");
  EXPECT_EQ(FieldAtFault(Give(std::string(129, 'n'), "a")), "node_name");
  v1::UpdateNodePolicyRequest request = Give("writer", "a");
  for (const int64_t seconds : {int64_t{0}, int64_t{8760} * 3600 + 1}) {
    request.mutable_ttl()->set_seconds(seconds);
    EXPECT_EQ(FieldAtFault(request), "ttl");
  }
  for (const int64_t seconds : {int64_t{1}, int64_t{8760} * 3600}) {
    request.mutable_ttl()->set_seconds(seconds);
    EXPECT_EQ(FieldAtFault(request), "");
  }
  request.mutable_ttl()->set_seconds(60);
  for (const int32_t nanos : {-1, 1'000'000'000}) {
    request.mutable_ttl()->set_nanos(nanos);
    EXPECT_EQ(FieldAtFault(request), "ttl");
  }
  request.mutable_ttl()->set_nanos(999'999'999);
  EXPECT_EQ(FieldAtFault(request), "");
  request.set_model_id("");
  EXPECT_EQ(FieldAtFault(request), "ttl");
}

TEST_F(PoliciesAdminTest, ANodesNameHasNoControlCharacters) {
  for (const char* bad : {"a\nb", "\x1b[2J", "\x7f", "w\xc2\x85r"}) {
    EXPECT_EQ(FieldAtFault(Give(bad, "a")), "node_name") << bad;
    EXPECT_EQ(FieldAtFault(Give(bad, "")), "node_name") << bad;
  }
  for (const std::string& good :
       {std::string(128, 'n'), std::string("caf\xc3\xa9 au lait")}) {
    EXPECT_EQ(FieldAtFault(Give(good, "a")), "") << good;
  }
  v1::BulkUpdateNodePoliciesRequest request;
  *request.add_updates() = Give("a\nb", "a");
  const auto response = Ask<v1::BulkUpdateNodePoliciesResponse>(
      "BulkUpdateNodePolicies", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->results(0).failure_message(),
              HasSubstr("must be 1 to 128 bytes of UTF-8 without control"));
  EXPECT_THAT(Document(), Not(HasSubstr("a\\nb")));
}

TEST_F(PoliciesAdminTest, WhatCannotBeKeptIsNotInForce) {
  ASSERT_TRUE(Update(Give("writer", "b")).ok());
  const std::string kept =
      store_->folder() + "/" + std::string(kOverrideDocument);
  // Nothing takes the place of a folder.
  ASSERT_TRUE(std::filesystem::remove(kept));
  ASSERT_TRUE(std::filesystem::create_directory(kept));
  const absl::Status status = Update(Give("painter", "a")).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("runtime.state_dir: " + kept));
  v1::BulkUpdateNodePoliciesRequest bulk;
  *bulk.add_updates() = Give("painter", "a");
  EXPECT_EQ(FaultReason(Ask<v1::BulkUpdateNodePoliciesResponse>(
                            "BulkUpdateNodePolicies", bulk)
                            .status()),
            v1::ERROR_REASON_STATE_NOT_KEPT);
  const auto overrides = runtime_.Get()->selection().overrides.Get();
  ASSERT_EQ(overrides->all().size(), 1u);
  EXPECT_EQ(overrides->all()[0].node, "writer");
  // What is wrong is told also where nothing can be kept.
  EXPECT_EQ(FieldAtFault(Give("writer", "gone")), "model_id");
  ASSERT_TRUE(std::filesystem::remove(kept));
}

TEST_F(PoliciesAdminTest, AValidationChangesNothing) {
  v1::UpdateNodePolicyRequest request = Give("writer", "b");
  request.set_validate_only(true);
  const absl::StatusOr<v1::UpdateNodePolicyResponse> response = Update(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->assignment().override().model_id(), "b");
  EXPECT_TRUE(runtime_.Get()->selection().overrides.Get()->all().empty());
  EXPECT_EQ(Document(), "");
  request.set_model_id("gone");
  EXPECT_EQ(FieldAtFault(request), "model_id");
}

TEST_F(PoliciesAdminTest, AValidationOfSeveralChangesNothing) {
  v1::BulkUpdateNodePoliciesRequest request;
  *request.add_updates() = Give("writer", "b");
  *request.add_updates() = Give("painter", "gone");
  *request.add_updates() = Give("dancer", "a");
  request.set_validate_only(true);
  const auto response = Ask<v1::BulkUpdateNodePoliciesResponse>(
      "BulkUpdateNodePolicies", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 3);
  EXPECT_EQ(response->results(0).assignment().override().model_id(), "b");
  EXPECT_THAT(response->results(1).failure_message(), HasSubstr("'gone'"));
  EXPECT_EQ(response->results(2).assignment().override().model_id(), "a");
  EXPECT_TRUE(runtime_.Get()->selection().overrides.Get()->all().empty());
  EXPECT_EQ(Document(), "");
}

TEST_F(PoliciesAdminTest, OfSeveralThoseThatAreWrongKeepNobodyBack) {
  v1::BulkUpdateNodePoliciesRequest request;
  *request.add_updates() = Give("writer", "b");
  *request.add_updates() = Give("painter", "gone");
  *request.add_updates() = Give("singer", "a");
  request.mutable_updates(2)->mutable_ttl()->set_nanos(1);
  *request.add_updates() = Give("dancer", "a");
  const auto response = Ask<v1::BulkUpdateNodePoliciesResponse>(
      "BulkUpdateNodePolicies", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 4);
  EXPECT_EQ(response->results(0).assignment().model_id(), "b");
  EXPECT_THAT(response->results(1).failure_message(),
              HasSubstr("no model policy has the id 'gone'"));
  EXPECT_FALSE(response->results(1).has_assignment());
  EXPECT_THAT(response->results(2).failure_message(), HasSubstr("ttl"));
  EXPECT_EQ(response->results(3).node_name(), "dancer");
  EXPECT_EQ(response->results(3).failure_message(), "");
  EXPECT_EQ(ReadOverrides(Document())->size(), 2u);
}

TEST_F(PoliciesAdminTest, SeveralAreAFew) {
  v1::BulkUpdateNodePoliciesRequest request;
  const auto field = [&] {
    return FieldViolations(Ask<v1::BulkUpdateNodePoliciesResponse>(
                               "BulkUpdateNodePolicies", request)
                               .status())[0]
        .first;
  };
  EXPECT_EQ(field(), "updates");
  *request.add_updates() = Give("writer", "b");
  request.mutable_updates(0)->set_validate_only(true);
  EXPECT_EQ(field(), "updates[0].validate_only");
  for (int i = 0; i < 1000; ++i) *request.add_updates() = Give("n", "a");
  EXPECT_EQ(field(), "updates");
}

TEST_F(PoliciesAdminTest, EveryRpcOfPoliciesIsServed) {
  for (const char* method :
       {"ListPolicies", "ListNodeRequirements", "ListAssignments",
        "UpdateNodePolicy", "BulkUpdateNodePolicies", "TestSelection",
        "GetRecommendations", "GetCostOptimization", "GetModelPerformance"}) {
    EXPECT_NE(table_.Find(std::string("/llmgateway.v1.AdminService/") + method),
              nullptr)
        << method;
  }
}

// Its loop has a pool, whose threads are busy until they are released.
class PoliciesOffLoopTest : public PoliciesAdminTest {
 protected:
  PoliciesOffLoopTest() {
    EXPECT_TRUE(loop_.Run([this] { WorkerPool::SetCurrent(&pool_); }));
    Occupy(WorkerPool::kModestBytesMax + 1, 0);
    Occupy(kInPlaceBytesMax + 1, 1);
  }

  ~PoliciesOffLoopTest() override {
    Release();
    for (Event& ended : ended_) EXPECT_TRUE(ended.Wait());
    EXPECT_TRUE(loop_.Run([] { WorkerPool::SetCurrent(nullptr); }));
  }

  void Release() { release_.Set(); }

  // So many nodes, and as many policies.
  void Configure(int count) {
    std::string yaml =
        "providers: [{name: mock, mock: {}}]\n"
        "auth: {operators: {api_keys: [{id: ops, key: 'env:OPS'}]}}\n"
        "routing:\n"
        "  selection:\n"
        "    policies:\n";
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "    - {id: p", i, ", target: mock/p", i, "}\n");
    }
    absl::StrAppend(&yaml, "    nodes:\n");
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "    - {name: n", i, "}\n");
    }
    runtime_.Swap(MakeTestRuntime(yaml, {{"OPS", kOperatorKey}}));
  }

  // Asks while the pool is busy. Returns whether the answer has to wait for it,
  // and expects it once the pool is not.
  template <typename Response, typename Request>
  bool WaitsForPool(const std::string& method, const Request& request) {
    const size_t before = pool_.waiting();
    Event answered;
    Thread asks("asks", [&] {
      const absl::StatusOr<Response> response = Ask<Response>(method, request);
      EXPECT_TRUE(response.ok()) << response.status();
      answered.Set();
    });
    // Either comes by itself.
    while (pool_.waiting() == before && !answered.IsSet()) {
      EXPECT_TRUE(loop_.Run([] {}));
    }
    const bool waits = !answered.IsSet();
    if (waits) Release();
    asks.Join();
    return waits;
  }

  WorkerPool pool_{/*threads_each=*/1};

 private:
  void Occupy(size_t bytes, int which) {
    loop_.loop().Post([this, bytes, which] { Spawn(Hold(bytes, which)); });
    EXPECT_TRUE(begun_[which].Wait());
  }

  Task<void> Hold(size_t bytes, int which) {
    const auto hold = [this, which] {
      begun_[which].Set();
      return release_.Wait();
    };
    EXPECT_TRUE(co_await OffLoop(bytes, hold));
    ended_[which].Set();
  }

  Event begun_[2];
  Event ended_[2];
  Event release_;
};

TEST_F(PoliciesOffLoopTest, SmallTablesAreAskedInPlace) {
  Configure(30);
  EXPECT_FALSE(WaitsForPool<v1::GetCostOptimizationResponse>(
      "GetCostOptimization", v1::GetCostOptimizationRequest()));
  EXPECT_FALSE(WaitsForPool<v1::ListAssignmentsResponse>(
      "ListAssignments", v1::ListAssignmentsRequest()));
}

TEST_F(PoliciesOffLoopTest, CostsOfManyNodesDoNotHoldTheLoop) {
  Configure(40);
  EXPECT_TRUE(WaitsForPool<v1::GetCostOptimizationResponse>(
      "GetCostOptimization", v1::GetCostOptimizationRequest()));
}

TEST_F(PoliciesOffLoopTest, AssignmentsOfManyNodesDoNotHoldTheLoop) {
  Configure(40);
  EXPECT_TRUE(WaitsForPool<v1::ListAssignmentsResponse>(
      "ListAssignments", v1::ListAssignmentsRequest()));
}

TEST_F(PoliciesOffLoopTest, WhatManyOverridesLeadToDoesNotHoldTheLoop) {
  Configure(40);
  v1::BulkUpdateNodePoliciesRequest request;
  request.set_validate_only(true);
  for (int i = 0; i < 40; ++i) {
    *request.add_updates() = Give(absl::StrCat("n", i), "p1");
  }
  EXPECT_TRUE(WaitsForPool<v1::BulkUpdateNodePoliciesResponse>(
      "BulkUpdateNodePolicies", request));
}

}  // namespace
}  // namespace gateway
