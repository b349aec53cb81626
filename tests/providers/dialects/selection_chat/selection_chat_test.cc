#include "providers/dialects/selection_chat/selection_chat.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

TEST(SelectionChatTest, CallersSpeakItAndProvidersDoNot) {
  const SelectionChat dialect;
  EXPECT_EQ(dialect.name(), "selection_chat");
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = true;
  EXPECT_TRUE(
      dialect
          .ReadRequest(R"({"messages":[{"role":"user","content":"hi"}],)"
                       R"("stream":true})",
                       &request, &stream, &stream_usage)
          .ok());
  EXPECT_TRUE(stream);
  EXPECT_FALSE(stream_usage);

  std::string body;
  v1::GenerateResponse response;
  EventList events;
  for (const absl::Status& status :
       {dialect.WriteRequest(request, {}, &body, nullptr),
        dialect.ReadResponse("{}", &response),
        dialect.NewEventReader()->Read("", "{}", &events)}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_UNIMPLEMENTED);
  }
  EXPECT_TRUE(body.empty());
}

}  // namespace
}  // namespace gateway
