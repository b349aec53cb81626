#include "providers/dialects/losses.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {
namespace {

TEST(LossesTest, TellsTheSameLossOnce) {
  std::vector<v1::Warning> warnings;
  Losses losses(kDialect, &warnings);
  losses.LeftOut("sampling.seed");
  losses.LeftOut("sampling.seed");
  losses.Changed("sampling.seed", "became zero");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "sampling.seed");
  EXPECT_EQ(warnings[1].message(), "became zero");
}

TEST(LossesTest, TellsOfForeignExtensionsOnly) {
  std::vector<v1::Warning> warnings;
  ExtensionList extensions;
  AddExtension(&extensions, "ours", "1");
  v1::Extension* foreign = extensions.Add();
  foreign->set_dialect("openai_chat");
  foreign->set_name("prediction");
  Losses(kDialect, &warnings).Foreign("messages[]", extensions);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "messages[].prediction");
  EXPECT_EQ(warnings[0].message(),
            "left out: only openai_chat knows this field");
}

TEST(LossesTest, StopsTellingAtItsLimit) {
  std::vector<v1::Warning> warnings;
  Losses losses(kDialect, &warnings);
  for (size_t i = 0; i < 2 * Losses::kWarningsLimit; ++i) {
    losses.LeftOut(std::to_string(i));
  }
  EXPECT_EQ(warnings.size(), Losses::kWarningsLimit);
}

TEST(LossesTest, NeedsNobodyToTell) {
  Losses(kDialect, nullptr).LeftOut("sampling.seed");
}

}  // namespace
}  // namespace gateway::anthropic
