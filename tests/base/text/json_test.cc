#include "base/text/json.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Reads a root object's fields as raw texts.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> RawFields(
    std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          fields.emplace_back(key, raw);
          return absl::OkStatus();
        });
  }));
  return fields;
}

// Applies `visit` to the element of a one-element array.
absl::Status ReadOne(std::string_view element,
                     JsonValue::ElementVisitor visit) {
  return ReadJson("[" + std::string(element) + "]",
                  [&](JsonValue& root) { return root.EachElement(visit); });
}

absl::StatusOr<std::string> StringOf(std::string_view element) {
  std::string text;
  GATEWAY_RETURN_IF_ERROR(
      ReadOne(element, [&](JsonValue& value) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(text, value.String());
        return absl::OkStatus();
      }));
  return text;
}

absl::StatusOr<int64_t> IntegerOf(std::string_view element) {
  int64_t number = 0;
  GATEWAY_RETURN_IF_ERROR(
      ReadOne(element, [&](JsonValue& value) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(number, value.Int64());
        return absl::OkStatus();
      }));
  return number;
}

absl::Status Skip(JsonValue&) { return absl::OkStatus(); }

absl::Status TakeRaw(JsonValue& value) { return value.Raw().status(); }

absl::Status SkipAll(std::string_view text) {
  return ReadJson(text, [](JsonValue& root) {
    if (root.IsArray()) return root.EachElement(Skip);
    return root.EachField(
        [](std::string_view, JsonValue& value) { return Skip(value); });
  });
}

TEST(JsonReadTest, GivesKeysUnescapedAndValuesByteForByte) {
  EXPECT_THAT(*RawFields(R"( { "a" : 1.50 , "\u006dodel":"x\n",
                               "o": {"k" : [1, 2 ]} , "n":null } )"),
              ElementsAre(Pair("a", "1.50"), Pair("model", R"("x\n")"),
                          Pair("o", R"({"k" : [1, 2 ]})"), Pair("n", "null")));
}

TEST(JsonReadTest, LeavesRepeatedKeysToTheVisitor) {
  EXPECT_THAT(*RawFields(R"({"a":1,"a":2,"\u0061":3})"),
              ElementsAre(Pair("a", "1"), Pair("a", "2"), Pair("a", "3")));
}

TEST(JsonReadTest, NamesThePlaceOfAnError) {
  const absl::Status status = ReadJson(
      R"({"messages":[{"content":[{},{"type":7}]}]})", [](JsonValue& root) {
        return root.EachField([](std::string_view, JsonValue& messages) {
          return messages.EachElement([](JsonValue& message) {
            return message.EachField([](std::string_view, JsonValue& content) {
              return content.EachElement([](JsonValue& part) {
                return part.EachField([](std::string_view, JsonValue& type) {
                  return type.String().status();
                });
              });
            });
          });
        });
      });
  EXPECT_EQ(status.message(), "messages[0].content[1].type: expected a string");
  EXPECT_EQ(JsonErrorPath(status), "messages[0].content[1].type");
  EXPECT_EQ(JsonErrorDescription(status), "expected a string");
}

TEST(JsonReadTest, NamesKeysAsTheyAre) {
  const auto named = [](const std::string& key) {
    return JsonErrorPath(
        ReadJson("{\"o\":{\"" + key + "\":1}}", [](JsonValue& root) {
          return root.EachField([](std::string_view, JsonValue& object) {
            return object.EachField([](std::string_view, JsonValue& value) {
              return value.String().status();
            });
          });
        }));
  };
  EXPECT_EQ(named("ECHO"), "o.ECHO");
  EXPECT_EQ(named("nifoh\\u0063e"), "o.nifohce");
  EXPECT_EQ(named(""), "o.\"\"");
  // A long one is cut, between two characters.
  EXPECT_EQ(named(std::string(127, 'a') + "\u20ac"),
            "o." + std::string(127, 'a'));
  EXPECT_EQ(named(std::string(200, 'a')), "o." + std::string(128, 'a'));
}

TEST(JsonReadTest, RefusesWhatIsNotOneText) {
  for (const std::string_view text :
       {"",          " ",      "{",     "[",          "{]",
        "[}",        "{}}",    "{} {}", "[]]",        "{},",
        "nul",       "\"a\"",  "7",     "{\"a\":1}x", "[1,2",
        "{\"a\":",   "{\"a\"", "{\"a",  "[\"\x01\"]", "[1 2]",
        "{\"a\" 1}", "{1:2}",  "[,]",   "{\"a\":1,}"}) {
    EXPECT_FALSE(SkipAll(text).ok()) << text;
  }
}

TEST(JsonReadTest, WhatFollowsATextIsNotTakenForItsMissingEnd) {
  for (const std::string_view text : {"{} more", "[]x", "{\"a\":1"}) {
    EXPECT_EQ(SkipAll(text).message(),
              "malformed JSON: the text does not end where its array or object "
              "does")
        << text;
  }
}

TEST(JsonReadTest, AcceptsEmptyContainersAndSpaceAround) {
  EXPECT_TRUE(SkipAll("{}").ok());
  EXPECT_TRUE(SkipAll("\n[ ]\t").ok());
}

TEST(JsonReadTest, RefusesInvalidUtf8Anywhere) {
  const absl::Status status = SkipAll("{\"a\":{\"b\":\"\xff\"}}");
  EXPECT_EQ(status.message(), "not valid UTF-8");
}

TEST(JsonReadTest, RefusesLoneSurrogates) {
  for (const std::string_view text :
       {R"("\ud800")", R"("\udc00")", R"("a\ud800b")", R"("\ud83d\u0041")",
        R"("\udfff\ud800")"}) {
    EXPECT_FALSE(StringOf(text).ok()) << text;
  }
  EXPECT_EQ(*StringOf(R"("\ud83d\ude00")"), "\xF0\x9F\x98\x80");
}

TEST(JsonReadTest, RefusesALoneSurrogateInAKey) {
  EXPECT_FALSE(SkipAll(R"({"\udc00":1})").ok());
}

TEST(JsonReadTest, UnescapesStrings) {
  EXPECT_EQ(*StringOf(R"("\"\\\/\b\f\n\r\t\u00e9")"),
            "\"\\/\b\f\n\r\t\xC3\xA9");
  EXPECT_EQ(*StringOf(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_FALSE(StringOf(R"("\x")").ok());
}

TEST(JsonReadTest, ChecksTheInsideOfRawValues) {
  for (const std::string_view text :
       {"{\"a\" 1}", "[1,]", "{\"a\":}", "[tru]", "[01]", "[1.]", "[1e]", "[-]",
        "[+1]", "[.5]", "{\"a\":1 \"b\":2}", "{,}", "[\"\\x\"]", "nope",
        "[\"\\u12g4\"]"}) {
    EXPECT_FALSE(ReadOne(text, TakeRaw).ok()) << text;
  }
  for (const std::string_view text :
       {"{\"a\" : [ ] }", "-0.5e+10", "true", "\"\\u12aF\\n\"", "[[],{}]"}) {
    EXPECT_TRUE(ReadOne(text, TakeRaw).ok()) << text;
  }
}

TEST(JsonReadTest, BoundsTheDepthOfRawValues) {
  const auto nested = [](int depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  // ReadOne adds one.
  EXPECT_TRUE(ReadOne(nested(kJsonDepthLimit - 1), TakeRaw).ok());
  const absl::Status status = ReadOne(nested(kJsonDepthLimit), TakeRaw);
  EXPECT_EQ(status.message(), "[0]: malformed JSON: nested too deep");
}

TEST(JsonReadTest, BoundsTheDepthOfVisits) {
  struct Diver {
    static absl::Status Dive(JsonValue& value) {
      return value.EachElement(Dive);
    }
  };
  const auto dive = [](int depth) {
    return ReadJson(std::string(depth, '[') + std::string(depth, ']'),
                    Diver::Dive);
  };
  EXPECT_TRUE(dive(kJsonDepthLimit).ok());
  EXPECT_FALSE(dive(kJsonDepthLimit + 1).ok());
}

TEST(JsonReadTest, SkipsDeepValuesThatNobodyReads) {
  EXPECT_TRUE(
      SkipAll("[" + std::string(5000, '[') + std::string(5000, ']') + "]")
          .ok());
}

TEST(JsonReadTest, ReadsIntegers) {
  EXPECT_EQ(*IntegerOf("-9223372036854775808"),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(*IntegerOf("9223372036854775807"),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(*IntegerOf("3.0"), 3);
  EXPECT_EQ(*IntegerOf("1e3"), 1000);
  for (const std::string_view text : {"1.5", "\"1\"", "null", "true", "-"}) {
    EXPECT_EQ(IntegerOf(text).status().message(), "[0]: expected an integer")
        << text;
  }
}

TEST(JsonReadTest, ANumberThatIsTooLargeIsCalledThat) {
  const auto read = [](std::string_view text) {
    return ReadOne(text,
                   [](JsonValue& value) { return value.Double().status(); });
  };
  EXPECT_TRUE(read("1e308").ok());
  EXPECT_TRUE(read("1e-999").ok());
  for (const std::string_view text : {"1e999", "-1e999"}) {
    EXPECT_EQ(read(text).message(), "[0]: the number is out of range") << text;
  }
  EXPECT_EQ(read("1e").message(), "[0]: malformed JSON: a bad number");
  for (const std::string_view text :
       {"9223372036854775808", "1e300", "1e999", "-1e999"}) {
    EXPECT_EQ(IntegerOf(text).status().message(),
              "[0]: the number is out of range")
        << text;
  }
  // Nothing is asked of one that is not read as a number.
  EXPECT_TRUE(ReadOne("1e999", TakeRaw).ok());
}

TEST(JsonReadTest, BoundsSmallIntegers) {
  const auto read = [](std::string_view text) {
    return ReadOne(
        text, [](JsonValue& value) { return value.Int32(1, 128).status(); });
  };
  EXPECT_TRUE(read("1").ok());
  EXPECT_TRUE(read("128").ok());
  EXPECT_EQ(read("0").message(), "[0]: must be between 1 and 128");
  EXPECT_FALSE(read("129").ok());
}

TEST(JsonReadTest, TellsTypesApart) {
  std::vector<JsonType> types;
  ASSERT_TRUE(ReadJson(R"([null,true,-1,"s",[],{}])", [&](JsonValue& root) {
                return root.EachElement([&](JsonValue& value) {
                  types.push_back(value.Type());
                  return absl::OkStatus();
                });
              }).ok());
  EXPECT_THAT(types, ElementsAre(JsonType::kNull, JsonType::kBool,
                                 JsonType::kNumber, JsonType::kString,
                                 JsonType::kArray, JsonType::kObject));
}

TEST(JsonReadTest, OnlyNullIsNull) {
  const auto is_null = [](std::string_view text) {
    bool null = false;
    EXPECT_TRUE(ReadOne(text, [&](JsonValue& value) {
                  null = value.IsNull();
                  return absl::OkStatus();
                }).ok());
    return null;
  };
  EXPECT_TRUE(is_null("null"));
  EXPECT_TRUE(is_null("null "));
  for (const std::string_view text : {"n", "nul", "nullx", "null0.5", "nan"}) {
    EXPECT_FALSE(is_null(text)) << text;
  }
}

TEST(JsonReadTest, NamesTheTypeThatIsWanted) {
  const auto message = [](auto read) {
    return std::string(ReadOne("\"x\"", [&](JsonValue& value) {
                         return read(value);
                       }).message());
  };
  EXPECT_EQ(message([](JsonValue& v) { return v.Bool().status(); }),
            "[0]: expected true or false");
  EXPECT_EQ(message([](JsonValue& v) { return v.Double().status(); }),
            "[0]: expected a number");
  EXPECT_EQ(message([](JsonValue& v) { return v.Null(); }),
            "[0]: expected null");
  EXPECT_EQ(message([](JsonValue& v) { return v.EachElement(Skip); }),
            "[0]: expected an array");
  EXPECT_EQ(message([](JsonValue& v) {
              return v.EachField(
                  [](std::string_view, JsonValue& w) { return Skip(w); });
            }),
            "[0]: expected an object");
}

TEST(JsonReadTest, ReadsAnotherTextWithinAVisitor) {
  std::string outer;
  std::string inner;
  ASSERT_TRUE(ReadOne(R"("[\"in\"]")", [&](JsonValue& value) -> absl::Status {
                GATEWAY_ASSIGN_OR_RETURN(const std::string_view text,
                                         value.String());
                GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
                  return root.EachElement([&](JsonValue& word) -> absl::Status {
                    GATEWAY_ASSIGN_OR_RETURN(inner, word.String());
                    return absl::OkStatus();
                  });
                }));
                outer = text;
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(inner, "in");
  EXPECT_EQ(outer, "[\"in\"]");
}

absl::Status ReadAll(JsonValue& value) {
  switch (value.Type()) {
    case JsonType::kNull:
      return value.Null();
    case JsonType::kBool:
      return value.Bool().status();
    case JsonType::kNumber:
      return value.Double().status();
    case JsonType::kString:
      return value.String().status();
    case JsonType::kArray:
      return value.EachElement(ReadAll);
    case JsonType::kObject:
      return value.EachField(
          [](std::string_view, JsonValue& field) { return ReadAll(field); });
  }
  return absl::InternalError("no such type");
}

TEST(JsonReadTest, NothingBehindTheTextIsLookedAt) {
  const std::string text =
      R"({"short":"a","long":"0123456789abcdef0123456789\\\u00e9\ud83d\ude00",)"
      R"("all":[-12.5e+3,0,7,true,false,null,[],{"k":{}}],"a\"b" : 1 })";
  EXPECT_TRUE(ReadJson(ExactCopy(text).view(), ReadAll).ok());
  for (size_t size = 0; size < text.size(); ++size) {
    // What does not end in a bracket is hardly read.
    for (const char* const end : {"", "}"}) {
      const std::string cut = text.substr(0, size) + end;
      const ExactCopy copy(cut);
      EXPECT_EQ(ReadJson(copy.view(), ReadAll).ok(),
                CheckJson(copy.view()).ok())
          << cut;
      SkipAll(copy.view()).IgnoreError();
    }
  }
}

TEST(JsonReadTest, RawViewsPointIntoTheText) {
  const std::string_view text = R"({"a" : "x" , "b":1})";
  std::vector<size_t> offsets;
  ASSERT_TRUE(ReadJson(text, [&](JsonValue& root) {
                return root.EachField(
                    [&](std::string_view, JsonValue& value) -> absl::Status {
                      const char* const begin = value.begin();
                      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                               value.RawUnchecked());
                      EXPECT_EQ(begin, raw.data());
                      offsets.push_back(raw.data() - text.data());
                      return absl::OkStatus();
                    });
              }).ok());
  EXPECT_THAT(offsets, ElementsAre(7, 17));
}

// Visits the first element of an array, then takes its raw text.
absl::StatusOr<std::string> VisitedRawOf(std::string_view text) {
  std::string raw_text;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachElement([&](JsonValue& value) -> absl::Status {
      GATEWAY_RETURN_IF_ERROR(value.EachField(
          [](std::string_view, JsonValue& v) { return Skip(v); }));
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
      if (raw_text.empty()) raw_text = raw;
      return absl::OkStatus();
    });
  }));
  return raw_text;
}

TEST(JsonReadTest, GivesTheRawTextOfWhatWasVisited) {
  EXPECT_EQ(*VisitedRawOf(R"([ {"a" : [1, {}] } , {}])"),
            R"({"a" : [1, {}] })");
  EXPECT_EQ(*VisitedRawOf("[{}\n]"), "{}");
  EXPECT_EQ(*VisitedRawOf(R"([{"b":{"c":1}}])"), R"({"b":{"c":1}})");
  EXPECT_FALSE(VisitedRawOf(R"([{"b":{"c" 1}}])").ok());
}

TEST(JsonReadTest, GivesTheRawTextOfAVisitedRoot) {
  std::string raw_text;
  ASSERT_TRUE(ReadJson(" {\"a\": 1 } ", [&](JsonValue& root) -> absl::Status {
                GATEWAY_RETURN_IF_ERROR(root.EachField(
                    [](std::string_view, JsonValue& v) { return Skip(v); }));
                GATEWAY_ASSIGN_OR_RETURN(raw_text, root.VisitedRaw());
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(raw_text, "{\"a\": 1 }");
}

TEST(Utf8Test, TellsTextFromOtherBytes) {
  EXPECT_TRUE(IsUtf8("a\xC3\xA9"));
  EXPECT_FALSE(IsUtf8("\xC3("));
}

TEST(Utf8Test, FindsAByteThatIsNoTextWhereverItStands) {
  for (size_t size = 0; size < 80; ++size) {
    std::string text(size, 'a');
    EXPECT_TRUE(IsUtf8(text)) << size;
    for (size_t at = 0; at < size; ++at) {
      text[at] = '\xff';
      EXPECT_FALSE(IsUtf8(text)) << size << " " << at;
      text[at] = 'a';
    }
  }
}

TEST(JsonReadTest, ReadsATextLargerThanWhatAParserKeeps) {
  const std::string text(3 << 20, 'a');
  EXPECT_EQ(*StringOf("\"" + text + "\""), text);
  EXPECT_EQ(*StringOf("\"b\""), "b");
}

TEST(JsonReadTest, AVisitorsErrorEndsTheReading) {
  int visits = 0;
  const absl::Status status = ReadJson("[1,2,3]", [&](JsonValue& root) {
    return root.EachElement([&](JsonValue&) {
      ++visits;
      return absl::AbortedError("enough");
    });
  });
  EXPECT_EQ(status, absl::AbortedError("enough"));
  EXPECT_EQ(visits, 1);
}

// How often a check was asked while all of `text` was visited.
int ChecksOf(const std::string& text) {
  int asked = 0;
  const auto count = [&asked]() -> absl::Status {
    ++asked;
    return absl::OkStatus();
  };
  const JsonVisitCheck::Check check = count;
  const JsonVisitCheck checked(check);
  const auto visit = [](auto& self, JsonValue& value) -> absl::Status {
    if (!value.IsArray()) return absl::OkStatus();
    return value.EachElement(
        [&](JsonValue& element) { return self(self, element); });
  };
  EXPECT_TRUE(
      ReadJson(text, [&](JsonValue& root) { return visit(visit, root); }).ok());
  return asked;
}

std::string ArrayOf(int count, const std::string& element) {
  std::string array = "[" + element;
  for (int i = 1; i < count; ++i) array += "," + element;
  return array + "]";
}

TEST(JsonVisitCheckTest, IsAskedAsReadingGoesOn) {
  EXPECT_EQ(ChecksOf("[1,2]"), 0);
  EXPECT_EQ(ChecksOf(ArrayOf(5000, "1")), 4);
  // Many small ones count as one large does.
  EXPECT_GE(ChecksOf(ArrayOf(500, ArrayOf(10, "1"))), 4);
}

TEST(JsonVisitCheckTest, ItsErrorEndsTheReading) {
  int visits = 0;
  const auto refuse = [] { return absl::AbortedError("enough"); };
  const JsonVisitCheck::Check check = refuse;
  const auto read = [&] {
    return ReadJson(ArrayOf(5000, "1"), [&](JsonValue& root) {
      return root.EachElement([&](JsonValue&) {
        ++visits;
        return absl::OkStatus();
      });
    });
  };
  {
    const JsonVisitCheck checked(check);
    EXPECT_EQ(read(), absl::AbortedError("enough"));
    EXPECT_LE(visits, static_cast<int>(kJsonVisitsPerCheck));
  }
  EXPECT_TRUE(read().ok());
}

TEST(JsonReadTest, EveryTruncationIsRefused) {
  const std::string text = R"({"a":[1,{"b":"c\n"}],"d":null,"e":-1.5e3})";
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(RawFields(text.substr(0, length)).ok()) << length;
  }
  EXPECT_TRUE(RawFields(text).ok());
}

TEST(JsonReadTest, WhatPythonReadsBeyondTheGrammarIsRead) {
  std::vector<std::string> seen;
  const std::string text = R"({"a\ud800": "\udc00", "b": [NaN, -Infinity]})";
  const absl::Status read = ReadJsonAsPython(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          seen.emplace_back(key);
          const auto said = value.IsString() ? value.String() : value.Raw();
          if (said.ok()) seen.emplace_back(*said);
          return said.status();
        });
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(seen, (std::vector<std::string>{"a\xed\xa0\x80", "\xed\xb0\x80",
                                            "b", "[NaN, -Infinity]"}));
  EXPECT_FALSE(ReadJson(text, [](JsonValue& root) {
                 return root.EachField([](std::string_view, JsonValue&) {
                   return absl::OkStatus();
                 });
               }).ok());
}

}  // namespace
}  // namespace gateway
