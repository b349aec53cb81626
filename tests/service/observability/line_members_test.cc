#include "service/observability/line_members.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// The line without its end.
std::string Kept(std::string line, const std::vector<std::string>& names) {
  line += "\n";
  line.resize(LineMembers(names).Keep(line.data(), line.size()));
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

constexpr char kLine[] =
    R"({"ts":"t","request_id":"r","labels":{"a":"}","status":"no"},)"
    R"("stream":false,"attempts":[{"provider":"x"},{"k":[1,2]}],)"
    R"("error":"a \"b\", {\\","bytes_in":-3})";

TEST(LineMembersTest, OnlyWhatIsWantedStaysInItsOrder) {
  EXPECT_EQ(Kept(kLine, {"bytes_in", "request_id"}),
            R"({"ts":"t","request_id":"r","bytes_in":-3})");
}

TEST(LineMembersTest, TheTimeAlwaysStays) {
  EXPECT_EQ(Kept(kLine, {}), R"({"ts":"t"})");
  EXPECT_EQ(Kept(R"({"ts":"t"})", {"ts"}), R"({"ts":"t"})");
}

TEST(LineMembersTest, MembersOfMembersAreNotItsOwn) {
  EXPECT_EQ(Kept(kLine, {"status", "provider", "k", "a"}), R"({"ts":"t"})");
  EXPECT_EQ(Kept(kLine, {"labels", "attempts"}),
            R"({"ts":"t","labels":{"a":"}","status":"no"},)"
            R"("attempts":[{"provider":"x"},{"k":[1,2]}]})");
}

TEST(LineMembersTest, WhatTextsHaveInThemDoesNotEndThem) {
  EXPECT_EQ(Kept(kLine, {"error", "stream"}),
            R"({"ts":"t","stream":false,"error":"a \"b\", {\\"})");
}

TEST(LineMembersTest, WithAllOfThemTheLineIsAsItWas) {
  EXPECT_EQ(Kept(kLine, {"request_id", "labels", "stream", "attempts", "error",
                         "bytes_in"}),
            kLine);
}

}  // namespace
}  // namespace gateway
