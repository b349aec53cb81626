#include "providers/dialects/request_scan.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"

namespace gateway::wire {
namespace {

constexpr ScannedField kInnerFields[] = {
    {.key = "outputLimit", .kind = FieldKind::kOutputLimit},
};
constexpr ScanFormat kInner = {.fields = kInnerFields, .camel_case = true};

constexpr ScannedField kFields[] = {
    {.key = "model", .kind = FieldKind::kModel},
    {.key = "messages", .kind = FieldKind::kMessages},
    {.key = "session", .kind = FieldKind::kSession},
    {.key = "tools", .kind = FieldKind::kTools, .one_alone = true},
    {.key = "stream", .kind = FieldKind::kStream},
    {.key = "limit",
     .kind = FieldKind::kOutputLimit,
     .key_place = &RequestScan::new_limit_key},
    {.key = "other_limit", .kind = FieldKind::kOutputLimit},
    {.key = "n", .kind = FieldKind::kInteger},
    {.key = "answers", .kind = FieldKind::kAnswerCount},
    {.key = "labels", .kind = FieldKind::kLabels},
    {.key = "user", .kind = FieldKind::kUserId},
    {.key = "old_user", .kind = FieldKind::kOldUserId},
    {.key = "own", .kind = FieldKind::kOwn, .text = &RequestScan::agent_type},
    {.key = "inside", .kind = FieldKind::kObject, .inside = &kInner},
    {.key = "single"},
    {.key = "hook", .kind = FieldKind::kHook},
    {.key = "null_hook", .kind = FieldKind::kHook, .null_too = true},
};
constexpr ScanFormat kFormat = {.fields = kFields};

// Scans with a hook that keeps the keys it is called for.
absl::Status Scan(std::string_view body, RequestScan* scan,
                  std::vector<std::string>* hooked = nullptr) {
  return ScanRequest(kFormat, body, scan,
                     [&](std::string_view key, JsonValue&) {
                       if (hooked != nullptr) hooked->emplace_back(key);
                       return absl::OkStatus();
                     });
}

RequestScan Scanned(std::string_view body) {
  RequestScan scan;
  const absl::Status status = Scan(body, &scan);
  EXPECT_TRUE(status.ok()) << body << ": " << status;
  return scan;
}

std::string FieldAtFault(std::string_view body) {
  RequestScan scan;
  const absl::Status status = Scan(body, &scan);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << body;
  const auto violations = FieldViolations(status);
  return violations.empty() ? "" : violations.front().first;
}

std::string_view TextAt(std::string_view body, Span span) {
  return body.substr(span.offset, span.length);
}

TEST(RequestScanTest, TakesEachFieldByItsKind) {
  const std::string_view body =
      R"( {"messages":[{},{}],"m\u006fdel" : "a\u002fb" ,"tools":[{}],)"
      R"("stream":true, "limit" :5,"labels":{"k":"v\u0061","n":7},"n":3,)"
      R"("user":"u","inside":{"x":{}},"single":7})";
  const RequestScan scan = Scanned(body);
  EXPECT_EQ(scan.model, "a/b");
  EXPECT_EQ(TextAt(body, scan.model_value), R"("a\u002fb")");
  EXPECT_EQ(TextAt(body, scan.new_limit_key), R"("limit")");
  EXPECT_TRUE(scan.has_messages);
  EXPECT_EQ(scan.message_count, 2);
  EXPECT_EQ(scan.tool_count, 1);
  EXPECT_TRUE(scan.stream);
  EXPECT_EQ(scan.output_tokens_max, 5);
  EXPECT_EQ(scan.user_id, "u");
  EXPECT_EQ(scan.label_count, 2);
  ASSERT_EQ(scan.labels.size(), 1u);
  EXPECT_EQ(scan.labels[0].key, "k");
  EXPECT_EQ(scan.labels[0].value, "va");
  EXPECT_EQ(body[scan.object_begin - 1], '{');
  EXPECT_TRUE(scan.has_fields);
  EXPECT_FALSE(Scanned(" { }").has_fields);
}

TEST(RequestScanTest, NullIsAbsentButWhereTheKindSaysOtherwise) {
  const RequestScan scan = Scanned(
      R"({"tools":null,"stream":null,"limit":null,"n":null,"labels":null,)"
      R"("user":null,"old_user":null,"own":null,"inside":null,"single":null})");
  EXPECT_EQ(scan.tool_count, 0);
  EXPECT_FALSE(scan.output_tokens_max.has_value());
  EXPECT_EQ(scan.own_fields.size(), 1u);
  EXPECT_EQ(FieldAtFault(R"({"model":null})"), "model");
  EXPECT_EQ(FieldAtFault(R"({"messages":null})"), "messages");
  EXPECT_EQ(FieldAtFault(R"({"stream":nil})"), "stream");
}

TEST(RequestScanTest, RefusesAWrongType) {
  for (const std::string_view key :
       {"model", "messages", "tools", "stream", "limit", "n", "answers",
        "labels", "user", "old_user", "own", "inside"}) {
    const std::string value = key == "stream" ? "1" : "false";
    EXPECT_EQ(FieldAtFault("{\"" + std::string(key) + "\":" + value + "}"),
              key);
  }
  EXPECT_EQ(FieldAtFault(R"({"limit":1.5})"), "limit");
  EXPECT_EQ(FieldAtFault(R"({"messages":{}})"), "messages");
  EXPECT_EQ(FieldAtFault(R"({"model":""})"), "model");
  EXPECT_EQ(FieldAtFault(R"({"model":"\ud800"})"), "model");
  EXPECT_EQ(FieldAtFault("[]"), "");
  EXPECT_EQ(FieldAtFault(""), "");
}

TEST(RequestScanTest, RefusesARepeatedFieldOfTheTable) {
  for (const ScannedField& field : kFields) {
    const std::string key(field.key);
    const std::string value = field.kind == FieldKind::kModel      ? "\"m\""
                              : field.kind == FieldKind::kMessages ? "[]"
                                                                   : "null";
    const std::string once = absl::StrCat("\"", key, "\":", value);
    EXPECT_EQ(FieldAtFault(absl::StrCat("{", once, ",", once, "}")), key);
  }
  EXPECT_EQ(FieldAtFault(R"({"single":1,"s\u0069ngle":2})"), "single");
  EXPECT_EQ(FieldAtFault(R"({"inside":{"outputLimit":1,"output_limit":2}})"),
            "inside.output_limit");
  Scanned(R"({"unknown":1,"unknown":2})");
}

TEST(RequestScanTest, RefusesAFieldOfTheTableInAnotherLetterCase) {
  const struct {
    std::string_view body;
    std::string_view key;
    std::string_view field;
  } kCases[] = {
      {R"({"model":"m","Model":"x"})", "Model", "model"},
      {R"({"MODEL":"x","model":"m"})", "MODEL", "model"},
      {R"({"N":128})", "N", "n"},
      {R"({"\u004dodel":"x"})", "Model", "model"},
      {R"({"me\u017fsages":[]})", "me\u017fsages", "messages"},
      {"{\"labels\":{},\"label\u017f\":{}}", "label\u017f", "labels"},
      {R"({"hoo\u212a":1})", "hoo\u212a", "hook"},
      {R"({"inside":{"OutputLimit":1}})", "inside.OutputLimit", "outputLimit"},
      {R"({"inside":{"Output_Limit":1}})", "inside.Output_Limit",
       "outputLimit"},
  };
  for (const auto& [body, key, field] : kCases) {
    RequestScan scan;
    const absl::Status status = Scan(body, &scan);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << body;
    ASSERT_EQ(FieldViolations(status).size(), 1u) << body;
    EXPECT_EQ(FieldViolations(status)[0].first, key);
    EXPECT_EQ(FieldViolations(status)[0].second,
              absl::StrCat("differs from `", ToAbsl(field),
                           "` in letter case only, for which some servers take "
                           "it: write `",
                           ToAbsl(field), "`"));
  }
}

TEST(RequestScanTest, OtherFieldsMayBeginOrEndAsOneOfTheTable) {
  Scanned(R"({"Models":1,"ode":1,"m\u00f6del":1,"NN":1,"":1,"\u017f":1})");
  Scanned(R"({"inside":{"output_limit":1,"output-limit":2}})");
  Scanned(R"({"labels":{"Model":"a","model":"b"}})");
}

TEST(RequestScanTest, ANameMayHave256CharactersOfAnyScript) {
  std::string name;
  for (int i = 0; i < 256; ++i) name += "\xc3\xa4";
  EXPECT_EQ(Scanned("{\"model\":\"" + name + "\"}").model, name);
  EXPECT_EQ(FieldAtFault("{\"model\":\"" + name + "a\"}"), "model");
}

TEST(RequestScanTest, OfTwoLimitsTheLargerCounts) {
  EXPECT_EQ(Scanned(R"({"limit":5,"other_limit":9})").output_tokens_max, 9);
  EXPECT_EQ(Scanned(R"({"limit":9,"other_limit":5})").output_tokens_max, 9);
  EXPECT_EQ(Scanned(R"({"inside":{"output_limit":7}})").output_tokens_max, 7);
}

TEST(RequestScanTest, TheNewerNameOfTheUserCounts) {
  EXPECT_EQ(Scanned(R"({"user":"new","old_user":"old"})").user_id, "new");
  EXPECT_EQ(Scanned(R"({"old_user":"old","user":"new"})").user_id, "new");
  EXPECT_EQ(Scanned(R"({"old_user":"old","user":""})").user_id, "old");
}

TEST(RequestScanTest, WhatNamesNoSessionIsThereAllTheSame) {
  RequestScan scan = Scanned(R"({"session":"s\u002d1"})");
  EXPECT_EQ(scan.session_id, "s-1");
  EXPECT_EQ(scan.session_field, "session");
  for (const std::string_view value : {"5", R"("")", "[]", R"({"id":"x"})"}) {
    scan = Scanned(absl::StrCat("{\"session\":", ToAbsl(value), "}"));
    EXPECT_EQ(scan.session_id, "") << value;
    EXPECT_EQ(scan.session_field, "session") << value;
  }
  EXPECT_EQ(Scanned(R"({"session":null})").session_field, "");
}

TEST(RequestScanTest, OneAloneIsAListOfOne) {
  EXPECT_EQ(Scanned(R"({"tools":{"a":1}})").tool_count, 1);
}

TEST(RequestScanTest, HooksAreCalledForWhatIsTheDialectsOwn) {
  RequestScan scan;
  std::vector<std::string> hooked;
  ASSERT_TRUE(Scan(R"({"hook":1,"null_hook":null})", &scan, &hooked).ok());
  EXPECT_EQ(hooked, (std::vector<std::string>{"hook", "null_hook"}));
  hooked.clear();
  ASSERT_TRUE(Scan(R"({"hook":null,"null_hook":1})", &scan, &hooked).ok());
  EXPECT_EQ(hooked, std::vector<std::string>{"null_hook"});
}

TEST(RequestScanTest, EditsNameTheModelAndCutOutOurOwnFields) {
  const struct {
    std::string_view body;
    std::string_view edited;
  } kCases[] = {
      {R"({"model" : "m"})", R"({"model" : "m"})"},
      {R"({"a":1,"model":"x","b":"x"})", R"({"a":1,"model":"m","b":"x"})"},
      {R"({ "x":1})", R"({"model":"m", "x":1})"},
      {"{ }", R"({"model":"m" })"},
      {R"({"own":"o","x":1})", R"({"model":"m","x":1})"},
      {R"({"model":"x" , "own" : "o" })", R"({"model":"m"  })"},
  };
  for (const auto& each : kCases) {
    const RequestScan scan = Scanned(each.body);
    EditPlan plan;
    PlanEdits(scan, "m", &plan);
    std::string edited(each.body);
    for (size_t i = plan.edits.size(); i-- > 0;) {
      const Edit& edit = plan.edits[i];
      edited.replace(edit.span.offset, edit.span.length, edit.replacement);
    }
    EXPECT_EQ(edited, each.edited);
  }
}

}  // namespace
}  // namespace gateway::wire
