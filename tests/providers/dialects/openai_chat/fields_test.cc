#include "providers/dialects/openai_chat/fields.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

ExtensionList OneExtension(std::string_view dialect, std::string_view name,
                           std::string_view json) {
  ExtensionList extensions;
  v1::Extension* extension = extensions.Add();
  extension->set_dialect(std::string(dialect));
  extension->set_name(std::string(name));
  extension->set_json(std::string(json));
  return extensions;
}

TEST(OpenAiChatFieldsTest, GathersTheLeftoversOfAnObject) {
  Leftovers leftovers;
  ExtensionList extensions;
  leftovers.AddTo("o", &extensions);
  EXPECT_TRUE(extensions.empty());
  ASSERT_TRUE(ReadJson(R"({"a":[1 ],"b\"c":null})", [&](JsonValue& root) {
                return root.EachField(
                    [&](std::string_view key, JsonValue& value) {
                      return leftovers.Keep(key, value);
                    });
              }).ok());
  leftovers.AddTo("o", &extensions);
  ASSERT_EQ(extensions.size(), 1);
  EXPECT_EQ(extensions[0].name(), "o");
  EXPECT_EQ(extensions[0].dialect(), "openai_chat");
  EXPECT_EQ(extensions[0].json(), R"({"a":[1 ],"b\"c":null})");
}

TEST(OpenAiChatFieldsTest, ExtensionsCannotReachIntoTheFieldsAround) {
  for (const std::string_view json :
       {"1,\"model\":\"x\"", "1}", "", "{\"a\":1}}", "[1"}) {
    std::string out;
    JsonWriter writer(&out);
    DroppedFields dropped(kDialect, nullptr);
    writer.StartObject();
    const absl::Status status = WriteExtensions(
        OneExtension("openai_chat", "x", json), {}, writer, dropped);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << json;
    EXPECT_FALSE(
        MergeLeftovers(OneExtension("openai_chat", "x", json), "x", {}, writer)
            .ok())
        << json;
  }
}

TEST(OpenAiChatFieldsTest, WritesOnlyWhatIsOursAndNotTaken) {
  ExtensionList extensions = OneExtension("openai_chat", "mine", "1");
  extensions.MergeFrom(OneExtension("openai_chat", "taken", "2"));
  extensions.MergeFrom(OneExtension("openai_chat", "Ta\u212aen", "2"));
  extensions.MergeFrom(OneExtension("other", "theirs", "not even JSON"));
  std::string out;
  JsonWriter json(&out);
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  json.StartObject();
  ASSERT_TRUE(WriteExtensions(extensions, {"taken"}, json, dropped).ok());
  json.EndObject();
  EXPECT_EQ(out, R"({"mine":1})");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "theirs");
}

TEST(OpenAiChatFieldsTest, MergedFieldsDoNotOverrule) {
  std::string out;
  JsonWriter json(&out);
  json.StartObject();
  json.StringField("url", "good");
  ASSERT_TRUE(MergeLeftovers(OneExtension("openai_chat", "image_url",
                                          R"({"u\u0072l":"bad","k":1})"),
                             "image_url", {"url"}, json)
                  .ok());
  json.EndObject();
  EXPECT_EQ(out, R"({"url":"good","k":1})");
}

TEST(OpenAiChatFieldsTest, TheSameLossIsListedOnce) {
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  dropped.Changed("f", "m");
  dropped.Changed("f", "m");
  dropped.Changed("f", "n");
  EXPECT_EQ(warnings.size(), 2u);
  DroppedFields(kDialect, nullptr).Changed("f", "m");
}

TEST(OpenAiChatFieldsTest, BlamesWhoeverWroteTheText) {
  const absl::Status status = absl::InvalidArgumentError("malformed JSON");
  EXPECT_EQ(FaultReason(AsFieldFault(status)),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FaultReason(AsBadResponse(status)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(FaultReason(AsBadResponse(InvalidField("f", "d"))),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  const absl::Status told = MakeFault(v1::ERROR_REASON_CONTENT_POLICY, "no");
  EXPECT_EQ(AsBadResponse(told), told);
  EXPECT_TRUE(AsFieldFault(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace gateway::chat
