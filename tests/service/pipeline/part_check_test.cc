#include "service/pipeline/part_check.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "service/pipeline/violations.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// The paths at fault, each with what is wrong with it.
std::vector<std::string> Check(const std::string& text) {
  v1::Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  Violations violations;
  CheckMessage(message, "m", &violations);
  std::vector<std::string> found;
  for (const auto& [path, description] :
       FieldViolations(std::move(violations).ToStatus())) {
    found.push_back(absl::StrCat(path, " ", description));
  }
  return found;
}

std::vector<std::string> CheckUserPart(const std::string& part) {
  return Check("role: ROLE_USER parts { " + part + " }");
}

TEST(PartCheckTest, EveryRoleHasItsOrdinaryParts) {
  EXPECT_THAT(Check(R"(role: ROLE_USER parts { text: "hi" }
                       parts { image { url: "https://x/y.png" } }
                       parts { document { text: "t" } }
                       parts { audio { data: "d" format: "wav" } })"),
              IsEmpty());
  EXPECT_THAT(Check(R"(role: ROLE_SYSTEM parts { text: "s" })"), IsEmpty());
  EXPECT_THAT(Check(R"(role: ROLE_DEVELOPER parts { text: "s" })"), IsEmpty());
  EXPECT_THAT(
      Check(R"(role: ROLE_ASSISTANT parts { reasoning { text: "r" } }
               parts { text: "t" } parts { refusal: "no" }
               parts { tool_call { id: "1" name: "f" arguments: "{cut" } }
               parts { audio { id: "a" } })"),
      IsEmpty());
  EXPECT_THAT(Check(R"(role: ROLE_TOOL parts { tool_result {
                         tool_call_id: "1" parts { text: "42" }
                         parts { image { file_id: "f" } } } })"),
              IsEmpty());
}

TEST(PartCheckTest, OnlyTheAssistantMaySayNothing) {
  EXPECT_THAT(Check("role: ROLE_ASSISTANT"), IsEmpty());
  for (const char* role : {"USER", "SYSTEM", "DEVELOPER", "TOOL"}) {
    EXPECT_THAT(Check(std::string("role: ROLE_") + role),
                ElementsAre("m.parts is required"))
        << role;
  }
}

TEST(PartCheckTest, ARoleIsKnownAndSet) {
  EXPECT_THAT(Check(R"(parts { text: "t" })"),
              ElementsAre("m.role is required"));
  EXPECT_THAT(Check(R"(role: 99 parts { text: "t" })"),
              ElementsAre("m.role is not known"));
  EXPECT_THAT(Check(R"(role: -1 parts { text: "t" })"),
              ElementsAre("m.role is not known"));
}

TEST(PartCheckTest, APartSaysWhatItIs) {
  EXPECT_THAT(CheckUserPart(""),
              ElementsAre("m.parts[0] sets no kind, such as text"));
  EXPECT_THAT(CheckUserPart(R"(text: "")"), IsEmpty());
}

TEST(PartCheckTest, RolesKeepToTheirOwnParts) {
  EXPECT_THAT(CheckUserPart(R"(tool_call { id: "1" name: "f" })"),
              ElementsAre("m.parts[0] is not for ROLE_USER"));
  EXPECT_THAT(CheckUserPart(R"(refusal: "no")"),
              ElementsAre("m.parts[0] is not for ROLE_USER"));
  EXPECT_THAT(CheckUserPart(R"(reasoning { text: "r" })"),
              ElementsAre("m.parts[0] is not for ROLE_USER"));
  EXPECT_THAT(CheckUserPart(R"(tool_result { tool_call_id: "1" })"),
              ElementsAre("m.parts[0] is not for ROLE_USER"));
  EXPECT_THAT(Check(R"(role: ROLE_TOOL parts { text: "t" })"),
              ElementsAre("m.parts[0] is not for ROLE_TOOL"));
  EXPECT_THAT(Check(R"(role: ROLE_ASSISTANT
                       parts { tool_result { tool_call_id: "1" } })"),
              ElementsAre("m.parts[0] is not for ROLE_ASSISTANT"));
}

TEST(PartCheckTest, AnImageHasASource) {
  const char kNone[] = "m.parts[0].image sets no source: url, data or file_id";
  EXPECT_THAT(CheckUserPart("image {}"), ElementsAre(kNone));
  EXPECT_THAT(CheckUserPart(R"(image { url: "" })"), ElementsAre(kNone));
  EXPECT_THAT(CheckUserPart(R"(image { file_id: "" })"), ElementsAre(kNone));
  EXPECT_THAT(CheckUserPart(R"(image { data: "" media_type: "image/png" })"),
              ElementsAre(kNone));
  EXPECT_THAT(CheckUserPart(R"(image { data: "x" })"),
              ElementsAre("m.parts[0].image.media_type is required with data"));
}

TEST(PartCheckTest, ADocumentHasASource) {
  const char kNone[] =
      "m.parts[0].document sets no source: url, data, file_id or text";
  EXPECT_THAT(CheckUserPart("document {}"), ElementsAre(kNone));
  EXPECT_THAT(CheckUserPart(R"(document { text: "" })"), ElementsAre(kNone));
  EXPECT_THAT(
      CheckUserPart(R"(document { data: "x" })"),
      ElementsAre("m.parts[0].document.media_type is required with data"));
  EXPECT_THAT(CheckUserPart(R"(document { file_id: "f" })"), IsEmpty());
}

TEST(PartCheckTest, AudioHasDataWithAFormatOrAnId) {
  EXPECT_THAT(CheckUserPart("audio {}"),
              ElementsAre("m.parts[0].audio needs data or an id"));
  EXPECT_THAT(CheckUserPart(R"(audio { data: "x" })"),
              ElementsAre("m.parts[0].audio.format is required with data"));
}

TEST(PartCheckTest, AToolCallIsNamed) {
  EXPECT_THAT(
      Check("role: ROLE_ASSISTANT parts { tool_call { kind: 7 } }"),
      UnorderedElementsAre("m.parts[0].tool_call.id is required",
                           "m.parts[0].tool_call.name is required",
                           "m.parts[0].tool_call.kind is not known"));
}

TEST(PartCheckTest, AToolResultIsCheckedPartByPart) {
  EXPECT_THAT(Check("role: ROLE_TOOL parts { tool_result {} }"),
              ElementsAre("m.parts[0].tool_result.tool_call_id is required"));
  EXPECT_THAT(
      Check(R"(role: ROLE_TOOL parts { tool_result { tool_call_id: "1"
                 parts { text: "t" } parts { image {} } parts {}
                 parts { opaque { json: "{" } } } })"),
      ElementsAre("m.parts[0].tool_result.parts[1].image sets no source: url, "
                  "data or file_id",
                  "m.parts[0].tool_result.parts[2] sets no kind, such as text",
                  "m.parts[0].tool_result.parts[3].opaque.json is not JSON"));
}

TEST(PartCheckTest, AToolResultHoldsNoToolResult) {
  EXPECT_THAT(Check(R"(role: ROLE_TOOL parts { tool_result { tool_call_id: "1"
                       parts { tool_result { tool_call_id: "2" } } } })"),
              ElementsAre("m.parts[0].tool_result.parts[0] must not be a tool "
                          "result itself"));
}

TEST(PartCheckTest, OpaquePartsAreJson) {
  for (const char* json : {"", "{", "1,2", "{} {}", "{\\\"a\\\":}", "nul"}) {
    EXPECT_THAT(
        CheckUserPart("opaque { dialect: \"d\" json: \"" + std::string(json) +
                      "\" }"),
        ElementsAre("m.parts[0].opaque.json is not JSON"))
        << json;
  }
  EXPECT_THAT(CheckUserPart(R"(opaque { dialect: "d" json: "{\"a\":[1]}" })"),
              IsEmpty());
}

TEST(PartCheckTest, JsonNestedTooDeeplyIsRefused) {
  const std::string deep =
      std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_THAT(CheckUserPart("opaque { json: \"" + deep + "\" }"),
              ElementsAre("m.parts[0].opaque.json is not JSON"));
}

TEST(PartCheckTest, ExtensionsAndHintsAreCheckedWhereverTheyStand) {
  EXPECT_THAT(
      Check(R"(role: ROLE_USER
               extensions { dialect: "d" name: "n" json: "1,\"x\":2" }
               parts { text: "t" extensions { json: "1" }
                       cache_hint { ttl { seconds: -1 } } })"),
      UnorderedElementsAre("m.extensions[0].json is not JSON",
                           "m.parts[0].extensions[0].dialect is required",
                           "m.parts[0].extensions[0].name is required",
                           "m.parts[0].cache_hint.ttl must not be negative"));
  EXPECT_THAT(CheckUserPart(R"(text: "t" cache_hint { ttl { seconds: 3600 } }
                               extensions { dialect: "d" name: "n"
                                            json: "null" })"),
              IsEmpty());
}

}  // namespace
}  // namespace gateway
