#include "providers/answer_texts.h"

#include <string>

#include "google/protobuf/arena.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(AnswerTextsTest, LongOnesAreFreedAndAllElseStays) {
  google::protobuf::Arena arena;
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena);
  response->set_id("resp_1");
  response->mutable_usage()->set_output_tokens(7);
  v1::Choice* const choice = response->add_choices();
  choice->set_finish_reason(v1::FINISH_REASON_STOP);
  const std::string text(kLongTextBytes, 'x');
  v1::Message* const message = choice->mutable_message();
  message->add_parts()->set_text(text);
  message->add_parts()->set_text(text.substr(1));
  message->add_parts()->set_refusal(text);
  message->add_parts()->mutable_reasoning()->set_text(text);
  message->add_parts()->mutable_tool_call()->set_arguments(text);
  message->add_parts()->mutable_image()->set_data(text);
  message->add_parts()->mutable_image()->set_url("https://images/1");
  message->add_parts()->mutable_audio()->set_data(text);

  ReleaseTexts(response);

  EXPECT_EQ(message->parts(0).text(), "");
  EXPECT_EQ(message->parts(1).text(), text.substr(1));
  EXPECT_EQ(message->parts(2).refusal(), "");
  EXPECT_EQ(message->parts(3).reasoning().text(), "");
  EXPECT_EQ(message->parts(4).tool_call().arguments(), "");
  EXPECT_EQ(message->parts(5).image().data(), "");
  EXPECT_EQ(message->parts(6).image().url(), "https://images/1");
  EXPECT_EQ(message->parts(7).audio().data(), "");
  EXPECT_LT(message->mutable_parts(0)->mutable_text()->capacity(),
            kLongTextBytes);
  EXPECT_EQ(response->id(), "resp_1");
  EXPECT_EQ(response->usage().output_tokens(), 7);
  EXPECT_EQ(choice->finish_reason(), v1::FINISH_REASON_STOP);
}

TEST(AnswerTextsTest, SoAreThoseOfAnEvent) {
  const std::string text(kLongTextBytes, 'x');
  v1::GenerateEvent event;
  event.set_seq(7);
  v1::Delta* const delta = event.mutable_delta();
  const auto released = [&event] {
    ReleaseTexts(&event);
    return event.ByteSizeLong() < 100;
  };
  delta->set_choice_index(3);
  delta->set_text(text.substr(1));
  EXPECT_FALSE(released());
  delta->set_text(text);
  EXPECT_TRUE(released());
  EXPECT_LT(delta->mutable_text()->capacity(), kLongTextBytes);
  EXPECT_TRUE(delta->has_text());
  delta->set_refusal(text);
  EXPECT_TRUE(released());
  delta->set_reasoning(text);
  EXPECT_TRUE(released());
  delta->set_reasoning_signature(text);
  EXPECT_TRUE(released());
  delta->set_redacted_reasoning(text);
  EXPECT_TRUE(released());
  delta->mutable_tool_call()->set_arguments(text);
  EXPECT_TRUE(released());
  delta->mutable_audio()->set_data(text);
  EXPECT_TRUE(released());
  delta->mutable_image()->set_data(text);
  EXPECT_TRUE(released());
  delta->mutable_image()->set_url("https://images/1");
  EXPECT_TRUE(released());
  EXPECT_EQ(delta->image().url(), "https://images/1");
  EXPECT_EQ(delta->choice_index(), 3);
  EXPECT_EQ(event.seq(), 7);
}

}  // namespace
}  // namespace gateway
