#include "providers/dialects/dropped_fields.h"

#include <string>
#include <vector>

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

}  // namespace
}  // namespace gateway::anthropic
