// How much a model said with a piece of a stream that was read, in bytes of
// text, as RawHttpStream counts those of one that is forwarded.
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DELTA_SIZE_H_
#define PROVIDERS_DELTA_SIZE_H_

#include <cstdint>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// Returns the bytes of its text, refusal or reasoning, of a call's name and
// arguments, and of what a part says that only its vendor knows, such as code
// that it has run; 0 for pictures, sound and signatures.
int64_t SaidIn(const llmgateway::v1::Delta& delta);

}  // namespace gateway

#endif  // PROVIDERS_DELTA_SIZE_H_
