// How many pieces of batched work are done at once while memory runs short
// (service/overload/memory_gate.h): lists have shorter pages then, and lists of
// embeddings are asked for in parts.
//
//   GATEWAY_ASSIGN_OR_RETURN(const int page_size,
//                            PageSizeOf(*runtime, request.page_size()));
//
// Where memory is not watched they look at nothing. Thread-safe: plain
// functions.

#ifndef SERVICE_PIPELINE_BATCH_SIZE_H_
#define SERVICE_PIPELINE_BATCH_SIZE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Of the lists that rpcs return.
inline constexpr int kPageSizeDefault = 100;
inline constexpr int kPageSizeMax = 1000;

// How many pieces to take at once, where it would be `most`. At least 1 of 1.
size_t BatchSizeOf(const RuntimeSnapshot& runtime, size_t most);

// How many entries the page of a list has at most whose caller asks for so
// many, or for 0, which is kPageSizeDefault; more than kPageSizeMax are that.
// INVALID_REQUEST if it is negative.
absl::StatusOr<int> PageSizeOf(const RuntimeSnapshot& runtime, int asked);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_BATCH_SIZE_H_
