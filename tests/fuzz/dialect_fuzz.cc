#include "tests/fuzz/dialect_fuzz.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json_lines.h"
#include "base/text/sse_parser.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

// Divides a stream as the dialect's vendor does.
class Frames {
 public:
  Frames(Framing framing, size_t bytes) {
    if (framing == Framing::kJsonLines) {
      lines_.emplace(bytes);
    } else {
      events_.emplace(bytes);
    }
  }
  absl::Status Feed(std::string_view bytes) {
    return lines_ ? lines_->Feed(bytes) : events_->Feed(bytes);
  }
  bool Next(std::string_view* name, std::string_view* data) {
    if (lines_) return lines_->Next(data);
    SseEvent event;
    do {
      if (!events_->Next(&event)) return false;
    } while (event.comment);
    *name = event.name;
    *data = event.data;
    return true;
  }

 private:
  std::optional<JsonLines> lines_;
  std::optional<SseParser> events_;
};

// What a stream came to.
struct Outcome {
  absl::Status status;
  bool done = false;
  bool complete_at_close = false;
  std::string usage;
  EventList events;
};

// Both read one event. A dialect without an API has no tap.
void ReadEvent(std::string_view name, std::string_view data,
               EventReader& reader, StreamTap& tap, Outcome& outcome) {
  const ExactCopy copy(data);
  const absl::StatusOr<EventKind> kind = tap.OnEvent(name, copy.view());
  if (kind.ok() && *kind == EventKind::kError) Require(!tap.error().ok());
  outcome.status = reader.Read(name, copy.view(), &outcome.events);
  if (outcome.status.ok()) {
    Require(kind.ok() || absl::IsUnimplemented(kind.status()));
  }
}

Outcome ReadStream(const Dialect& dialect, std::string_view stream,
                   size_t piece_bytes) {
  Outcome outcome;
  Frames frames(dialect.framing(), stream.size() + 1);
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  while (!stream.empty() && outcome.status.ok()) {
    const ExactCopy piece(stream.substr(0, piece_bytes));
    stream.remove_prefix(piece.view().size());
    Require(frames.Feed(piece.view()).ok());
    std::string_view name;
    std::string_view data;
    while (outcome.status.ok() && frames.Next(&name, &data)) {
      // Nobody reads on behind the vendor's end.
      if (!reader->done()) ReadEvent(name, data, *reader, *tap, outcome);
    }
  }
  outcome.done = reader->done();
  outcome.complete_at_close = reader->CompleteAtClose();
  outcome.usage = reader->usage().SerializeAsString();
  return outcome;
}

void RequireSame(const Outcome& a, const Outcome& b) {
  // Their payloads hold maps, which are serialized in any order.
  Require(a.status.code() == b.status.code());
  Require(a.status.message() == b.status.message());
  Require(a.done == b.done && a.complete_at_close == b.complete_at_close);
  Require(a.usage == b.usage);
  Require(a.events.size() == b.events.size());
  for (size_t i = 0; i < a.events.size(); ++i) {
    Require(a.events[i].SerializeAsString() == b.events[i].SerializeAsString());
  }
}

void WriteStream(const Dialect& dialect, const Outcome& read) {
  const std::unique_ptr<EventWriter> writer = dialect.NewEventWriter({});
  std::string out;
  for (const v1::GenerateEvent& event : read.events) {
    if (!writer->Write(event, &out).ok()) return;
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  if (!writer->Write(end, &out).ok()) return;
  // Whether it says an error or not, it is understood.
  ReadStream(dialect, out, out.size());
}

// Reads and writes a request; empty if either refuses it.
std::string AgainRequest(const Dialect& dialect, std::string_view body) {
  v1::GenerateRequest request;
  request.set_model("m");  // The path's, where there is none in the body.
  bool stream = false;
  bool stream_usage = false;
  std::string written;
  std::vector<v1::Warning> warnings;
  if (!dialect.ReadRequest(body, &request, &stream, &stream_usage).ok() ||
      !dialect
           .WriteRequest(request, {.model = request.model(), .stream = stream},
                         &written, &warnings)
           .ok()) {
    written.clear();
  }
  return written;
}

std::string AgainAnswer(const Dialect& dialect, std::string_view body) {
  v1::GenerateResponse response;
  std::string written;
  if (!dialect.ReadResponse(body, &response).ok() ||
      !dialect.WriteResponse(response, &written, nullptr).ok()) {
    written.clear();
  }
  return written;
}

// The edits lie within the body, in order, and what they make of it asks for
// the other model.
void RequirePlan(const Dialect& dialect, const RequestScan& scan,
                 std::string_view body) {
  EditPlan plan;
  dialect.PlanEdits(scan, "another", &plan);
  std::string edited;
  size_t end = 0;
  for (const Edit& edit : plan.edits) {
    Require(edit.span.offset >= end && edit.span.offset <= body.size());
    Require(edit.span.length <= body.size() - edit.span.offset);
    edited += body.substr(end, edit.span.offset - end);
    edited += edit.replacement;
    end = edit.span.offset + edit.span.length;
  }
  edited += body.substr(end);
  const ExactCopy copy(edited);
  RequestScan again;
  Require(dialect.ScanRequest(copy.view(), &again).ok());
  if (scan.model_value.length > 0) Require(again.model == "another");
}

// The media lie within the text, in order.
void RequireMedia(const Dialect& dialect, std::string_view text) {
  const char* end = text.data();
  for (const std::string_view medium : dialect.MediaIn(text)) {
    Require(medium.data() >= end);
    end = medium.data() + medium.size();
  }
  Require(end <= text.data() + text.size());
}

}  // namespace

void Require(bool condition, std::source_location where) {
  if (condition) return;
  std::cerr << where.file_name() << ":" << where.line() << ": broken\n";
  std::abort();
}

bool FuzzDialect(const Dialect& dialect, std::string_view input) {
  if (input.size() < 2) return false;
  const std::string_view text = input.substr(1);
  switch (input[0]) {
    case 'q':
      FuzzRequest(dialect, text);
      return true;
    case 'a':
      FuzzAnswer(dialect, text);
      return true;
    case 's':
      FuzzStream(dialect, text.substr(1),
                 static_cast<unsigned char>(text[0]) % 64 + 1);
      return true;
    default:
      return false;
  }
}

void FuzzRequest(const Dialect& dialect, std::string_view body) {
  const std::string once = AgainRequest(dialect, body);
  if (!once.empty()) Require(AgainRequest(dialect, once) == once);
  const ExactCopy copy(body);
  RequestScan scan;
  if (dialect.ScanRequest(copy.view(), &scan).ok() &&
      dialect.CanForward(scan, copy.view())) {
    RequirePlan(dialect, scan, copy.view());
  }
  RequireMedia(dialect, copy.view());
}

void FuzzAnswer(const Dialect& dialect, std::string_view body) {
  const std::string once = AgainAnswer(dialect, body);
  if (!once.empty()) Require(AgainAnswer(dialect, once) == once);
  const ExactCopy copy(body);
  ResponseFacts facts;
  dialect.ScanResponse(copy.view(), &facts).IgnoreError();
  RequireMedia(dialect, copy.view());
}

void FuzzStream(const Dialect& dialect, std::string_view stream,
                size_t piece_bytes) {
  const Outcome whole = ReadStream(dialect, stream, stream.size());
  RequireSame(whole, ReadStream(dialect, stream, piece_bytes));
  WriteStream(dialect, whole);
}

void FuzzError(const Dialect& dialect, std::string_view body) {
  for (const int http_status : {400, 429, 500}) {
    const absl::Status read =
        dialect.ReadError({.status = http_status, .body = body});
    Require(!read.ok());
    const WireError written = dialect.WriteError(read, "id");
    Require(written.http_status >= 400);
    const HttpFailure again = {.status = written.http_status,
                               .body = written.body};
    Require(!dialect.ReadError(again).ok());
  }
}

void FuzzCounting(const Dialect& dialect, std::string_view body) {
  v1::GenerateRequest request;
  std::string written;
  if (dialect.ReadCountRequest(body, &request).ok()) {
    dialect.WriteCountRequest(request, "m", &written).IgnoreError();
  }
  dialect.ReadCountResponse(body).IgnoreError();
}

void FuzzEmbeddings(const EmbeddingDialect& dialect, std::string_view body) {
  v1::EmbedRequest request;
  EmbeddingEncoding encoding = EmbeddingEncoding::kFloat;
  std::string written;
  std::vector<v1::Warning> warnings;
  if (dialect.ReadRequest(body, &request, &encoding).ok()) {
    dialect.WriteRequest(request, "m", &written, &warnings).IgnoreError();
  }
  for (const EmbeddingEncoding each :
       {EmbeddingEncoding::kFloat, EmbeddingEncoding::kBase64}) {
    v1::EmbedResponse response;
    if (!dialect.ReadResponse(ExactCopy(body).view(), &response).ok()) return;
    std::string once;
    if (!dialect.WriteResponse(response, each, &once).ok()) return;
    v1::EmbedResponse again;
    Require(dialect.ReadResponse(ExactCopy(once).view(), &again).ok());
    std::string twice;
    Require(dialect.WriteResponse(again, each, &twice).ok());
    Require(once == twice);
  }
}

void FuzzModels(const ModelListDialect& dialect, std::string_view body) {
  std::vector<v1::Model> models;
  if (!dialect.ReadModels(body, &models).ok()) return;
  std::string page;
  dialect.WriteModels({.models = models}, &page);
}

}  // namespace gateway
