#include "service/tracing/kept_trace.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/tracing/span_reader.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

TEST(KeptTraceTest, OutlivesItsCall) {
  auto call = std::make_unique<TestCall>();
  auto caller = std::make_unique<std::string>("team-a");
  call->record.caller = *caller;
  call->node = "writer";
  call->record.provider = "openai";
  call->AddAttempt("openai", "gpt-x-2");
  call->record.model_served = call->attempts.front().model;
  call->Fail(absl::StatusCode::kUnavailable,
             llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "away");
  const TraceId id = call->trace->trace();
  const KeptTraceRef kept = call->kept();
  caller->assign("overwritten");
  caller.reset();
  call.reset();

  EXPECT_EQ(kept->trace, id);
  EXPECT_EQ(kept->request_id, "request-1");
  EXPECT_EQ(kept->operation, "POST /v1/chat/completions");
  EXPECT_EQ(kept->node, "writer");
  EXPECT_EQ(kept->caller, "team-a");
  EXPECT_EQ(kept->model, "gpt-x");
  EXPECT_EQ(kept->provider, "openai");
  EXPECT_EQ(kept->model_served, "gpt-x-2");
  EXPECT_TRUE(kept->failed);
  EXPECT_EQ(kept->error_reason,
            llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(kept->end_time() - kept->start_time, absl::Milliseconds(120));
  EXPECT_EQ(kept->span_count, 2);
  EXPECT_EQ(ReadSpans(kept->spans).size(), 2u);
}

TEST(KeptTraceTest, TextsOfCallersAreCut) {
  TestCall call;
  const std::string long_name(5000, 'x');
  call.record.model_asked = long_name;
  call.node = long_name;
  const KeptTraceRef kept = call.kept();
  EXPECT_EQ(kept->model.size(), KeptTrace::kTextBytesMax);
  EXPECT_EQ(kept->node.size(), KeptTrace::kTextBytesMax);
  EXPECT_LT(kept->bytes(), 3000u);
  EXPECT_GE(kept->bytes(), kept->spans.size() + 2 * KeptTrace::kTextBytesMax);
}

}  // namespace
}  // namespace gateway
