// RecordedLabels are a call's labels as records show them: without what the
// patterns of the audit log's redaction find, where there is an audit log.
//
//   const RecordedLabels labels(call);
//   record.labels = labels.labels();
//
// Costs nothing for a call without labels. Thread-compatible.

#ifndef SERVICE_PIPELINE_RECORDED_LABELS_H_
#define SERVICE_PIPELINE_RECORDED_LABELS_H_

#include <list>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/observability/call_record.h"

namespace gateway {

class RecordedLabels {
 public:
  // Borrows the texts. Without a redactor, which may be null, they stay as they
  // are.
  RecordedLabels(absl::Span<const CallLabel> labels,
                 const BodyRedactor* redactor);

  RecordedLabels(const RecordedLabels&) = delete;
  RecordedLabels& operator=(const RecordedLabels&) = delete;

  // Valid as long as this object and what it borrows.
  absl::Span<const CallLabel> labels() const { return labels_; }

 private:
  std::list<std::string> redacted_;  // Each stays where it is.
  absl::InlinedVector<CallLabel, 2> labels_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RECORDED_LABELS_H_
