// ForwardedText reads what a model says off an answer whose bytes are
// forwarded, beside them: nothing of what is asked or answered depends on it.
//
//   ForwardedText text(dialect);
//   text.Add(batch, &answer);                  // Each batch of a stream.
//   if (text.failed()) ...                     // `answer` lacks some of it.
//
//   TextOfForwarded(dialect, body)             // Of a whole answer.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_FORWARDED_TEXT_H_
#define SERVICE_PIPELINE_FORWARDED_TEXT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "providers/event_cutter.h"
#include "providers/provider.h"
#include "service/pipeline/answer_folding.h"

namespace gateway {

class ForwardedText {
 public:
  // Of a stream in the dialect, which must outlive this.
  explicit ForwardedText(const Dialect& dialect);

  // Adds what the batch says. After what cannot be read, or says that the
  // provider failed, it adds nothing any more.
  void Add(const StreamBatch& batch, AnswerFolding* answer);

  // There was such an event.
  bool failed() const { return failed_; }

 private:
  absl::Status Read(std::string_view bytes, AnswerFolding* answer);

  EventCutter cutter_;
  std::unique_ptr<EventReader> reader_;
  bool failed_ = false;
};

// Returns what a whole answer says, as AnswerText; empty if it cannot be read.
std::string TextOfForwarded(const Dialect& dialect, std::string_view body);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_FORWARDED_TEXT_H_
