#include "clients/cli/chat_printer.h"

#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

class ChatPrinterTest : public testing::Test {
 protected:
  static v1::GenerateEvent Event(const std::string& text) {
    v1::GenerateEvent event;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event))
        << text;
    return event;
  }

  void Print(const std::vector<std::string>& events, bool as_json = false) {
    ChatPrinter printer(console_, as_json);
    for (const std::string& event : events) {
      EXPECT_TRUE(printer.Print(Event(event)).ok());
    }
    printer.Finish();
    answer_ = printer.answer();
  }

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{in_, out_, err_};
  std::string answer_;
};

constexpr char kChatEnd[] = R"(end {
  outcome: OUTCOME_FINISHED
  route { provider: "mock" model: "m" reason: "default" }
  usage { input_tokens: 10 cached_input_tokens: 4 output_tokens: 20
          reasoning_tokens: 5 cost_known: true cost_usd_nanos: 1250000 }
  timings { total { seconds: 1 nanos: 250000000 } }
  attempts {} attempts {} })";

TEST_F(ChatPrinterTest, TheAnswerIsApartFromAllElse) {
  Print({"started { warnings { message: 'top_k was left out' } }",
         "delta { reasoning: 'Let me ' }", "delta { reasoning: 'think.' }",
         "delta { text: 'A ' }", "delta { text: 'gate.' }", kChatEnd});
  EXPECT_EQ(out_.str(), "A gate.\n");
  EXPECT_EQ(err_.str(),
            "warning: top_k was left out\n"
            "Let me think.\n"
            "mock/m (default): 10 tokens in (4 cached), 20 out (5 reasoning), "
            "$0.00125, 1.25s, 2 attempts\n");
  EXPECT_EQ(answer_, "A gate.");
}

TEST_F(ChatPrinterTest, CallsOfToolsAreShown) {
  Print({"delta { text: 'I ask.' }",
         "delta { tool_call { id: '1' name: 'weather' } }",
         "delta { tool_call { arguments: '{\"at\":' } }",
         "delta { tool_call { arguments: '\"sea\"}' } }",
         "delta { tool_call { id: '2' name: 'tide' index: 1 } }"});
  EXPECT_EQ(out_.str(), "I ask.\n");
  EXPECT_EQ(err_.str(), "calls weather {\"at\":\"sea\"}\ncalls tide \n");
}

TEST_F(ChatPrinterTest, WhatACallCostIsSaidAsFarAsItIsKnown) {
  EXPECT_THAT(ChatEndText(Event("end { usage { estimated: true } }").end()),
              HasSubstr("estimated, cost not known"));
  EXPECT_THAT(ChatEndText(Event("end { cache_hit {} }").end()),
              HasSubstr("a kept answer"));
}

TEST_F(ChatPrinterTest, AnAnswerThatIsCutIsSaidToBe) {
  Print({"delta { text: 'A do' }",
         "choice_end { finish_reason: FINISH_REASON_LENGTH }"});
  EXPECT_EQ(out_.str(), "A do\n");
  EXPECT_THAT(err_.str(), HasSubstr("the limit of tokens was reached"));
}

TEST_F(ChatPrinterTest, OfSeveralAnswersTheFirstIsShown) {
  const std::vector<std::string> events = {
      "delta { text: 'A ' }",
      "delta { choice_index: 1 text: 'One ' }",
      "delta { choice_index: 2 text: 'Two ' }",
      "delta { text: 'gate.' }",
      "delta { choice_index: 1 text: 'arch.' }",
      "choice_end { finish_reason: FINISH_REASON_STOP }",
      "choice_end { choice_index: 1 finish_reason: FINISH_REASON_LENGTH }"};
  Print(events);
  EXPECT_EQ(out_.str(), "A gate.\n");
  EXPECT_EQ(err_.str(), "(2 answers more: --output json shows all)\n");
  EXPECT_EQ(answer_, "A gate.");
  out_.str("");
  err_.str("");
  Print(events, /*as_json=*/true);
  EXPECT_THAT(out_.str(), HasSubstr("arch."));
  EXPECT_EQ(err_.str(), "");
  Print({"delta { text: 'A' }", "delta { choice_index: 1 text: 'B' }",
         kChatEnd});
  EXPECT_THAT(err_.str(), HasSubstr("(1 answer more: --output json shows all)\n"
                                    "mock/m (default): "));
}

TEST_F(ChatPrinterTest, ARefusalIsWhatWasSaid) {
  Print({"delta { refusal: 'I will ' }", "delta { refusal: 'not.' }"});
  EXPECT_EQ(out_.str(), "I will not.\n");
  EXPECT_EQ(answer_, "I will not.");
}

TEST_F(ChatPrinterTest, ATerminalIsNotToldWhatToDo) {
  std::stringbuf screen;
  ShownOutput shown(&screen, ShownOutput::Reader::kTerminal);
  std::ostream out(&shown);
  const Console console{in_, out, out};
  ChatPrinter printer(console, /*as_json=*/false);
  for (const char* const event :
       {"delta { text: 'a\\033[2J\\302\\233b\\342\\200\\256\\n' }",
        "delta { reasoning: 'c\\033[2J' }"}) {
    EXPECT_TRUE(printer.Print(Event(event)).ok());
  }
  printer.Finish();
  EXPECT_EQ(screen.str(), "a\\u001b[2J\\u009bb\\u202e\nc\\u001b[2J\n");
  EXPECT_EQ(printer.answer(), "a\033[2J\302\233b\342\200\256\n");
}

TEST_F(ChatPrinterTest, AFileHasWhatWasSaid) {
  std::stringbuf file;
  ShownOutput shown(&file, ShownOutput::Reader::kProgram);
  std::ostream out(&shown);
  const Console console{in_, out, err_};
  ChatPrinter printer(console, /*as_json=*/false);
  EXPECT_TRUE(printer.Print(Event("delta { text: 'a\\033[2Jb' }")).ok());
  printer.Finish();
  EXPECT_EQ(file.str(), "a\033[2Jb\n");
}

TEST_F(ChatPrinterTest, WhatJsonCannotSayIsAFailure) {
  ChatPrinter printer(console_, /*as_json=*/true);
  const v1::GenerateEvent event =
      Event("end { timings { total { seconds: 1000000000000 } } }");
  EXPECT_FALSE(printer.Print(event).ok());
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ChatPrinterTest, AsJsonEachEventIsALine) {
  Print({"seq: 1 delta { text: 'A\\nB' }", "seq: 2 usage { input_tokens: 3 }"},
        /*as_json=*/true);
  EXPECT_EQ(out_.str(),
            "{\"seq\":\"1\",\"delta\":{\"text\":\"A\\nB\"}}\n"
            "{\"seq\":\"2\",\"usage\":{\"input_tokens\":\"3\"}}\n");
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace gateway
