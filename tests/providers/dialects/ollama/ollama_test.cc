#include "providers/dialects/ollama/ollama.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"

namespace gateway {
namespace {

TEST(OllamaTest, IsSpokenInLinesAndUpstreamOnly) {
  const Ollama dialect("");
  EXPECT_EQ(dialect.name(), "ollama");
  EXPECT_EQ(dialect.framing(), Framing::kJsonLines);
  v1::GenerateRequest request;
  bool stream = false;
  EXPECT_TRUE(absl::IsUnimplemented(
      dialect.ReadRequest("{}", &request, &stream, &stream)));
}

TEST(OllamaTest, EveryRoomIsReachedThroughTheDialect) {
  const Ollama dialect("1h");
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(dialect
                  .WriteRequest(v1::GenerateRequest(),
                                {.model = "m", .stream = true}, &body,
                                &warnings)
                  .ok());
  EXPECT_EQ(body,
            R"({"model":"m","messages":[],"stream":true,"keep_alive":"1h"})");
  v1::GenerateResponse response;
  ASSERT_TRUE(
      dialect.ReadResponse(R"({"message":{},"done":true})", &response).ok());
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  EventList events;
  ASSERT_TRUE(reader->Read("", R"({"done":true})", &events).ok());
  EXPECT_TRUE(reader->done());
  EXPECT_EQ(FaultReason(dialect.ReadError({.status = 404, .body = ""})),
            v1::ERROR_REASON_MODEL_NOT_FOUND);
}

// What the configuration says is for requests that say nothing.
TEST(OllamaTest, ACallersOwnKeepAliveComesFirst) {
  v1::GenerateRequest request;
  v1::Extension* extension = request.add_extensions();
  extension->set_dialect("ollama");
  extension->set_name("keep_alive");
  extension->set_json("0");
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(Ollama("1h")
                  .WriteRequest(request, {.model = "m"}, &body, &warnings)
                  .ok());
  EXPECT_EQ(body,
            R"({"model":"m","messages":[],"stream":false,"keep_alive":0})");
}

}  // namespace
}  // namespace gateway
