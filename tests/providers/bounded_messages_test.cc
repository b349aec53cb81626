#include "providers/bounded_messages.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_chat/openai_chat.h"

namespace gateway {
namespace {

constexpr int kMany = 100'000;

// An object with `members` of these before the rest of it.
std::string WithMembers(int members, const std::string& rest) {
  std::string text = "{";
  for (int i = 0; i < members; ++i) text += R"("a":1,)";
  return text + rest + "}";
}

absl::Status ReadRequest(const std::string& body) {
  static const OpenAiChat dialect;
  google::protobuf::Arena arena;
  return ReadBoundedRequest(
      dialect, body, RequestUse::kGenerate,
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena));
}

absl::Status ReadResponse(const std::string& body) {
  static const OpenAiChat dialect;
  google::protobuf::Arena arena;
  return ReadBoundedResponse(
      dialect, body,
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena));
}

TEST(BoundedMessagesTest, ARequestMayNotOutgrowItsSize) {
  const auto request = [](int members) {
    return R"({"model":"m","messages":[)" +
           WithMembers(members, R"("role":"user","content":"hi")") + "]}";
  };
  EXPECT_EQ(ReadRequest(request(0)), absl::OkStatus());
  EXPECT_EQ(ReasonName(FaultReason(ReadRequest(request(kMany)))),
            "REQUEST_TOO_LARGE");
}

TEST(BoundedMessagesTest, NorMayAnAnswer) {
  constexpr char kChoices[] =
      R"("choices":[{"index":0,"finish_reason":"stop",)"
      R"("message":{"role":"assistant","content":"hi"}}])";
  EXPECT_EQ(ReadResponse(WithMembers(0, kChoices)), absl::OkStatus());
  EXPECT_EQ(
      ReasonName(FaultReason(ReadResponse(WithMembers(kMany, kChoices)))),
      "PROVIDER_BAD_RESPONSE");
}

}  // namespace
}  // namespace gateway
