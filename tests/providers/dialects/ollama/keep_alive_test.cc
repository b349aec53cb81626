#include "providers/dialects/ollama/keep_alive.h"

#include <string>
#include <string_view>

#include "base/text/json.h"
#include "gtest/gtest.h"

namespace gateway::ollama {
namespace {

std::string WrittenKeepAlive(std::string_view keep_alive,
                             bool is_there = false) {
  std::string text;
  JsonWriter json(&text);
  ObjectWriter object(kFormat, json);
  if (is_there) object.Int64("keep_alive", 7);
  WriteKeepAlive(keep_alive, object);
  object.End();
  return text;
}

TEST(KeepAliveTest, ADurationIsTextAndSecondsAreANumber) {
  EXPECT_EQ(WrittenKeepAlive("5m"), R"({"keep_alive":"5m"})");
  EXPECT_EQ(WrittenKeepAlive("300"), R"({"keep_alive":300})");
  EXPECT_EQ(WrittenKeepAlive("-1"), R"({"keep_alive":-1})");
  EXPECT_EQ(WrittenKeepAlive("0"), R"({"keep_alive":0})");
}

TEST(KeepAliveTest, SaysNothingThatIsNotConfiguredOrIsSaid) {
  EXPECT_EQ(WrittenKeepAlive(""), "{}");
  EXPECT_EQ(WrittenKeepAlive("5m", /*is_there=*/true), R"({"keep_alive":7})");
}

}  // namespace
}  // namespace gateway::ollama
