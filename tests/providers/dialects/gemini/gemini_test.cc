#include "providers/dialects/gemini/gemini.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway {
namespace {

TEST(GeminiTest, ThePathSaysWhetherItIsAStream) {
  const Gemini dialect;
  EXPECT_EQ(dialect.name(), "gemini");
  EXPECT_EQ(dialect.framing(), Framing::kServerSentEvents);
  v1::GenerateRequest request;
  bool stream = true;
  bool stream_usage = false;
  ASSERT_TRUE(
      dialect
          .ReadRequest(R"({"contents":[]})", &request, &stream, &stream_usage)
          .ok());
  EXPECT_FALSE(stream);
  EXPECT_TRUE(stream_usage);
  std::string whole;
  std::string streamed;
  ASSERT_TRUE(
      dialect.WriteRequest(request, {.model = "m"}, &whole, nullptr).ok());
  ASSERT_TRUE(dialect
                  .WriteRequest(request, {.model = "m", .stream = true},
                                &streamed, nullptr)
                  .ok());
  EXPECT_EQ(whole, streamed);
}

TEST(GeminiTest, CountsBothWays) {
  const Gemini dialect;
  v1::GenerateRequest request;
  ASSERT_TRUE(dialect
                  .ReadCountRequest(
                      R"({"contents":[{"parts":[{"text":"Hi"}]}]})", &request)
                  .ok());
  std::string body;
  ASSERT_TRUE(dialect.WriteCountRequest(request, "m", &body).ok());
  v1::GenerateRequest again;
  ASSERT_TRUE(dialect.ReadCountRequest(body, &again).ok());
  EXPECT_EQ(request.DebugString(), again.DebugString());
  std::string answer;
  ASSERT_TRUE(dialect.WriteCountResponse(5, &answer).ok());
  EXPECT_EQ(answer, R"({"totalTokens":5})");
  EXPECT_EQ(dialect.ReadCountResponse(answer).value(), 5);
}

TEST(GeminiTest, EachStreamHasItsOwnReaderAndWriter) {
  const Gemini dialect;
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  EventList events;
  ASSERT_TRUE(
      reader->Read("", R"({"candidates":[{"finishReason":"STOP"}]})", &events)
          .ok());
  EXPECT_TRUE(reader->CompleteAtClose());
  EXPECT_FALSE(dialect.NewEventReader()->CompleteAtClose());
  EXPECT_FALSE(dialect.NewStreamTap()->finished());
}

TEST(GeminiTest, FailuresGoThereAndBack) {
  const Gemini dialect;
  const WireError wire = dialect.WriteError(
      MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "no such model"), "req-1");
  EXPECT_EQ(wire.http_status, 404);
  const absl::Status read =
      dialect.ReadError({.status = wire.http_status, .body = wire.body});
  EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_MODEL_NOT_FOUND);
}

TEST(GeminiTest, NumbersInArgumentsKeepTheirForm) {
  const std::string body = R"({"contents":[{"role":"model","parts":[
      {"functionCall":{"name":"f","args":{"city": "Oslo", "n": 1.50}}}]}]})";
  v1::GenerateRequest request;
  bool flag = false;
  ASSERT_TRUE(Gemini().ReadRequest(body, &request, &flag, &flag).ok());
  std::string written;
  ASSERT_TRUE(
      Gemini()
          .WriteRequest(request, {.model = "gemini-test"}, &written, nullptr)
          .ok());
  EXPECT_NE(written.find(R"({"city":"Oslo","n":1.50})"), std::string::npos);
}

}  // namespace
}  // namespace gateway
