// Holds every dialect to its golden files, by one walk. What is particular to a
// dialect's files is in the goldens_test.cc of its folder.

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/sse_parser.h"
#include "errors/fault.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/ollama/ollama.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

// A dialect and what is particular to its golden files.
struct GoldenDialect {
  std::string name;  // And the folder of its files.
  std::shared_ptr<const Dialect> dialect;
  // A dialect without an API writes requests and reads answers only.
  bool has_api = true;
  // The path names the model, and the body does not.
  bool model_in_path = false;
  // What was read off a stream and written is read again as it was, vendor
  // fields included; otherwise they may come at another place.
  bool streams_are_exact = false;
  // Its streams are not those of its whole answers, although some bear their
  // names.
  bool streams_stand_alone = false;
  // Streams whose end the tap tells otherwise, since it skips what leads to it.
  std::string tap_differs;
  // A folder of more streams.
  std::string more_streams;
};

std::ostream& operator<<(std::ostream& out, const GoldenDialect& golden) {
  return out << golden.name;
}

// What a stream came to.
struct StreamOutcome {
  absl::Status status;
  bool complete = false;
  EventList events;

  v1::GenerateResponse Folded() const {
    EventFolding folding;
    for (const v1::GenerateEvent& event : events) folding.Add(event);
    return folding.Finish();
  }

  std::string Serialized() const {
    std::string bytes = std::string(status.message()) + (complete ? "!" : "");
    for (const v1::GenerateEvent& event : events) {
      bytes += event.SerializeAsString();
    }
    return bytes;
  }
};

// Extensions have no order.
bool SameRequest(const v1::GenerateRequest& a, const v1::GenerateRequest& b) {
  MessageDifferencer differencer;
  differencer.TreatAsSet(
      v1::GenerateRequest::descriptor()->FindFieldByName("extensions"));
  return differencer.Compare(a, b);
}

class GoldensTest : public testing::TestWithParam<GoldenDialect> {
 protected:
  const Dialect& dialect() const { return *GetParam().dialect; }

  std::vector<Golden> Files(const std::string& kind) const {
    return GoldensIn(GetParam().name + "/" + kind);
  }

  std::vector<Golden> Streams() const {
    std::vector<Golden> streams = Files("streams");
    if (const std::string& more = GetParam().more_streams; !more.empty()) {
      for (Golden& golden : GoldensIn(more)) streams.push_back(golden);
    }
    return streams;
  }

  // The streams that end well.
  std::vector<std::pair<Golden, StreamOutcome>> CompleteStreams() const {
    std::vector<std::pair<Golden, StreamOutcome>> streams;
    for (const Golden& golden : Files("streams")) {
      StreamOutcome outcome = Outcome(golden.text, 0);
      if (outcome.status.ok() && outcome.complete) {
        streams.emplace_back(golden, std::move(outcome));
      }
    }
    EXPECT_GE(streams.size(), 4u);
    return streams;
  }

  absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                           bool* stream) const {
    bool stream_usage = false;
    return dialect().ReadRequest(body, request, stream, &stream_usage);
  }

  v1::GenerateRequest RequestOf(std::string_view body, bool* stream) const {
    v1::GenerateRequest request;
    const absl::Status status = ReadRequest(body, &request, stream);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(request.model().empty(), GetParam().model_in_path);
    return request;
  }

  v1::GenerateResponse ResponseOf(std::string_view body) const {
    v1::GenerateResponse response;
    const absl::Status status = dialect().ReadResponse(body, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  std::string Written(const v1::GenerateResponse& response) const {
    std::string body;
    const absl::Status status =
        dialect().WriteResponse(response, &body, nullptr);
    EXPECT_TRUE(status.ok()) << status;
    return body;
  }

  // What a stream and a whole answer both say: a stream tells some vendor
  // fields twice and later, and the folding keeps no likelihoods. White space
  // within arguments may differ, which their form as JSON does not show.
  testing::AssertionResult SaySame(v1::GenerateResponse a,
                                   v1::GenerateResponse b) const {
    for (v1::GenerateResponse* response : {&a, &b}) {
      response->clear_extensions();
      response->clear_service_tier();
      response->clear_create_time();
      for (v1::Choice& choice : *response->mutable_choices()) {
        choice.clear_extensions();
        choice.clear_logprobs();
      }
    }
    if (GetParam().has_api) return SameJson(Written(a), Written(b));
    if (MessageDifferencer::Equals(a, b)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << a.DebugString() << b.DebugString();
  }

  StreamOutcome Outcome(std::string_view stream, size_t cut) const {
    StreamOutcome outcome;
    const auto reader = dialect().NewEventReader();
    outcome.status =
        ReadStream(*reader, stream, cut, &outcome.events, dialect().framing());
    outcome.complete = reader->done() || reader->CompleteAtClose();
    return outcome;
  }

  std::string StreamOf(const EventList& events) const {
    std::string out;
    const auto writer = dialect().NewEventWriter({.stream_usage = true});
    for (const v1::GenerateEvent& event : events) {
      const absl::Status status = writer->Write(event, &out);
      EXPECT_TRUE(status.ok()) << status;
    }
    v1::GenerateEvent end;
    end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
    EXPECT_TRUE(writer->Write(end, &out).ok());
    return out;
  }
};

// Dialects that an API speaks.
class GoldenApisTest : public GoldensTest {};

TEST_P(GoldenApisTest, RequestsAreWrittenAsTheyWereRead) {
  for (const Golden& golden : Files("requests")) {
    SCOPED_TRACE(golden.name);
    bool stream = false;
    const v1::GenerateRequest request = RequestOf(golden.text, &stream);
    std::string written;
    std::vector<v1::Warning> warnings;
    const absl::Status status = dialect().WriteRequest(
        request, {.model = request.model(), .stream = stream}, &written,
        &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(written, golden.text));
    EXPECT_TRUE(warnings.empty()) << warnings.front().DebugString();
    const v1::GenerateRequest again = RequestOf(written, &stream);
    EXPECT_TRUE(SameRequest(request, again)) << again.DebugString();
  }
}

TEST_P(GoldenApisTest, ScanAndReaderAgreeOnRequests) {
  for (const Golden& golden : Files("requests")) {
    SCOPED_TRACE(golden.name);
    bool stream = false;
    const v1::GenerateRequest request = RequestOf(golden.text, &stream);
    const ExactCopy text(golden.text);
    RequestScan scan;
    const absl::Status status = dialect().ScanRequest(text.view(), &scan);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(scan.model, request.model());
    EXPECT_EQ(
        golden.text.substr(scan.model_value.offset, scan.model_value.length),
        GetParam().model_in_path ? "" : "\"" + request.model() + "\"");
    EXPECT_EQ(scan.stream, stream);
    EXPECT_EQ(scan.output_tokens_max.value_or(0), request.max_output_tokens());
    EXPECT_EQ(scan.tool_count > 0, request.tools_size() > 0);
    EXPECT_EQ(scan.user_id, request.scope().user_id());
    EXPECT_TRUE(scan.has_messages);
    EditPlan plan;
    dialect().PlanEdits(scan, "another", &plan);
    EXPECT_EQ(plan.edits.empty(), GetParam().model_in_path);
  }
}

// No prefix of a request is a request, and none does harm.
TEST_P(GoldenApisTest, CutRequestsAreRefused) {
  for (const Golden& golden : Files("requests")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      const ExactCopy cut(std::string_view(golden.text).substr(0, length));
      v1::GenerateRequest request;
      bool stream = false;
      ASSERT_EQ(FaultReason(ReadRequest(cut.view(), &request, &stream)),
                v1::ERROR_REASON_INVALID_REQUEST)
          << length;
      RequestScan scan;
      ASSERT_EQ(FaultReason(dialect().ScanRequest(cut.view(), &scan)),
                v1::ERROR_REASON_INVALID_REQUEST)
          << length;
    }
  }
}

TEST_P(GoldenApisTest, AnswersAreWrittenAsTheyWereRead) {
  for (const Golden& golden : Files("responses")) {
    SCOPED_TRACE(golden.name);
    const std::string written = Written(ResponseOf(golden.text));
    EXPECT_TRUE(SameJson(written, golden.text));
  }
}

TEST_P(GoldenApisTest, ScanAndReaderAgreeOnAnswers) {
  for (const Golden& golden : Files("responses")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateResponse response = ResponseOf(golden.text);
    const ExactCopy text(golden.text);
    ResponseFacts facts;
    const absl::Status status = dialect().ScanResponse(text.view(), &facts);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(facts.has_usage, response.has_usage());
    EXPECT_TRUE(MessageDifferencer::Equals(facts.usage, response.usage()));
    EXPECT_EQ(facts.finish_reason, response.choices(0).finish_reason());
  }
}

TEST_P(GoldenApisTest, StreamsSurviveTheWriter) {
  for (const auto& [golden, outcome] : CompleteStreams()) {
    SCOPED_TRACE(golden.name);
    const StreamOutcome again = Outcome(StreamOf(outcome.events), 0);
    ASSERT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.complete);
    EXPECT_TRUE(SaySame(again.Folded(), outcome.Folded()));
    if (GetParam().streams_are_exact) {
      EXPECT_EQ(again.Folded().DebugString(), outcome.Folded().DebugString());
    }
  }
}

TEST_P(GoldenApisTest, TapAndReaderAgree) {
  for (const auto& [golden, outcome] : CompleteStreams()) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateResponse folded = outcome.Folded();
    const auto tap = dialect().NewStreamTap();
    SseParser parser(1 << 20);
    const ExactCopy text(golden.text);
    ASSERT_TRUE(parser.Feed(text.view()).ok());
    SseEvent event;
    bool terminal = false;
    while (parser.Next(&event)) {
      if (event.comment) continue;
      EXPECT_FALSE(tap->CompleteAtClose());
      const absl::StatusOr<EventKind> kind =
          tap->OnEvent(event.name, event.data);
      ASSERT_TRUE(kind.ok()) << kind.status();
      EXPECT_TRUE(!terminal || *kind == EventKind::kTerminal);
      terminal = *kind == EventKind::kTerminal;
    }
    EXPECT_NE(terminal, tap->CompleteAtClose());
    EXPECT_TRUE(tap->finished());
    EXPECT_TRUE(MessageDifferencer::Equals(tap->facts().usage, folded.usage()));
    if (golden.name != GetParam().tap_differs) {
      EXPECT_EQ(tap->facts().finish_reason, folded.choices(0).finish_reason());
    }
  }
}

TEST_P(GoldensTest, CutAnswersAreBadResponses) {
  for (const Golden& golden : Files("responses")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      const ExactCopy cut(std::string_view(golden.text).substr(0, length));
      v1::GenerateResponse response;
      ASSERT_EQ(FaultReason(dialect().ReadResponse(cut.view(), &response)),
                v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
          << length;
      if (!GetParam().has_api) continue;
      ResponseFacts facts;
      ASSERT_EQ(FaultReason(dialect().ScanResponse(cut.view(), &facts)),
                v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
          << length;
    }
  }
}

// The most places at which a stream is cut; longer ones are cut at some.
constexpr size_t kCutsMax = 12000;

// Those that fail, too.
TEST_P(GoldensTest, StreamsReadTheSameWhereverTheyAreCut) {
  for (const Golden& golden : Streams()) {
    SCOPED_TRACE(golden.name);
    const std::string whole = Outcome(golden.text, 0).Serialized();
    const size_t step = 1 + golden.text.size() / kCutsMax;
    for (size_t cut = 1; cut <= golden.text.size(); cut += step) {
      ASSERT_EQ(Outcome(golden.text, cut).Serialized(), whole) << cut;
    }
  }
}

// A stream bears the name of the whole answer that it makes up, if there is
// one.
TEST_P(GoldensTest, StreamsMakeUpTheirAnswers) {
  if (GetParam().streams_stand_alone) return;
  int made_up = 0;
  const std::vector<Golden> streams = Files("streams");
  for (const Golden& golden : Files("responses")) {
    SCOPED_TRACE(golden.name);
    for (const Golden& stream : streams) {
      if (stream.name != golden.name) continue;
      const StreamOutcome outcome = Outcome(stream.text, 0);
      ASSERT_TRUE(outcome.status.ok()) << outcome.status;
      EXPECT_TRUE(outcome.complete);
      EXPECT_TRUE(SaySame(outcome.Folded(), ResponseOf(golden.text)));
      ++made_up;
    }
  }
  EXPECT_GE(made_up, 3);
}

GoldenDialect AnthropicGoldens() {
  return {.name = "anthropic_messages",
          .dialect = std::make_shared<gateway::AnthropicMessages>()};
}

GoldenDialect GeminiGoldens() {
  return {.name = "gemini",
          .dialect = std::make_shared<gateway::Gemini>(),
          .model_in_path = true,
          .streams_are_exact = true};
}

GoldenDialect OllamaGoldens() {
  return {.name = "ollama",
          .dialect = std::make_shared<gateway::Ollama>(""),
          .has_api = false};
}

GoldenDialect ChatGoldens() {
  return {.name = "openai_chat",
          .dialect = std::make_shared<gateway::OpenAiChat>(),
          .streams_are_exact = true,
          .streams_stand_alone = true,
          .tap_differs = "refusal",
          .more_streams = "openai_compatible/streams"};
}

GoldenDialect ResponsesGoldens() {
  return {.name = "openai_responses",
          .dialect = std::make_shared<gateway::OpenAiResponses>()};
}

INSTANTIATE_TEST_SUITE_P(Dialects, GoldensTest,
                         testing::Values(AnthropicGoldens(), GeminiGoldens(),
                                         OllamaGoldens(), ChatGoldens(),
                                         ResponsesGoldens()),
                         testing::PrintToStringParamName());

INSTANTIATE_TEST_SUITE_P(Dialects, GoldenApisTest,
                         testing::Values(AnthropicGoldens(), GeminiGoldens(),
                                         ChatGoldens(), ResponsesGoldens()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace gateway
