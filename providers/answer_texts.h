// ReleaseTexts frees the long texts of an answer, or of an event of a stream,
// that has been written in the caller's format: while its caller takes it, it
// is held once and not twice.
//
//   absl::Status written = dialect.WriteResponse(*response, &out, &warnings);
//   ReleaseTexts(response);
//
// Thread-compatible.

#ifndef PROVIDERS_ANSWER_TEXTS_H_
#define PROVIDERS_ANSWER_TEXTS_H_

#include <cstddef>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Empties texts, arguments and bytes of so many bytes and more; all else stays.
inline constexpr size_t kLongTextBytes = 4 * 1024;
void ReleaseTexts(v1::GenerateResponse* response);
void ReleaseTexts(v1::GenerateEvent* event);

}  // namespace gateway

#endif  // PROVIDERS_ANSWER_TEXTS_H_
