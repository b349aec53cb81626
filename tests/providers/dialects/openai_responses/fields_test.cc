#include "providers/dialects/openai_responses/fields.h"

#include "gtest/gtest.h"

namespace gateway::responses {
namespace {

TEST(FieldsTest, TextExtensionsComeBackAsTheyWere) {
  ExtensionList extensions;
  AddTextExtension(&extensions, "id", "a \"b\"\n\xc3\xa5");
  EXPECT_EQ(TextExtension(extensions, "id"), "a \"b\"\n\xc3\xa5");
  EXPECT_EQ(TextExtension(extensions, "other"), "");
}

TEST(FieldsTest, AnExtensionThatIsNoTextHasNone) {
  ExtensionList extensions;
  AddExtension(&extensions, "number", "7");
  AddExtension(&extensions, "broken", "\"x");
  EXPECT_EQ(TextExtension(extensions, "number"), "");
  EXPECT_EQ(TextExtension(extensions, "broken"), "");
}

TEST(FieldsTest, WhatIsLeftIsOfThisDialectAndNotNamed) {
  ExtensionList extensions;
  AddExtension(&extensions, "a", "1");
  AddExtension(&extensions, "b", "2");
  v1::Extension* foreign = extensions.Add();
  foreign->set_dialect("openai_chat");
  foreign->set_name("c");
  const ExtensionList rest = Without(extensions, {"a"});
  ASSERT_EQ(rest.size(), 1);
  EXPECT_EQ(rest[0].name(), "b");
}

}  // namespace
}  // namespace gateway::responses
