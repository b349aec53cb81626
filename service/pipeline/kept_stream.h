// A KeptStream is a stream that was made for another call, said again: as fast
// as its caller takes it, in pieces of some kilobytes.
//
//   ASSIGN(open->stream, std::make_unique<KeptStream>(kept, facts));
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_KEPT_STREAM_H_
#define SERVICE_PIPELINE_KEPT_STREAM_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/cache/kept_answer.h"

namespace gateway {

class KeptStream final : public ProviderStream {
 public:
  // A batch has about so many bytes, or one event that has more.
  static constexpr size_t kBatchBytes = 16 * 1024;

  // `facts` are told of it. REQUIRES: `kept` is a stream.
  KeptStream(KeptAnswerPtr kept, ResponseFacts facts)
      : kept_(std::move(kept)), facts_(std::move(facts)) {}

  // INTERNAL if an event cannot be read.
  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;

  const ResponseFacts& facts() const override { return facts_; }

 private:
  absl::Status AddEvent(size_t begin, size_t end, StreamBatch* batch) const;

  const KeptAnswerPtr kept_;
  const ResponseFacts facts_;
  size_t next_ = 0;  // The event that comes next.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_KEPT_STREAM_H_
