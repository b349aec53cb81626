#include "providers/dialects/stream_warnings.h"

#include <string>

#include "base/text/sse_parser.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(StreamWarningsTest, TellsEachThingOnce) {
  StreamWarnings warnings("a_format");
  std::string out;
  warnings.LeftOut("image", &out);
  EXPECT_EQ(out, ": x-llmgateway-warnings: image: left out: a_format has "
                 "none\n\n");
  warnings.LeftOut("audio", &out);
  const std::string told = out;
  warnings.LeftOut("image", &out);
  warnings.LeftOut("audio", &out);
  EXPECT_EQ(out, told);
}

TEST(StreamWarningsTest, HasWordsForFormatsWithoutComments) {
  StreamWarnings warnings("a_format");
  EXPECT_EQ(warnings.Text("image"), "image: left out: a_format has none");
  EXPECT_EQ(warnings.Text("image"), "");
}

TEST(StreamWarningsTest, IsNothingToReadersOfTheStream) {
  StreamWarnings warnings("a_format");
  std::string out = "data: 1\n\n";
  warnings.LeftOut("image", &out);
  out.append("data: 2\n\n");
  SseParser parser(1 << 10);
  ASSERT_TRUE(parser.Feed(out).ok());
  std::string data;
  SseEvent event;
  while (parser.Next(&event)) {
    if (!event.comment) data += event.data;
  }
  EXPECT_EQ(data, "12");
}

}  // namespace
}  // namespace gateway
