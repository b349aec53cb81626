#include "clients/cli/chat_printer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

std::string CostText(const v1::Usage& usage) {
  if (!usage.cost_known()) return "cost not known";
  return absl::StrCat("$", Money::FromNanos(usage.cost_usd_nanos()).Text());
}

std::string TokensText(const v1::Usage& usage) {
  std::string text = absl::StrCat(usage.input_tokens(), " tokens in");
  if (usage.cached_input_tokens() > 0) {
    absl::StrAppend(&text, " (", usage.cached_input_tokens(), " cached)");
  }
  absl::StrAppend(&text, ", ", usage.output_tokens(), " out");
  if (usage.reasoning_tokens() > 0) {
    absl::StrAppend(&text, " (", usage.reasoning_tokens(), " reasoning)");
  }
  if (usage.estimated()) absl::StrAppend(&text, ", estimated");
  return text;
}

// As in `1.25s`.
std::string TotalText(const v1::Timings& timings) {
  const absl::Duration total = absl::Seconds(timings.total().seconds()) +
                               absl::Nanoseconds(timings.total().nanos());
  const absl::Duration shown = total < absl::Milliseconds(10)
                                   ? absl::Microseconds(1)
                                   : absl::Milliseconds(1);
  return absl::FormatDuration(absl::Trunc(total, shown));
}

// Which of the answers an event is of; 0 also where it is of none.
int ChoiceOf(const v1::GenerateEvent& event) {
  if (event.has_delta()) return event.delta().choice_index();
  return event.has_choice_end() ? event.choice_end().choice_index() : 0;
}

}  // namespace

ChatPrinter::ChatPrinter(const Console& console, bool as_json)
    : console_(console), as_json_(as_json) {}

absl::Status ChatPrinter::Print(const v1::GenerateEvent& event) {
  if (as_json_) {
    GATEWAY_RETURN_IF_ERROR(WriteAnswer(AsJsonLine(event), console_.out));
    console_.out << std::flush;
  }
  const int choice = ChoiceOf(event);
  if (choice != 0) {
    others_ = std::max(others_, choice);
    return absl::OkStatus();
  }
  if (event.has_delta()) {
    answer_ += event.delta().text();
    answer_ += event.delta().refusal();
  }
  if (!as_json_) Show(event);
  return absl::OkStatus();
}

void ChatPrinter::Show(const v1::GenerateEvent& event) {
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      for (const v1::Warning& warning : event.started().warnings()) {
        console_.err << "warning: " << warning.message() << "\n";
      }
      break;
    case v1::GenerateEvent::kDelta:
      PrintDelta(event.delta());
      break;
    case v1::GenerateEvent::kChoiceEnd:
      if (event.choice_end().finish_reason() == v1::FINISH_REASON_LENGTH) {
        Turn(Voice::kNobody);
        console_.err << "(cut: the limit of tokens was reached)\n";
      }
      break;
    case v1::GenerateEvent::kEnd:
      TellOfOthers();
      PrintDimmed(ChatEndText(event.end()), console_);
      console_.err << "\n" << std::flush;
      break;
    default:
      break;
  }
}

void ChatPrinter::PrintDelta(const v1::Delta& delta) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      Say(Voice::kAnswer, delta.text());
      break;
    case v1::Delta::kRefusal:
      Say(Voice::kAnswer, delta.refusal());
      break;
    case v1::Delta::kReasoning:
      Say(Voice::kReasoning, delta.reasoning());
      break;
    case v1::Delta::kToolCall:
      if (!delta.tool_call().name().empty()) {
        Turn(Voice::kNobody);
        Say(Voice::kTool,
            absl::StrCat("calls ", delta.tool_call().name(), " "));
      }
      Say(Voice::kTool, delta.tool_call().arguments());
      break;
    case v1::Delta::kAudio:
    case v1::Delta::kImage:
    case v1::Delta::kOpaque:
      Turn(Voice::kNobody);
      console_.err << "(something that is no text)\n";
      break;
    default:
      break;
  }
}

void ChatPrinter::Say(Voice voice, const std::string& text) {
  if (text.empty()) return;
  if (voice != voice_) Turn(voice);
  at_line_start_ = text.back() == '\n';
  if (voice == Voice::kAnswer) {
    console_.out << AsItIs{text} << std::flush;
  } else {
    PrintDimmed(text, console_);
    console_.err << std::flush;
  }
}

void ChatPrinter::Turn(Voice to) {
  if (!at_line_start_) {
    (voice_ == Voice::kAnswer ? console_.out : console_.err) << "\n"
                                                             << std::flush;
  }
  at_line_start_ = true;
  voice_ = to;
}

void ChatPrinter::TellOfOthers() {
  Turn(Voice::kNobody);
  if (others_ == 0) return;
  console_.err << "(" << others_ << (others_ == 1 ? " answer" : " answers")
               << " more: --output json shows all)\n";
  others_ = 0;
}

void ChatPrinter::Finish() {
  if (!as_json_) TellOfOthers();
}

std::string ChatEndText(const v1::StreamEnd& end) {
  const v1::Route& route = end.route();
  std::string text =
      absl::StrCat(route.provider(), "/", route.model(), " (", route.reason(),
                   "): ", TokensText(end.usage()), ", ", CostText(end.usage()));
  absl::StrAppend(&text, ", ", TotalText(end.timings()));
  if (end.attempts_size() > 1) {
    absl::StrAppend(&text, ", ", end.attempts_size(), " attempts");
  }
  if (end.has_cache_hit()) absl::StrAppend(&text, ", a kept answer");
  return text;
}

}  // namespace gateway
