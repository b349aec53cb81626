#include "service/api/call_fields.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(CallFieldsTest, ValuesAreWrittenCopiedAndBorrowed) {
  CallFields fields;
  EXPECT_TRUE(fields.empty());
  std::string value = "one";
  fields.Add("a", value);
  value = "two";
  fields.AddBorrowed("b", value);
  fields.Add("c", 0);
  char* const room = fields.Room(10);
  room[0] = 'x';
  fields.AddWritten("d", room + 1);
  fields.AddWritten("e", fields.Room(0));
  ASSERT_EQ(fields.size(), 5u);
  std::string all;
  for (const CallField& field : fields) {
    all.append(field.name).append("=").append(field.value).append(" ");
  }
  EXPECT_EQ(all, "a=one b=two c=0 d=x e= ");
}

TEST(CallFieldsTest, WhatHasNoRoomInTheObjectHasItElsewhere) {
  CallFields fields;
  for (int i = 0; i < 100; ++i) {
    fields.Add("n", std::string(static_cast<size_t>(7 * i), 'a' + i % 26));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(fields[static_cast<size_t>(i)].value,
              std::string(static_cast<size_t>(7 * i), 'a' + i % 26));
  }
}

// Room that was left unused is there for the next.
TEST(CallFieldsTest, RoomIsGivenBack) {
  CallFields fields;
  const char* const first = fields.Room(300);
  fields.AddWritten("a", first + 1);
  EXPECT_EQ(fields.Room(300), first + 1);
}

}  // namespace
}  // namespace gateway
