#include "providers/dialects/object_fields.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Takes `text` apart and hands the fields to `use`.
absl::Status WithFields(std::string_view text,
                        absl::FunctionRef<absl::Status(ObjectFields&)> use) {
  return ReadJson(text, [&](JsonValue& root) {
    absl::StatusOr<ObjectFields> fields = ObjectFields::Read(kFormat, root);
    return fields.ok() ? use(*fields) : fields.status();
  });
}

TEST(ObjectFieldsTest, TakesTextsInWhateverOrderTheyCome) {
  const absl::Status status = WithFields(
      R"({"text":"a\u00e5\n","x":1,"type":"text"})", [](ObjectFields& fields) {
        EXPECT_EQ(fields.type(), "text");
        std::string text;
        EXPECT_TRUE(fields.RequiredText("text", &text).ok());
        EXPECT_EQ(text, "a\u00e5\n");
        EXPECT_FALSE(fields.AllTaken());
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ObjectFieldsTest, AFormatInCamelCaseIsAlsoReadInSnakeCase) {
  constexpr wire::ObjectFormat kCamel = {"camel", {}, {}, true};
  const auto names_of = [&](std::string_view text, ExtensionList* rest) {
    return ReadJson(text, [&](JsonValue& root) {
      absl::StatusOr<ObjectFields> fields = ObjectFields::Read(kCamel, root);
      if (fields.ok()) fields->Rest(rest);
      return fields.status();
    });
  };
  ExtensionList rest;
  ASSERT_TRUE(
      names_of(R"({"top_k":1,"_x":2,"$ref":3,"maxTokens":4})", &rest).ok());
  EXPECT_EQ(rest[0].name(), "topK");
  EXPECT_EQ(rest[1].name(), "_x");
  EXPECT_EQ(rest[2].name(), "$ref");
  EXPECT_EQ(rest[3].name(), "maxTokens");
  EXPECT_THAT(FieldViolations(names_of(R"({"topK":1,"top_k":2})", &rest)),
              ElementsAre(Pair("top_k", "repeated key")));
}

TEST(ObjectFieldsTest, RefusesAFieldThatWouldBeTakenForANestedOne) {
  const absl::Status status =
      WithFields(R"({"thinking.budget_tokens":9})",
                 [](ObjectFields&) { return absl::OkStatus(); });
  EXPECT_THAT(FieldViolations(status),
              ElementsAre(Pair("thinking.budget_tokens", "no such field")));
}

TEST(ObjectFieldsTest, KeepsWhatNobodyTookByteForByte) {
  const absl::Status status = WithFields(
      R"({"text":"t","novel": {"a" : [1.50, "\u00e5"]} ,"word":"\u0041"})",
      [](ObjectFields& fields) {
        std::string text;
        EXPECT_TRUE(fields.Text("text", &text).ok());
        ExtensionList rest;
        fields.Rest(&rest);
        EXPECT_EQ(rest.size(), 2);
        EXPECT_EQ(rest[0].dialect(), "anthropic_messages");
        EXPECT_EQ(rest[0].name(), "novel");
        EXPECT_EQ(rest[0].json(), R"({"a" : [1.50, "\u00e5"]})");
        EXPECT_EQ(rest[1].json(), R"("\u0041")");
        ExtensionList nested;
        fields.Rest(&nested, "thinking");
        EXPECT_EQ(nested[0].name(), "thinking.novel");
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ObjectFieldsTest, RefusesRepeatedKeysHoweverTheyAreEscaped) {
  const absl::Status status =
      WithFields(R"({"text":"a","te\u0078t":"b"})",
                 [](ObjectFields&) { return absl::OkStatus(); });
  EXPECT_THAT(FieldViolations(status),
              ElementsAre(Pair("text", "repeated key")));
}

TEST(ObjectFieldsTest, BoundsTheNumberOfFields) {
  std::string text = "{";
  for (size_t i = 0; i <= kObjectFieldsLimit; ++i) {
    text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  }
  text += "}";
  EXPECT_FALSE(
      WithFields(text, [](ObjectFields&) { return absl::OkStatus(); }).ok());
}

TEST(ObjectFieldsTest, NamesTheFieldThatHasTheWrongType) {
  const auto violation = [](absl::Status status) {
    return FieldViolations(status).front();
  };
  EXPECT_TRUE(
      WithFields(R"({"text":7,"is_error":1,"budget_tokens":"x","n":-1})",
                 [&](ObjectFields& fields) {
                   std::string text;
                   std::optional<bool> truth;
                   std::optional<int32_t> number;
                   EXPECT_THAT(violation(fields.Text("text", &text)),
                               Pair("text", "expected a string"));
                   EXPECT_THAT(violation(fields.RequiredText("name", &text)),
                               Pair("name", "required"));
                   EXPECT_THAT(violation(fields.Bool("is_error", &truth)),
                               Pair("is_error", "expected true or false"));
                   EXPECT_THAT(
                       violation(fields.Int32("budget_tokens", &number)),
                       Pair("budget_tokens", "expected an integer"));
                   EXPECT_FALSE(fields.Int32("n", &number).ok());
                   return absl::OkStatus();
                 })
          .ok());
}

TEST(ObjectFieldsTest, TakesNullForAbsent) {
  EXPECT_TRUE(WithFields(R"({"text":null,"b":null,"n":null,"j":null})",
                         [](ObjectFields& fields) {
                           std::string text = "kept";
                           std::optional<bool> truth;
                           std::optional<int32_t> number;
                           EXPECT_TRUE(fields.Text("text", &text).ok());
                           EXPECT_TRUE(fields.Bool("b", &truth).ok());
                           EXPECT_TRUE(fields.Int32("n", &number).ok());
                           EXPECT_EQ(text, "kept");
                           EXPECT_FALSE(truth.has_value());
                           EXPECT_FALSE(number.has_value());
                           EXPECT_EQ(fields.Json("j"), "");
                           EXPECT_TRUE(fields.AllTaken());
                           return absl::OkStatus();
                         })
                  .ok());
}

TEST(ObjectFieldsTest, ReadsIntegersThatAreWrittenAsFractions) {
  EXPECT_TRUE(WithFields(R"({"n":2048.0})", [](ObjectFields& fields) {
                std::optional<int32_t> number;
                EXPECT_TRUE(fields.Int32("n", &number).ok());
                EXPECT_EQ(number, 2048);
                return absl::OkStatus();
              }).ok());
}

TEST(ReadNestedTest, PutsItsPlaceBeforeThePlaceOfTheMistake) {
  const absl::Status status =
      ReadJson(R"({"content":[{"text":1}]})", [](JsonValue& root) {
        return root.EachField(
            [](std::string_view, JsonValue& value) -> absl::Status {
              return ReadNested(
                  *value.Raw(), "messages[3].content", [](JsonValue& list) {
                    return list.EachElement([](JsonValue& element) {
                      std::string text;
                      return ObjectFields::Read(kFormat, element)
                          ->Text("text", &text);
                    });
                  });
            });
      });
  EXPECT_THAT(
      FieldViolations(status),
      ElementsAre(Pair("messages[3].content[0].text", "expected a string")));
}

class ObjectWriterTest : public testing::Test {
 protected:
  void Extend(std::string_view dialect, std::string_view name,
              std::string_view json) {
    v1::Extension* extension = extensions_.Add();
    extension->set_dialect(std::string(dialect));
    extension->set_name(std::string(name));
    extension->set_json(std::string(json));
  }

  std::string out_;
  JsonWriter json_{&out_};
  ExtensionList extensions_;
};

TEST_F(ObjectWriterTest, WritesOwnExtensionsOnly) {
  Extend("anthropic_messages", "novel", "[1, 2]");
  Extend("openai_chat", "user", "\"u\"");
  Extend("anthropic_messages", "thinking.depth", "3");
  ObjectWriter object(kFormat, json_);
  object.Text("model", "m");
  EXPECT_TRUE(object.Extensions(extensions_, "").ok());
  object.End();
  EXPECT_EQ(out_, R"({"model":"m","novel":[1, 2]})");
}

TEST_F(ObjectWriterTest, WritesTheExtensionsOfANestedObject) {
  Extend("anthropic_messages", "novel", "1");
  Extend("anthropic_messages", "thinking.depth", "3");
  EXPECT_TRUE(HasNestedExtension(extensions_, "thinking"));
  EXPECT_FALSE(HasNestedExtension(extensions_, "metadata"));
  ObjectWriter object(kFormat, json_);
  EXPECT_TRUE(object.Extensions(extensions_, "", "thinking").ok());
  object.End();
  EXPECT_EQ(out_, R"({"depth":3})");
}

TEST_F(ObjectWriterTest, RefusesAnExtensionThatWouldRepeatAKey) {
  Extend("anthropic_messages", "model", "\"other\"");
  ObjectWriter object(kFormat, json_);
  object.Text("model", "m");
  EXPECT_EQ(FaultReason(object.Extensions(extensions_, "")),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(ObjectWriterTest, RefusesOneThatDiffersFromAKeyInLetterCaseOnly) {
  Extend("anthropic_messages", "Model", "\"other\"");
  ObjectWriter object(kFormat, json_);
  object.Text("model", "m");
  EXPECT_EQ(FaultReason(object.Extensions(extensions_, "")),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(ObjectWriterTest, RefusesOneThatIsAKeyOfItInSnakeCase) {
  constexpr wire::ObjectFormat kCamel = {"camel", {}, {}, true};
  const auto reason_of = [&](std::string_view written, std::string_view name) {
    extensions_.Clear();
    Extend("camel", name, "{}");
    ObjectWriter object(kCamel, json_);
    object.Text(written, "m");
    return FaultReason(object.Extensions(extensions_, ""));
  };
  EXPECT_EQ(reason_of("generationConfig", "generation_config"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(reason_of("generation_config", "Generationconfig"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(reason_of("generationConfig", "safety_settings"),
            v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ObjectWriterTest, RefusesTheSecondOfTwoExtensionsOfOneName) {
  Extend("anthropic_messages", "novel", "1");
  Extend("anthropic_messages", "novel", "2");
  ObjectWriter object(kFormat, json_);
  EXPECT_FALSE(object.Extensions(extensions_, "").ok());
}

TEST_F(ObjectWriterTest, RefusesAnExtensionThatWouldBreakOut) {
  Extend("anthropic_messages", "novel", R"(1,"model":"other")");
  ObjectWriter object(kFormat, json_);
  object.Text("model", "m");
  const absl::Status status = object.Extensions(extensions_, "messages[0]");
  EXPECT_EQ(FieldViolations(status).front().first,
            "messages[0].extensions[novel]");
}

TEST(ReadTextTest, ATextMayBeNull) {
  std::string text = "before";
  const auto read = [&](std::string_view body) {
    return ReadJson(body, [&](JsonValue& root) {
      return root.EachField([&](std::string_view, JsonValue& value) {
        return wire::ReadText(value, &text);
      });
    });
  };
  EXPECT_TRUE(read(R"({"a":null})").ok());
  EXPECT_EQ(text, "before");
  EXPECT_TRUE(read(R"({"a":"after"})").ok());
  EXPECT_EQ(text, "after");
  EXPECT_FALSE(read(R"({"a":7})").ok());
}

}  // namespace
}  // namespace gateway::anthropic
