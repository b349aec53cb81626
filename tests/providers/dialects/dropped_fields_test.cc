#include "providers/dialects/dropped_fields.h"

#include <string>
#include <vector>

#include "base/text/sse_parser.h"
#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {
namespace {

TEST(DroppedFieldsTest, TellsTheSameLossOnce) {
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  dropped.LeftOut("sampling.seed");
  dropped.LeftOut("sampling.seed");
  dropped.Changed("sampling.seed", "became zero");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "sampling.seed");
  EXPECT_EQ(warnings[1].message(), "became zero");
}

TEST(DroppedFieldsTest, TellsOfForeignExtensionsOnly) {
  std::vector<v1::Warning> warnings;
  ExtensionList extensions;
  AddExtension(&extensions, "ours", "1");
  v1::Extension* foreign = extensions.Add();
  foreign->set_dialect("openai_chat");
  foreign->set_name("prediction");
  DroppedFields(kDialect, &warnings).Foreign("messages[]", extensions);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "messages[].prediction");
  EXPECT_EQ(warnings[0].message(),
            "left out: only openai_chat knows this field");
}

TEST(DroppedFieldsTest, StopsTellingAtItsLimit) {
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  for (size_t i = 0; i < 2 * DroppedFields::kWarningsLimit; ++i) {
    dropped.LeftOut(std::to_string(i));
  }
  EXPECT_EQ(warnings.size(), DroppedFields::kWarningsLimit);
}

TEST(DroppedFieldsTest, NeedsNobodyToTell) {
  DroppedFields(kDialect, nullptr).LeftOut("sampling.seed");
}

TEST(StreamWarningsTest, TellsEachThingOnce) {
  wire::StreamWarnings warnings("a_format");
  std::string out;
  warnings.LeftOut("image", &out);
  EXPECT_EQ(out,
            ": x-llmgateway-warnings: image: left out: a_format has "
            "none\n\n");
  warnings.LeftOut("audio", &out);
  const std::string told = out;
  warnings.LeftOut("image", &out);
  warnings.LeftOut("audio", &out);
  EXPECT_EQ(out, told);
}

TEST(StreamWarningsTest, HasWordsForFormatsWithoutComments) {
  wire::StreamWarnings warnings("a_format");
  EXPECT_EQ(warnings.Text("image"), "image: left out: a_format has none");
  EXPECT_EQ(warnings.Text("image"), "");
}

TEST(StreamWarningsTest, IsNothingToReadersOfTheStream) {
  wire::StreamWarnings warnings("a_format");
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
}  // namespace gateway::anthropic
