#include "service/audit/audit_entry.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(AuditTextsTest, TextsAreReadAsTheyWereAdded) {
  AuditTexts texts;
  texts.Add("request");
  texts.Add("");
  texts.Add("caller");
  EXPECT_EQ(texts[AuditText::kRequestId], "request");
  EXPECT_EQ(texts[AuditText::kOperation], "");
  EXPECT_EQ(texts[AuditText::kCaller], "caller");
  EXPECT_EQ(texts[AuditText::kAnswerOf], "");
}

TEST(AuditTextsTest, OneIsReplacedAndTheOthersStay) {
  AuditTexts texts;
  texts.Add("request");
  texts.Add("operation");
  texts.Replace(AuditText::kMessage, "why");
  texts.Replace(AuditText::kRequestId, "a longer request");
  EXPECT_EQ(texts[AuditText::kRequestId], "a longer request");
  EXPECT_EQ(texts[AuditText::kOperation], "operation");
  EXPECT_EQ(texts[AuditText::kMessage], "why");
}

TEST(AuditTextsTest, LongTextsAreCutBetweenCharacters) {
  AuditTexts texts;
  texts.Add(std::string(AuditTexts::kTextBytesMax - 1, 'x') + "\xc3\xa9");
  texts.Add("next");
  EXPECT_EQ(texts[AuditText::kRequestId],
            std::string(AuditTexts::kTextBytesMax - 1, 'x'));
  EXPECT_EQ(texts[AuditText::kOperation], "next");
}

TEST(AuditEntryTest, SaysForHowManyOthersItStands) {
  AuditEntry entry;
  entry.texts.Replace(AuditText::kMessage, "no API key");
  entry.StandFor(17, /*caller_known=*/false);
  EXPECT_EQ(entry.entries, 17);
  EXPECT_EQ(entry.texts[AuditText::kMessage],
            "no API key (and 17 before it of callers who are not known, "
            "without an entry)");
  entry.texts.Replace(AuditText::kMessage, "no budget");
  entry.StandFor(4, /*caller_known=*/true);
  EXPECT_EQ(entry.entries, 4);
  EXPECT_EQ(entry.texts[AuditText::kMessage],
            "no budget (and 4 before it that cost their caller nothing, "
            "without an entry)");
  // Also where the message is as long as it may be.
  entry.texts.Replace(AuditText::kMessage,
                      std::string(AuditTexts::kTextBytesMax, 'x'));
  entry.StandFor(18, /*caller_known=*/false);
  EXPECT_TRUE(std::string(entry.texts[AuditText::kMessage])
                  .ends_with("without an entry)"));
}

}  // namespace
}  // namespace gateway
