// HttpStream is an answer that a provider streams over HTTP: the exchange that
// brings its bytes, and the events that they are cut into. What becomes of an
// event is its subclass's: RawHttpStream forwards it, ParsedHttpStream reads it
// into neutral ones.
//
// Thread contract: one call, on its loop.

#ifndef PROVIDERS_HTTP_STREAM_H_
#define PROVIDERS_HTTP_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "providers/dialects/dialect.h"
#include "providers/event_cutter.h"
#include "providers/http_faults.h"
#include "providers/provider.h"

namespace gateway {

struct HttpStreamOptions {
  // Both must outlive the stream.
  const Dialect* dialect = nullptr;
  const HttpFaults* faults = nullptr;
  // Must outlive the stream.
  AttemptProgress* progress = nullptr;
  // The largest event that is read.
  size_t event_bytes_limit = 32 * 1024 * 1024;
  // For parsed streams: the most bytes in a row that bring no event.
  size_t silent_bytes_limit = 256 * 1024;
  // The caller's own credential, if it was sent: no fault repeats it.
  Secret caller_credential{""};
};

// Returns the first of the events, from the one at `begin` on, by which the
// provider says that it failed while it answered; null if there is none.
const v1::ChoiceEnd* FindGivenUp(const EventList& events, size_t begin);

class HttpStream : public ProviderStream {
 protected:
  HttpStream(const HttpStreamOptions& options,
             std::unique_ptr<HttpExchange> exchange);

  // Takes one event. An error ends the stream.
  virtual absl::Status Take(const StreamEvent& event, StreamBatch* batch) = 0;
  // True once the vendor's end marker was taken: nothing follows it.
  virtual bool ended() const = 0;
  // Adds to SaidTokens what an event says that nobody gets, since it did not
  // come whole: `json` is closed where it was cut off.
  virtual void AddCut(const std::string& json) = 0;

  // Returns whether what has come, as the first of the stream that is more than
  // space, is none: JSON, or a page.
  bool IsOtherForm(absl::Span<const std::string_view> pieces);
  // Reads the rest of it for what it has cost, and returns the fault. The
  // stream has ended then.
  Task<absl::Status> Refuse(absl::Span<const std::string_view> pieces);

  // Begins a piece of the stream.
  void BeginPiece(std::string_view piece) { fed_ = cutter_.Feed(piece); }
  // Takes the piece's events, up to a large one. Returns how many bytes that
  // has, which the caller is to take by TakeLarge, off the loop; 0 if there is
  // none.
  size_t TakeSmall(StreamBatch* batch);
  // Takes the large event that TakeSmall has come to.
  void TakeLarge(StreamBatch* batch);
  // Ends a piece whose whole events have been taken.
  void EndPiece();
  // Called at the end of the bytes: takes an event that lacks only its last
  // line feed or its blank line, and adds what one says that lacks more. As
  // much work as reading bytes_left() bytes. Without a batch it takes none.
  void TakeLast(StreamBatch* batch);
  // Called where the bytes broke off: adds what all of them say.
  Task<void> AddWhatIsLeft();
  size_t bytes_left() const { return cutter_.held_bytes(); }

  // Returns whether a stream that broke with `broken` has come to its end all
  // the same, because nothing but the end of the bytes was missing. A caller
  // who leaves breaks it, too.
  bool EndedWith(const absl::Status& broken, bool complete_at_close) const;
  // Makes the fault for a transport error.
  absl::Status OfTransport(const absl::Status& status) const {
    return faults_.OfTransport(status, progress_);
  }
  // Makes the fault for a stream that breaks off.
  absl::Status BrokenOff() const;
  // Makes the fault for what the dialect says of an event.
  absl::Status WrapFault(const absl::Status& status) const {
    return faults_.WrapFault(status, options_.caller_credential.Reveal());
  }
  // Returns the failure that an event tells of which its dialect makes nothing:
  // a proxy's, or one in another vendor's form. OK if it tells none.
  absl::Status FailureToldBy(const StreamEvent& event) const;
  // Where events have names, one that begins a part has the name of a call, and
  // one that ends it repeats what was said.
  static bool BringsOutput(std::string_view name);
  // Makes the fault for an answer that the provider gave up; `end` may be null.
  absl::Status GaveUp(const v1::ChoiceEnd* end) const;

  const HttpStreamOptions options_;
  const HttpFaults& faults_;
  AttemptProgress& progress_;
  std::unique_ptr<HttpExchange> exchange_;  // Null once it is refused.
  EventCutter cutter_;
  absl::Status failure_;  // Ends the stream, after what was taken before it.
  bool closed_ = false;   // Set when no more bytes come.

 private:
  // Charges what the cutter holds.
  absl::Status CountHeld();

  absl::Status fed_;  // What the cutter said of the piece.
  // What TakeSmall has come to; without data if it has still to be cut.
  StreamEvent large_;
  size_t counted_bytes_ = 0;
  bool has_begun_ = false;  // More than space has come.
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_STREAM_H_
