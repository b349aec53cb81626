#include "providers/body_form.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr Framing kEvents = Framing::kServerSentEvents;
constexpr Framing kLines = Framing::kJsonLines;

TEST(BodyFormTest, IsToldByHowItBegins) {
  struct Case {
    std::string_view body;
    BodyForm form;
  };
  for (const Case& each : {Case{"", BodyForm::kBlank},
                           {" \r\n\t", BodyForm::kBlank},
                           {"\n<!DOCTYPE html>", BodyForm::kPage},
                           {"<HTML>", BodyForm::kPage},
                           {"  {\"id\":1}", BodyForm::kObject},
                           {"\xEF\xBB\xBF{", BodyForm::kObject},
                           {"[{", BodyForm::kList},
                           {"data: {}", BodyForm::kEvents},
                           {"event:message_start\n", BodyForm::kEvents},
                           {"\n: keep-alive\n\n", BodyForm::kEvents},
                           {"id: 1\n", BodyForm::kEvents},
                           {"retry: 1\n", BodyForm::kEvents},
                           {"words", BodyForm::kText},
                           {"<p>", BodyForm::kText},
                           {"idle", BodyForm::kText}}) {
    EXPECT_EQ(FormOf(kEvents, each.body), each.form) << each.body;
    EXPECT_EQ(FormOf(kLines, each.body), each.form) << each.body;
  }
}

TEST(BodyFormTest, ObjectsByLinesAreAStreamWhereStreamsAreThat) {
  const std::string_view lines = "{\"a\":1}\n{\"a\":2}\n";
  EXPECT_EQ(FormOf(kLines, lines), BodyForm::kEvents);
  EXPECT_EQ(FormOf(kEvents, lines), BodyForm::kObject);
}

TEST(BodyFormTest, AStreamMayBeginAsWhatIsNoOtherForm) {
  for (const std::string_view begin : {"", "\n", "data", ": ping", "words"}) {
    EXPECT_FALSE(IsNoStream(kEvents, begin)) << begin;
  }
  for (const std::string_view begin : {"{", "[", " <html>"}) {
    EXPECT_TRUE(IsNoStream(kEvents, begin)) << begin;
  }
  EXPECT_FALSE(IsNoStream(kLines, "{\"a\":1}\n"));
  EXPECT_TRUE(IsNoStream(kLines, "["));
}

TEST(BodyFormTest, AWholeAnswerIsAnObjectOrWhatCannotBeRead) {
  for (const std::string_view body : {"{}", "", "words", "\"words\"", "7"}) {
    EXPECT_FALSE(IsNoWhole(kEvents, body)) << body;
  }
  for (const std::string_view body : {"[]", "data: {}", "<html>"}) {
    EXPECT_TRUE(IsNoWhole(kEvents, body)) << body;
  }
}

TEST(BodyFormTest, HasANameIfItIsSomething) {
  EXPECT_EQ(BodyFormName(BodyForm::kPage), "a page");
  EXPECT_EQ(BodyFormName(BodyForm::kObject), "an object");
  EXPECT_EQ(BodyFormName(BodyForm::kList), "a list");
  EXPECT_EQ(BodyFormName(BodyForm::kEvents), "the events of a stream");
  EXPECT_EQ(BodyFormName(BodyForm::kBlank), "");
  EXPECT_EQ(BodyFormName(BodyForm::kText), "");
}

}  // namespace
}  // namespace gateway
