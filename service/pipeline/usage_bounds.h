// A provider may tell a part of its tokens that is larger than the whole, such
// as more reasoning than output. What it told is cut down to what can be, so
// that neither usage nor cost counts it, and the caller is warned.
//
//   BoundUsage(&attempt->answer.facts.usage, &attempt->warnings);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_USAGE_BOUNDS_H_
#define SERVICE_PIPELINE_USAGE_BOUNDS_H_

#include <vector>

#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// Adds a warning for each part that was cut down.
void BoundUsage(llmgateway::v1::Usage* usage,
                std::vector<llmgateway::v1::Warning>* warnings);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_USAGE_BOUNDS_H_
