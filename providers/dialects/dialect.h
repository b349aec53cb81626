// A Dialect is one vendor's wire format, read and written in one room. Between
// a dialect that reads and a dialect that writes there is only llmgateway.v1:
// N + M formats, never N x M translators.
//
// There are two ways through a dialect:
//
//   parsed   ReadRequest -> GenerateRequest -> WriteRequest of another dialect,
//            and back by ReadResponse / EventReader -> WriteResponse /
//            EventWriter;
//   raw      ScanRequest finds, in one pass, what the policies must know and
//            where the bytes are that must change; the rest is forwarded
//            untouched. ScanResponse and StreamTap read from the answer what
//            must be recorded while its bytes go through.
//
// Dialects are stateless and thread-safe; EventReader, EventWriter and
// StreamTap belong to one stream.

#ifndef PROVIDERS_DIALECTS_DIALECT_H_
#define PROVIDERS_DIALECTS_DIALECT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/memory/recycler.h"
#include "base/text/short_text.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/event_list.h"
#include "providers/dialects/media_fields.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// A piece of a request body: [offset, offset + length).
struct Span {
  size_t offset = 0;
  size_t length = 0;
};

// Replaces a piece of a body; a zero length inserts.
struct Edit {
  Span span;
  std::string_view replacement;
};

// All edits of one body. Not movable, since edits may point into it; must be
// destroyed before the scan that it was planned by.
struct EditPlan {
  EditPlan() = default;
  EditPlan(const EditPlan&) = delete;
  EditPlan& operator=(const EditPlan&) = delete;

  absl::InlinedVector<Edit, 2> edits;  // Sorted by offset.
  std::string model;  // Backs the edit of the model's name.
};

// One of a request's labels.
struct ScannedLabel {
  std::string key;
  std::string value;
};

// How many labels a scan keeps: as many as a record holds
// (LimitsConfig.labels_limit is at most that).
inline constexpr int kScannedLabelsMax = 16;

// What the stages need to know of a request whose bytes are only forwarded.
// Strings are unescaped copies; spans point into the scanned body.
struct RequestScan {
  ShortText model;         // Empty if the request names none.
  // The JSON string, quotes included; empty if there is none.
  Span model_value;
  bool stream = false;
  // The caller asked for the usage event of a stream.
  bool stream_usage = false;
  Span stream_options_value;  // Zero length if absent.
  // The value to put in its place so that usage is sent, if it holds other
  // options, too; empty otherwise.
  std::string stream_options_wish;
  size_t object_begin = 0;    // Just after the opening brace.
  bool has_fields = false;    // If so, a comma follows what is inserted.
  std::optional<int64_t> output_tokens_max;
  // How many answers are asked for, whatever the number is; nothing if the
  // request does not say.
  std::optional<int64_t> answer_count;
  // For OpenAI's two names of that limit: their keys, quotes included; zero
  // length if absent.
  Span new_limit_key;
  Span old_limit_key;
  bool has_messages = false;
  // The vendor's name for the list of messages, how long it is, and how many
  // tools there are. A text in place of the list counts as none.
  std::string_view messages_field = "messages";
  bool needs_messages = true;  // A request without any is refused.
  // A field besides these two that the vendor requires and the request lacks;
  // empty if none is missing.
  std::string_view absent_field;
  int message_count = 0;
  int tool_count = 0;
  std::string user_id;
  // The request's labels (`metadata`): how many there are, and the first
  // kScannedLabelsMax.
  int label_count = 0;
  std::vector<ScannedLabel> labels;
  // Fields that only the gateway reads: their values, and the spans to cut out,
  // commas included.
  std::string agent_type;
  std::string project_id;
  absl::InlinedVector<Span, 2> own_fields;
  // The session that the request goes on with, where the gateway keeps any, and
  // the field that names it; both empty if none is named. Otherwise the field
  // means what it means to the provider.
  std::string session_id;
  std::string_view session_field;
};

// Whether the model has ended what it said itself: it was not cut or filtered.
constexpr bool IsEndOfModel(v1::FinishReason reason) {
  return reason == v1::FINISH_REASON_STOP ||
         reason == v1::FINISH_REASON_TOOL_CALLS;
}

// What must be recorded of an answer whose bytes are only forwarded.
struct ResponseFacts {
  v1::Usage usage;
  bool has_usage = false;
  // Of a stream: true if its answer has ended, and its output was told with the
  // last content or after it, and so counts all of it. Some vendors send a
  // running count, or begin with the input and a placeholder.
  bool usage_is_final = false;
  v1::FinishReason finish_reason = v1::FINISH_REASON_UNSPECIFIED;
  // Another choice than the first, whose reason that is, was not ended by the
  // model itself.
  bool other_choice_cut = false;
  // The tier that served, as the vendor calls it; empty if it does not say.
  ShortText service_tier;
  // For raw answers: the id under which the provider may keep it; empty if the
  // format has no way to ask for it again.
  ShortText kept_id;
  // For raw streams whose events are numbered: the number that comes next.
  int64_t next_event_number = 0;
  // For raw streams: the vendor has said that the answer failed, and nothing is
  // to follow it.
  bool failure_told = false;
};

// What a server-sent event means to the pipeline.
enum class EventKind {
  kContent,    // Model output, or anything else to forward.
  kIgnorable,  // Keep-alives and bookkeeping without model output.
  kUsage,      // Usage only; left out unless the caller asked for it.
  kError,      // The provider failed mid-stream.
  kTerminal,   // The end marker: `[DONE]`, `message_stop`.
};

// How a vendor's stream is divided into events.
enum class Framing {
  kServerSentEvents,
  kJsonLines,  // One JSON text a line; the event's name is always empty.
};

// Reads along a raw stream.
class StreamTap : public Recycled {
 public:
  virtual ~StreamTap() = default;

  // Checks one event. `name` is the SSE event name, empty if none. An error is
  // an event that cannot be understood.
  virtual absl::StatusOr<EventKind> OnEvent(std::string_view name,
                                            std::string_view data) = 0;

  // What was read off the events so far.
  virtual const ResponseFacts& facts() const = 0;

  // The fault that the error event stands for. REQUIRES: OnEvent returned
  // kError.
  virtual absl::Status error() const = 0;

  // True if the answer is complete: every choice has a finish reason. A stream
  // that ends before was interrupted.
  virtual bool finished() const = 0;

  // True if the vendor ends its streams by closing the connection, and all has
  // come.
  virtual bool CompleteAtClose() const { return false; }
  // The bytes that callers of the dialect must be sent then in place of an end
  // marker.
  virtual std::string_view MissingEnd() const { return {}; }
};

// Reads one vendor's stream into neutral events.
class EventReader : public Recycled {
 public:
  virtual ~EventReader() = default;

  // Appends the neutral events that one server-sent event amounts to: none or
  // several. StreamStarted carries the vendor's fields only; Route, seq and
  // StreamEnd are the pipeline's. An error event becomes an error status.
  virtual absl::Status Read(std::string_view name, std::string_view data,
                            EventList* events) = 0;

  // True once the vendor's end marker was read.
  virtual bool done() const = 0;

  // True if the vendor ends its streams by closing the connection, and all has
  // come.
  virtual bool CompleteAtClose() const { return false; }

  // Usage so far; what the provider said last counts. Of one with a count
  // that cannot be read, for which Read fails, it is the others, marked as
  // estimated.
  virtual const v1::Usage& usage() const = 0;
  // True if the event that was read last told how much output there is, and not
  // as a placeholder.
  virtual bool told_output() const = 0;
  // The tier that served, as the vendor calls it; what the provider said last
  // counts. Empty if it does not say.
  virtual std::string_view service_tier() const { return {}; }
  // True if usage came with an end of the answer, which may not have become an
  // event since it cannot be read.
  virtual bool usage_is_final() const { return false; }
};

// Writes neutral events as one vendor's stream, framing included.
class EventWriter : public Recycled {
 public:
  struct Options {
    // What the model is called if the provider does not say.
    std::string model;
    // By whose id the model was selected that answers; empty if none was.
    std::string model_policy;
    bool stream_usage = false;
    int64_t created_seconds = 0;
    // The provider goes on with the answer if its stream is cut.
    bool background = false;
  };

  virtual ~EventWriter() = default;

  // Says that the stream began with the vendor's own bytes, of which `facts`
  // tells, and that what is written next ends it.
  virtual void GoOnFrom(const ResponseFacts& /*facts*/) {}

  // Appends the bytes of an event: none or several of the vendor's events.
  // `end` becomes the vendor's end marker, or its error event.
  virtual absl::Status Write(const v1::GenerateEvent& event,
                             std::string* out) = 0;

  // Gives the status behind the StreamEnd that is written next: its details say
  // more than that event has room for.
  void SetFailure(absl::Status failure) { failure_ = std::move(failure); }

  // How many bytes of the stream the writer keeps until its end, about.
  size_t held_bytes() const { return held_bytes_; }

 protected:
  void AddHeldBytes(size_t bytes) { held_bytes_ += bytes; }
  // The status that `end` tells of. REQUIRES: it is no success.
  absl::Status FailureOf(const v1::StreamEnd& end) const;

 private:
  absl::Status failure_;
  size_t held_bytes_ = 0;
};

// How a request is to be written for the upstream.
struct WriteRequestOptions {
  std::string_view model;  // The provider's own name of the model.
  bool stream = false;
  // The most tokens that the model answers with, set by HttpProvider from what
  // the configuration or the shipped table knows; 0 if not known. Written where
  // the format requires a limit and the caller gave none (Anthropic's
  // max_tokens).
  int64_t output_tokens_limit = 0;
  // Write fields that the format lacks under the names that services of its
  // family use for them, where there are such.
  bool pass_unsupported = false;
};

// The vendor's form of a failed call.
struct WireError {
  int http_status = 500;
  std::string body;
  std::optional<absl::Duration> retry_after;
};

// What of a failed HTTP answer says why.
struct HttpFailure {
  int status = 0;
  std::string_view body;               // Bounded by the caller.
  std::string_view content_type;
  std::string_view retry_after;        // Header values; empty if absent.
  std::string_view retry_after_ms;
  std::string_view should_retry;       // `x-should-retry`.
  absl::Time now;  // When it came: what a date in `retry_after` counts from.
};

// One vendor's format. A dialect without an API is only spoken upstream: the
// operations of an API are UNIMPLEMENTED.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // The name in Extension.dialect: `openai_chat`, `anthropic_messages`, ...
  virtual std::string_view name() const = 0;

  virtual Framing framing() const { return Framing::kServerSentEvents; }

  // --- Parsed -------------------------------------------------------------

  // Reads a caller's request. Unmodelled fields become extensions. `stream`
  // receives whether the caller wants a stream. Errors name the field in the
  // vendor's words. Where the vendor's path names the model, `model` is left
  // as it was.
  virtual absl::Status ReadRequest(std::string_view body,
                                   v1::GenerateRequest* request, bool* stream,
                                   bool* stream_usage) const;

  // Appends the request as the vendor wants it. What cannot be carried is
  // listed in `warnings`.
  virtual absl::Status WriteRequest(const v1::GenerateRequest& request,
                                    const WriteRequestOptions& options,
                                    std::string* body,
                                    std::vector<v1::Warning>* warnings)
      const = 0;

  // Reads a whole answer.
  virtual absl::Status ReadResponse(std::string_view body,
                                    v1::GenerateResponse* response) const = 0;

  // Appends a whole answer. Content that has no place in the format is listed
  // in `warnings`, which may be null.
  virtual absl::Status WriteResponse(const v1::GenerateResponse& response,
                                     std::string* body,
                                     std::vector<v1::Warning>* warnings) const;

  virtual std::unique_ptr<EventReader> NewEventReader() const = 0;
  virtual std::unique_ptr<EventWriter> NewEventWriter(
      const EventWriter::Options& options) const;

  // --- Counting of input tokens -------------------------------------------
  // UNIMPLEMENTED where the vendor has no such operation.

  // Reads a caller's request to count; its prompt is read as by ReadRequest.
  virtual absl::Status ReadCountRequest(std::string_view body,
                                        v1::GenerateRequest* request) const;
  virtual absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                                         std::string_view model,
                                         std::string* body) const;
  virtual absl::StatusOr<int64_t> ReadCountResponse(
      std::string_view body) const;
  virtual absl::Status WriteCountResponse(int64_t tokens,
                                          std::string* body) const;

  // Returns whether a scanned request to count can go upstream with the edits
  // below. `renamed` tells that the provider has another name for the model.
  virtual bool CanForwardCount(std::string_view /*body*/,
                               bool /*renamed*/) const {
    return true;
  }

  // --- Raw ----------------------------------------------------------------

  // Reads in one pass what the stages need. Keys are compared unescaped; a
  // repeated key that a policy depends on is refused, naming it.
  virtual absl::Status ScanRequest(std::string_view body,
                                   RequestScan* scan) const;

  // Returns whether the scanned bytes can go upstream with the edits below;
  // otherwise the request must be parsed and written. Called on the provider's
  // dialect.
  virtual bool CanForward(const RequestScan& /*scan*/,
                          std::string_view /*body*/) const {
    return true;
  }

  // Plans the edits that turn the scanned body into the upstream's: the model's
  // name, what only the gateway reads, and the wish for usage in streams. By
  // default, the first two.
  virtual void PlanEdits(const RequestScan& scan, std::string_view model,
                         EditPlan* plan) const;

  // Reads what must be recorded of a whole answer.
  virtual absl::Status ScanResponse(std::string_view body,
                                    ResponseFacts* facts) const;

  virtual std::unique_ptr<StreamTap> NewStreamTap() const;

  // Where pictures, sound and files stand as bytes in requests and in whole
  // answers: what the parsed way reads as such.
  virtual absl::Span<const MediaField> MediaFields() const { return {}; }
  // Those of one body, as FindMedia tells them.
  std::vector<std::string_view> MediaIn(std::string_view body) const {
    return FindMedia(body, MediaFields());
  }

  // --- Errors -------------------------------------------------------------

  // Turns a failed HTTP answer into a fault: reason, bounded message, retry
  // hint, `http_status` in the metadata. Never fails itself. By default, as
  // ReadHttpFailure does for whatever vendor.
  virtual absl::Status ReadError(const HttpFailure& failure) const;

  // Returns the vendor's status and body for a fault.
  virtual WireError WriteError(const absl::Status& status,
                               std::string_view request_id) const;
};

// A scan is at least so many times as fast as a reading: OffLoop is told of as
// many fewer bytes (base/async/worker_pool.h).
inline constexpr size_t kScansPerReading = 8;

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_DIALECT_H_
