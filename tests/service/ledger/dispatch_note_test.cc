#include "service/ledger/dispatch_note.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(DispatchNoteTest, WhatIsOpenedAndNotClosedIsLeft) {
  OpenDispatches open;
  EXPECT_TRUE(open.Follow(OpeningNote("LED-1", "", "PRC-1", "{\"a\": 1}") +
                          OpeningNote("LED-2", "", "", "{}")));
  EXPECT_TRUE(open.Follow(ClosingNote("LED-2")));
  ASSERT_EQ(open.all().size(), 1U);
  EXPECT_EQ(open.all().begin()->first, "LED-1");
  EXPECT_EQ(open.all().begin()->second.submission_id, "PRC-1");
  EXPECT_EQ(open.all().begin()->second.exchange_metadata, "{\"a\": 1}");
  EXPECT_FALSE(open.all().begin()->second.withdrawn);
}

TEST(DispatchNoteTest, TextsMayHoldAnything) {
  const std::string text("7:C\n\0 3:\"", 9);
  OpenDispatches open;
  EXPECT_TRUE(
      open.Follow(OpeningNote("LED-1", "", text, text) + ClosingNote("LED-9")));
  EXPECT_EQ(open.all().at("LED-1").submission_id, text);
  EXPECT_EQ(open.all().at("LED-1").exchange_metadata, text);
}

TEST(DispatchNoteTest, WhatIsLeftCanBeWrittenAndReadAgain) {
  OpenDispatches open;
  EXPECT_TRUE(open.Follow(OpeningNote("LED-1", "", "a", "{}") +
                          OpeningNote("LED-2", "", "b", "{}") +
                          ReservationNote("LED-2", "9:R") +
                          WithdrawingNote("LED-2")));
  OpenDispatches again;
  EXPECT_TRUE(again.Follow(open.ToNotes()));
  ASSERT_EQ(again.all().size(), 2U);
  EXPECT_FALSE(again.all().at("LED-1").withdrawn);
  EXPECT_TRUE(again.all().at("LED-2").withdrawn);
  EXPECT_EQ(again.all().at("LED-1").reservation, "");
  EXPECT_EQ(again.all().at("LED-2").reservation, "9:R");
}

TEST(DispatchNoteTest, NotesAreWrittenInTheOrderOfTheirIds) {
  const std::string first = OpeningNote("LED-1", "X-1", "a", "{}");
  const std::string second =
      OpeningNote("LED-2", "X-2", "b", "{}") + ReservationNote("LED-2", "9:R");
  const std::string third = OpeningNote("LED-3", "X-3", "c", "{}");
  OpenDispatches open;
  EXPECT_TRUE(open.Follow(third + second + first));
  EXPECT_EQ(open.ToNotes(), first + second + third);
}

TEST(DispatchNoteTest, OfADispatchThatIsOpenedAgainTheLastNotesCount) {
  OpenDispatches open;
  EXPECT_TRUE(open.Follow(
      OpeningNote("LED-1", "X-1", "a", "{}") + WithdrawingNote("LED-1") +
      OpeningNote("LED-1", "X-2", "b", "{}") + ReservationNote("LED-1", "one") +
      ReservationNote("LED-1", "two")));
  ASSERT_EQ(open.all().size(), 1U);
  EXPECT_EQ(open.all().at("LED-1").exchange_id, "X-2");
  EXPECT_EQ(open.all().at("LED-1").reservation, "two");
  EXPECT_FALSE(open.all().at("LED-1").withdrawn);
}

TEST(DispatchNoteTest, NotesOfAnEarlierFormAreRead) {
  OpenDispatches open;
  EXPECT_TRUE(open.Follow("O5:LED-11:a2:{}" +
                          OpeningNote("LED-2", "LED-3", "b", "{}")));
  ASSERT_EQ(open.all().size(), 2U);
  EXPECT_EQ(open.all().at("LED-1").exchange_id, "");
  EXPECT_EQ(open.all().at("LED-1").submission_id, "a");
  EXPECT_EQ(open.all().at("LED-2").exchange_id, "LED-3");
  EXPECT_EQ(open.all().at("LED-2").submission_id, "b");
}

TEST(DispatchNoteTest, WhatIsNoNoteIsSaid) {
  for (const std::string wrong :
       {"X5:LED-1", "O5:LED-1", "O5:LED-11:a", "O9:LED-1", "C", "C-1:", "Cx",
        "R5:LED-1", "C:LED-1", "C99999999999999999999:LED-1"}) {
    EXPECT_FALSE(OpenDispatches().Follow(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gateway
