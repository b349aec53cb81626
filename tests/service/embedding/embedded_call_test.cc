#include "service/embedding/embedded_call.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr char kModels[] = "llmgateway.v1.GatewayService";

class EmbeddedCallTest : public testing::Test {
 protected:
  EmbeddedCallTest() {
    table_.AddUnary<v1::GetModelRequest, v1::Model>(
        kModels, "GetModel",
        [](CallContext& call, const v1::GetModelRequest& request,
           v1::Model* model) -> Task<absl::Status> {
          model->set_name(request.name() +
                          std::string(*call.FindMetadata("x-a")));
          co_return absl::AlreadyExistsError("as it ended");
        });
    table_.AddServerStream<v1::GenerateRequest, v1::GenerateEvent>(
        kModels, "StreamGenerate",
        [](CallContext& call, const v1::GenerateRequest&,
           MessageWriter& writer) -> Task<absl::Status> {
          v1::GenerateEvent event;
          for (;;) {
            event.set_seq(event.seq() + 1);
            const bool taken = co_await writer.Write(event);
            if (!taken) break;
          }
          co_return call.cancel().status();
        });
  }

  const Method& Of(const std::string& name) {
    return *table_.Find("/llmgateway.v1.GatewayService/" + name);
  }

  MethodTable table_;
  LoopThread loop_;
};

TEST_F(EmbeddedCallTest, MetadataAndStatusAreThoseOfTheCall) {
  const EmbeddedCall::Metadata metadata = {{"x-a", "-b"}};
  const EmbeddedCall call{
      .method = Of("GetModel"), .loop = loop_.loop(), .metadata = metadata};
  v1::GetModelRequest request;
  request.set_name("a");
  v1::Model model;
  EXPECT_EQ(call.Run(request, &model), absl::AlreadyExistsError("as it ended"));
  EXPECT_EQ(model.name(), "a-b");
}

TEST_F(EmbeddedCallTest, AStreamEndsWhereItsReaderOrItsTimeDoes) {
  const EmbeddedCall::Metadata metadata;
  const EmbeddedCall call{.method = Of("StreamGenerate"),
                          .loop = loop_.loop(),
                          .metadata = metadata};
  int seen = 0;
  const absl::Status left = call.Stream(
      v1::GenerateRequest(),
      [&](const google::protobuf::Message&) { return ++seen < 99; });
  EXPECT_TRUE(absl::IsCancelled(left)) << left;
  EXPECT_EQ(seen, 99);
  const EmbeddedCall timed{.method = Of("StreamGenerate"),
                           .loop = loop_.loop(),
                           .timeout = absl::Milliseconds(20),
                           .metadata = metadata};
  const absl::Status late =
      timed.Stream(v1::GenerateRequest(),
                   [](const google::protobuf::Message&) { return true; });
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
}

}  // namespace
}  // namespace gateway
