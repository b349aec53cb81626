#include "service/api/audit_admin.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/audit/audit_log.h"
#include "service/pipeline/configured_audit.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kAuditYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "audit: {file: /tmp/audit.db}\n";

class AuditAdminTest : public testing::Test {
 protected:
  AuditAdminTest() {
    folder_ = testing::TempDir() + "/audit_admin.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Open();
    admin_.AddTo(table_);
  }
  ~AuditAdminTest() override { std::filesystem::remove_all(folder_); }

  // Anew: what was added before is written by then.
  void Open() {
    log_.reset();
    auto policy = AuditPolicyOf(MakeTestRuntime(kAuditYaml)->snapshot());
    ASSERT_TRUE(policy.ok());
    auto log = AuditLog::Open({.store = {.path = folder_ + "/audit.db"}},
                              *policy, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    runtime_ = std::make_unique<CurrentRuntime>(MakeTestRuntime(
        kAuditYaml, {}, Ports{.clock = &clock_, .audit = log_.get()}));
  }
  void AddCalls(int count) {
    for (int i = 0; i < count; ++i) {
      AuditEntry entry;
      entry.time = clock_.WallTime();
      clock_.Advance(absl::Seconds(1));
      entry.texts.Add(absl::StrCat("r-", i));
      entry.request = {.bytes = "asked", .is_kept = true, .bytes_limit = 100};
      log_->Add(std::move(entry));
    }
    Open();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Run(const std::string& method,
                               const Request& request) {
    AuditAdmin admin({.runtime = *runtime_});
    MethodTable table;
    admin.AddTo(table);
    CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    const Method* const found =
        table.Find("/llmgateway.v1.AdminService/" + method);
    EXPECT_NE(found, nullptr);
    const absl::Status status = runner_.Run(found->Run(call, arguments));
    if (!status.ok()) return status;
    return response;
  }
  absl::StatusOr<v1::SearchAuditResponse> Search(
      const v1::SearchAuditRequest& request) {
    return Run<v1::SearchAuditResponse>("SearchAudit", request);
  }

  LoopRunner runner_;
  FakeClock clock_;
  std::string folder_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<CurrentRuntime> runtime_;
  CurrentRuntime without_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  AuditAdmin admin_{{.runtime = without_}};
  MethodTable table_;
};

TEST_F(AuditAdminTest, PagesAreNewestFirstAndFollowEachOther) {
  AddCalls(3);
  v1::SearchAuditRequest request;
  request.set_page_size(2);
  const auto first = Search(request);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->entries_size(), 2);
  EXPECT_EQ(first->entries(0).request_id(), "r-2");
  request.set_page_token(first->next_page_token());
  const auto second = Search(request);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->entries_size(), 1);
  EXPECT_EQ(second->entries(0).request_id(), "r-0");
  EXPECT_EQ(second->next_page_token(), "");
  request.set_page_token("usage:1");
  EXPECT_EQ(FaultReason(Search(request).status()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(AuditAdminTest, BodiesAreShownOnRequestAndThatIsRecorded) {
  AddCalls(2);
  v1::SearchAuditRequest request;
  auto found = Search(request);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->entries(0).request().text(), "");
  EXPECT_EQ(found->entries(0).request().kept_bytes(), 5);
  v1::SearchAuditRequest disclosures;
  disclosures.mutable_filter()->set_kind(v1::AuditEntry::KIND_DISCLOSURE);
  EXPECT_EQ(Search(disclosures)->entries_size(), 0);
  request.set_include_bodies(true);
  found = Search(request);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->entries(0).request().text(), "asked");
  const auto told = Search(disclosures);
  ASSERT_EQ(told->entries_size(), 1);
  EXPECT_EQ(told->entries(0).entries(), 2);
}

TEST_F(AuditAdminTest, NothingIsShownWhereThatCannotBeRecorded) {
  AddCalls(1);
  std::filesystem::rename(folder_ + "/audit.db", folder_ + "/away.db");
  v1::SearchAuditRequest request;
  request.set_include_bodies(true);
  EXPECT_EQ(FaultReason(Search(request).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
}

TEST_F(AuditAdminTest, AnEntryIsFoundByItsId) {
  AddCalls(1);
  const auto found = Search({});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->entries_size(), 1);
  v1::GetAuditRequest request;
  request.set_id(found->entries(0).id());
  const auto entry = Run<v1::AuditEntry>("GetAudit", request);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->request_id(), "r-0");
  request.set_id(request.id() + 1);
  EXPECT_EQ(FaultReason(Run<v1::AuditEntry>("GetAudit", request).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(AuditAdminTest, WithoutAnAuditLogThereIsNothing) {
  CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
  const v1::SearchAuditRequest request;
  v1::SearchAuditResponse response;
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.response = &response;
  const absl::Status status =
      runner_.Run(table_.Find("/llmgateway.v1.AdminService/SearchAudit")
                      ->Run(call, arguments));
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_THAT(status.message(), HasSubstr("configure audit"));
}

}  // namespace
}  // namespace gateway
