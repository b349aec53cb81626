#include "service/cache/canonical_json.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text/json_grammar.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

std::optional<std::string> FormOf(
    std::string_view json, const std::vector<std::string_view>& left_out = {}) {
  std::string form = "before";
  if (!AppendCanonicalJson(json, left_out, &form)) {
    EXPECT_EQ(form, "before");
    return std::nullopt;
  }
  return form;
}

// An object with one member of this value.
std::string ObjectWith(std::string_view value) {
  return "{\"a\":" + std::string(value) + "}";
}

void ExpectSame(std::string_view a, std::string_view b) {
  ASSERT_TRUE(FormOf(a)) << a;
  ASSERT_TRUE(FormOf(b)) << b;
  EXPECT_EQ(*FormOf(a), *FormOf(b)) << a << "\n" << b;
}

void ExpectDifferent(std::string_view a, std::string_view b) {
  ASSERT_TRUE(FormOf(a)) << a;
  ASSERT_TRUE(FormOf(b)) << b;
  EXPECT_NE(*FormOf(a), *FormOf(b)) << a << "\n" << b;
}

TEST(CanonicalJsonTest, SpacesAndOrderMeanNothing) {
  ExpectSame(R"({"a":1,"b":[true,null]})",
             "\n{ \"b\" : [ true ,\tnull ] , \"a\" : 1 }\r\n");
  ExpectSame(R"({"x":{"b":1,"a":{"d":2,"c":3}}})",
             R"({"x":{"a":{"c":3,"d":2},"b":1}})");
}

TEST(CanonicalJsonTest, OrderOfElementsMeansSomething) {
  ExpectDifferent(R"({"a":[1,2]})", R"({"a":[2,1]})");
}

TEST(CanonicalJsonTest, EscapesAreResolvedInTextsAndKeys) {
  ExpectSame(R"({"a":"\u00e9\/\n\ud83d\ude00"})",
             "{\"\\u0061\":\"\xC3\xA9/\\u000a\xF0\x9F\x98\x80\"}");
  ExpectDifferent(R"({"a":"\\n"})", R"({"a":"\n"})");
}

TEST(CanonicalJsonTest, NumbersHaveOneForm) {
  for (const std::string_view same :
       {"1.5", "15e-1", "0.15E+1", "1.50", "0.00015e4", "150e-0002"}) {
    ExpectSame(R"({"a":1.5})", ObjectWith(same));
  }
  for (const std::string_view zero : {"0", "-0", "0.0", "0e7", "-0.00E-1"}) {
    ExpectSame(R"({"a":0})", ObjectWith(zero));
  }
  for (const std::string_view other :
       {"1.51", "-1.5", "15", "0.15", "\"1.5\"", "0", "1.500000000000000001"}) {
    ExpectDifferent(R"({"a":1.5})", ObjectWith(other));
  }
  ExpectDifferent(R"({"a":100})", R"({"a":1000})");
  ExpectDifferent(R"({"a":1e999999999})", R"({"a":1e999999998})");
}

TEST(CanonicalJsonTest, TypesAreToldApart) {
  const std::vector<std::string_view> values = {
      "null",  "true",  "false",  "0",        "\"\"",       "[]",
      "{}",    "[[]]",  "[{}]",   "\"null\"", "{\"a\":{}}", "[null]",
      "\"0\"", "[0,0]", "[\"\"]", "{\"\":0}", "{\"\":[]}"};
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      ExpectDifferent(ObjectWith(values[i]), ObjectWith(values[j]));
    }
  }
  ExpectDifferent(R"({"a":null})", "{}");
  // No text can look like what stands beside it.
  ExpectDifferent(R"({"a":"x","b":"y"})", R"({"a":"x\u0000b","c":"y"})");
  ExpectDifferent(R"({"a":["xs","y"]})", R"({"a":["x","sy"]})");
}

TEST(CanonicalJsonTest, MembersAreLeftOutAtTheTopAlone) {
  EXPECT_EQ(
      FormOf(R"({"user":"u","a":1,"metadata":{"k":[]}})", {"user", "metadata"}),
      FormOf(R"({"a":1})"));
  EXPECT_EQ(FormOf(R"({"\u0075ser":1,"user":2,"a":1})", {"user"}),
            FormOf(R"({"a":1})"));
  EXPECT_NE(FormOf(R"({"a":{"user":"u"}})", {"user"}), FormOf(R"({"a":{}})"));
}

TEST(CanonicalJsonTest, AWatchedMemberTellsItsValue) {
  const auto value_of = [](std::string_view json) {
    WatchedMember watched = {.name = "store"};
    std::string form;
    const std::string_view left_out[] = {"store"};
    EXPECT_TRUE(AppendCanonicalJson(json, left_out, &form, &watched)) << json;
    return watched.value;
  };
  using Value = WatchedMember::Value;
  EXPECT_EQ(value_of(R"({"a":true})"), Value::kAbsent);
  EXPECT_EQ(value_of(R"({"store":true,"a":1})"), Value::kTrue);
  EXPECT_EQ(value_of(R"({"a":1,"st\u006fre": false})"), Value::kFalse);
  EXPECT_EQ(value_of(R"({"store":null})"), Value::kOther);
  EXPECT_EQ(value_of(R"({"a":{"store":true}})"), Value::kAbsent);
}

TEST(CanonicalJsonTest, WhatIsNotCertainHasNoForm) {
  for (const std::string_view bad : {"",
                                     " ",
                                     "[]",
                                     "1",
                                     "{",
                                     "}",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{\"a\":1,}",
                                     "{,\"a\":1}",
                                     "{\"a\":1 \"b\":2}",
                                     "{\"a\":1}x",
                                     "{\"a\":01}",
                                     "{\"a\":1.}",
                                     "{\"a\":.5}",
                                     "{\"a\":1e}",
                                     "{\"a\":+1}",
                                     "{\"a\":-}",
                                     "{\"a\":nul}",
                                     "{\"a\":nulls}",
                                     "{\"a\":TRUE}",
                                     "{\"a\":[1,]}",
                                     "{\"a\":[,1]}",
                                     "{\"a\":[1 2]}",
                                     "{\"a\":[1}",
                                     "{\"a\":\"x}",
                                     "{\"a\":\"\\x\"}",
                                     "{\"a\":\"\\ud800\"}",
                                     "{\"a\":\"\n\"}",
                                     "{a:1}",
                                     "{\"a\":1}{}",
                                     "{\"a\":1e1234567890}",
                                     "{\"a\":1-2}"}) {
    EXPECT_FALSE(FormOf(bad)) << bad;
  }
  EXPECT_FALSE(FormOf(R"({"a":1,"b":2,"a":1})"));
  EXPECT_FALSE(FormOf(R"({"x":{"a":1,"\u0061":1}})"));
  EXPECT_FALSE(FormOf(R"({"user":[1,},"a":1})", {"user"}));
}

TEST(CanonicalJsonTest, NestingHasALimit) {
  const auto nested = [](int depth) {
    return ObjectWith(std::string(depth - 1, '[') +
                      std::string(depth - 1, ']'));
  };
  EXPECT_TRUE(FormOf(nested(kJsonDepthLimit)));
  EXPECT_FALSE(FormOf(nested(kJsonDepthLimit + 1)));
  EXPECT_FALSE(FormOf(std::string(1 << 20, '[')));
  EXPECT_FALSE(FormOf(absl::StrCat("{\"a\":", std::string(1 << 20, '['))));
}

// A value of any kind, as text written in two ways at random.
class RandomJson {
 public:
  explicit RandomJson(uint64_t seed) : random_(seed) {}

  // Both mean the same.
  std::pair<std::string, std::string> Object(int depth) {
    std::vector<std::pair<std::string, std::string>> members;
    const size_t count = random_.Below(5);
    for (size_t i = 0; i < count; ++i) {
      const std::string key = absl::StrCat(Text(), i);
      const auto [one, other] = Value(depth);
      members.emplace_back(
          absl::StrCat(Space(), Spell(key), Space(), ":", Space(), one),
          absl::StrCat(Space(), Spell(key), Space(), ":", Space(), other));
    }
    std::string first = "{";
    for (const auto& [one, other] : members) {
      absl::StrAppend(&first, first.size() > 1 ? "," : "", one, Space());
    }
    for (size_t i = members.size(); i > 1; --i) {
      std::swap(members[i - 1], members[random_.Below(i)]);
    }
    std::string second = "{";
    for (const auto& [one, other] : members) {
      absl::StrAppend(&second, second.size() > 1 ? "," : "", other, Space());
    }
    return {absl::StrCat(first, Space(), "}"),
            absl::StrCat(second, Space(), "}")};
  }

 private:
  std::pair<std::string, std::string> Value(int depth) {
    switch (random_.Below(depth > 0 ? 6 : 4)) {
      case 0: {
        const std::string text = Text();
        return {Spell(text), Spell(text)};
      }
      case 1: {
        const std::string digits = absl::StrCat(1 + random_.Below(9999));
        return {digits, absl::StrCat(digits, "0.00e-1")};
      }
      case 2:
        return {"null", "null"};
      case 3:
        return {"true", "true"};
      case 4:
        return Object(depth - 1);
      default: {
        std::pair<std::string, std::string> array = {"[", "["};
        const size_t count = random_.Below(4);
        for (size_t i = 0; i < count; ++i) {
          const auto [one, other] = Value(depth - 1);
          absl::StrAppend(&array.first, i > 0 ? "," : "", Space(), one);
          absl::StrAppend(&array.second, i > 0 ? "," : "", Space(), other);
        }
        return {array.first + "]", array.second + "]"};
      }
    }
  }

  std::string Text() {
    std::string text;
    const size_t length = random_.Below(40);
    for (size_t i = 0; i < length; ++i) {
      text += static_cast<char>(' ' + random_.Below(95));
    }
    return text;
  }

  std::string Space() {
    return std::string(random_.Below(3), " \n\t\r"[random_.Below(4)]);
  }

  // A text between quotes, some of its characters escaped.
  std::string Spell(std::string_view text) {
    std::string spelled = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\' || random_.Below(6) == 0) {
        absl::StrAppend(
            &spelled, "\\u00",
            absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
      } else {
        spelled += c;
      }
    }
    return spelled + "\"";
  }

  FakeRandom random_;
};

TEST(CanonicalJsonTest, AnySpellingOfAValueHasItsForm) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const auto [one, other] = RandomJson(seed).Object(/*depth=*/4);
    ExpectSame(one, other);
  }
}

// Whatever is changed of a text that is still one has another form, unless it
// is a space.
TEST(CanonicalJsonTest, EachChangeOfAByteChangesTheForm) {
  const std::string json =
      R"({"model":"m","messages":[{"role":"user","content":"hello"}],)"
      R"("temperature":0.25,"n":12,"stream":false,"stop":null,"x":[[],{}]})";
  const std::string form = *FormOf(json);
  int changed_count = 0;
  for (size_t at = 0; at < json.size(); ++at) {
    for (int byte = ' '; byte < 0x7F; ++byte) {
      std::string changed = json;
      if (changed[at] == static_cast<char>(byte)) continue;
      changed[at] = static_cast<char>(byte);
      const std::optional<std::string> other = FormOf(changed);
      if (!other) continue;
      ++changed_count;
      EXPECT_NE(*other, form) << changed;
    }
  }
  EXPECT_GT(changed_count, 1000);
}

TEST(CanonicalJsonTest, CutAnywhereItHasNone) {
  const std::string json = RandomJson(7).Object(4).first;
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(FormOf(std::string_view(json).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace gateway
