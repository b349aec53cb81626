#include "service/pipeline/call_audit.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "service/observability/call_record.h"
#include "service/pipeline/call.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class CallAuditTest : public testing::Test {
 protected:
  // With rules in YAML.
  void Open(const std::string& bodies) {
    call_ = std::make_unique<Call>(
        MakeTestRuntime(absl::StrCat("providers: [{name: mock, mock: {}}]\n"
                                     "audit: {file: /tmp/a.db, bodies: [",
                                     bodies, "]}\n")),
        runner_.loop(), client_, cancel_, arena_, runner_.loop().Now());
    request_.set_model("m");
    request_.add_messages()->add_parts()->set_text("hello there");
    call_->request = &request_;
  }
  // What would be written of the call.
  AuditEntry Entry() {
    CallRecord record;
    record.request_id = "r-1";
    record.caller = "team";
    record.error_message = "why";
    return AuditEntryOf(*call_, record);
  }
  static std::string TextOf(const AuditBody& body) {
    return body.to_text == nullptr ? body.bytes : body.to_text(body.bytes);
  }

  LoopRunner runner_;
  NoHttpClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  std::unique_ptr<Call> call_;
};

TEST_F(CallAuditTest, AnEntrySaysWhatTheRecordDoes) {
  Open("");
  call_->audit = CallAudit::Begin(*call_);
  EXPECT_EQ(call_->audit, nullptr);
  const AuditEntry entry = Entry();
  EXPECT_EQ(entry.texts[AuditText::kRequestId], "r-1");
  EXPECT_EQ(entry.texts[AuditText::kCaller], "team");
  EXPECT_EQ(entry.texts[AuditText::kMessage], "why");
  EXPECT_EQ(entry.outcome, AuditOutcome::kSucceeded);
  EXPECT_FALSE(entry.request.is_kept);
  EXPECT_FALSE(entry.response.is_kept);
}

TEST_F(CallAuditTest, ARuleSaysWhatIsKept) {
  Open("{request: true}");
  call_->audit = CallAudit::Begin(*call_);
  ASSERT_NE(call_->audit, nullptr);
  call_->audit->AddSent({"not kept"});
  const AuditEntry entry = Entry();
  EXPECT_EQ(TextOf(entry.request),
            "{\"model\":\"m\",\"messages\":[{\"parts\":[{\"text\":\"hello "
            "there\"}]}]}");
  EXPECT_EQ(entry.request.bytes_limit, 64 * 1024);
  EXPECT_FALSE(entry.response.is_kept);
}

// Whatever was made of it.
TEST_F(CallAuditTest, ARequestByHttpIsKeptAsItCame) {
  Open("{request: true, body_bytes_limit: 10}");
  call_->facts.http_body = R"({"model": "m"})";
  call_->audit = CallAudit::Begin(*call_);
  AuditEntry entry = Entry();
  // What is cut is cut when it is redacted.
  EXPECT_EQ(TextOf(entry.request), R"({"model": "m"})");
  EXPECT_EQ(entry.request.bytes_limit, 10);
  const std::string large(5000, 'x');
  call_->facts.http_body = large;
  call_->audit = CallAudit::Begin(*call_);
  entry = Entry();
  EXPECT_EQ(entry.request.bytes.size(), 10 + kRedactionMarginBytes);
  EXPECT_TRUE(entry.request.truncated);
}

TEST_F(CallAuditTest, AWholeAnswerByGrpcIsKept) {
  Open("{response: true}");
  call_->audit = CallAudit::Begin(*call_);
  v1::GenerateResponse response;
  response.set_model("mock-model");
  EXPECT_EQ(call_->audit->BytesToTake(100), 100);
  call_->audit->TakeAnswer(response);
  const AuditEntry entry = Entry();
  EXPECT_EQ(TextOf(entry.response), "{\"model\":\"mock-model\"}");
  EXPECT_FALSE(entry.request.is_kept);
  Open("{request: true}");
  call_->audit = CallAudit::Begin(*call_);
  EXPECT_EQ(call_->audit->BytesToTake(100), 0);
  call_->audit->TakeAnswer(response);
  EXPECT_FALSE(Entry().response.is_kept);
}

TEST_F(CallAuditTest, WhatIsSentByHttpIsKeptUpToTheLimit) {
  Open("{response: true, body_bytes_limit: 100}");
  call_->facts.head.protocol = Protocol::kHttp;
  call_->audit = CallAudit::Begin(*call_);
  call_->audit->AddSent({"data: 1\n\n", "data: 2\n\n"});
  // It is sent in another form.
  StreamBatch batch;
  batch.events.push_back(v1::GenerateEvent());
  call_->audit->AddBatch(batch);
  call_->audit->AddSent({"data: 3\n\n"});
  AuditEntry entry = Entry();
  EXPECT_EQ(TextOf(entry.response), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
  EXPECT_FALSE(entry.response.truncated);
  call_->audit = CallAudit::Begin(*call_);
  const std::string large(900, 'x');
  call_->audit->AddSent({large, large});
  entry = Entry();
  EXPECT_EQ(entry.response.bytes.size(), 100 + kRedactionMarginBytes);
  EXPECT_TRUE(entry.response.truncated);
}

TEST_F(CallAuditTest, EventsThatWereReadAreLines) {
  Open("{response: true}");
  call_->audit = CallAudit::Begin(*call_);
  for (const char* const text : {"a", "b"}) {
    StreamBatch batch;
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(text);
    batch.events.push_back(event);
    call_->audit->AddBatch(batch);
  }
  const AuditEntry entry = Entry();
  EXPECT_EQ(TextOf(entry.response),
            "{\"delta\":{\"text\":\"a\"}}\n{\"delta\":{\"text\":\"b\"}}\n");
}

}  // namespace
}  // namespace gateway
