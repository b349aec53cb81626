#include "service/http/session_json.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Written(const v1::Session& session) {
  std::string body;
  std::vector<v1::Warning> warnings;
  const absl::Status status = WriteSession(session, &body, &warnings);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(warnings.empty());
  return body;
}

std::string FieldAtFault(std::string_view body) {
  const absl::Status status = ReadSessionRequest(body).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << body;
  const auto fields = FieldViolations(status);
  return fields.empty() ? "none" : fields[0].first;
}

TEST(SessionJsonTest, NothingNeedBeSaid) {
  for (const char* body :
       {"", "{}", R"({"ttl_seconds": null, "context": null})"}) {
    const auto request = ReadSessionRequest(body);
    ASSERT_TRUE(request.ok()) << body << request.status();
    EXPECT_FALSE(request->has_ttl());
    EXPECT_FALSE(request->has_context());
  }
}

TEST(SessionJsonTest, WhatIsSaidIsRead) {
  const auto request = ReadSessionRequest(
      R"({"ttl_seconds": 60, "context": {"a": {"b": [1, "x", null]}}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->ttl().seconds(), 60);
  EXPECT_EQ(request->context()
                .fields()
                .at("a")
                .struct_value()
                .fields()
                .at("b")
                .list_value()
                .values_size(),
            3);
}

TEST(SessionJsonTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(FieldAtFault(R"({"ttl_seconds": 59})"), "ttl_seconds");
  EXPECT_EQ(FieldAtFault(R"({"ttl_seconds": 2592001})"), "ttl_seconds");
  EXPECT_EQ(FieldAtFault(R"({"ttl_seconds": "60"})"), "ttl_seconds");
  EXPECT_EQ(FieldAtFault(R"({"ttl_seconds": 60, "ttl_seconds": 61})"),
            "ttl_seconds");
  EXPECT_EQ(FieldAtFault(R"({"context": []})"), "context");
  EXPECT_EQ(FieldAtFault(R"({"colour": "red"})"), "colour");
  EXPECT_EQ(FieldAtFault("[]"), "body");
  EXPECT_EQ(FieldAtFault("{"), "body");
  std::string deep = "1";
  for (int i = 0; i < 200; ++i) deep = absl::StrCat(R"({"a":)", deep, "}");
  EXPECT_EQ(FieldAtFault(absl::StrCat(R"({"context":)", deep, "}")), "context");
}

TEST(SessionJsonTest, ASessionIsShownAsItIs) {
  v1::Session session;
  session.set_id("s-1");
  session.mutable_create_time()->set_seconds(1767323045);
  session.mutable_expire_time()->set_seconds(1767323105);
  EXPECT_EQ(Written(session), R"({"id":"s-1","messages":[],"context":{},)"
                              R"("created_at":"2026-01-02T03:04:05.000Z",)"
                              R"("expires_at":"2026-01-02T03:05:05.000Z"})");
  v1::Message& message = *session.add_messages();
  message.set_role(v1::ROLE_USER);
  message.add_parts()->set_text("hi");
  const auto context = ReadSessionRequest(
      R"({"context": {"b": [true, 2.5, {}], "a": -3, "c": null}})");
  *session.mutable_context() = context->context();
  EXPECT_EQ(Written(session),
            R"({"id":"s-1","messages":[{"role":"user","content":"hi"}],)"
            R"("context":{"a":-3,"b":[true,2.5,{}],"c":null},)"
            R"("created_at":"2026-01-02T03:04:05.000Z",)"
            R"("expires_at":"2026-01-02T03:05:05.000Z"})");
}

}  // namespace
}  // namespace gateway
