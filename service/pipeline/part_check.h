// Checks one message of a request, part by part.
//
// Thread contract: plain function.

#ifndef SERVICE_PIPELINE_PART_CHECK_H_
#define SERVICE_PIPELINE_PART_CHECK_H_

#include <string>

#include "llmgateway/v1/content.pb.h"
#include "service/pipeline/violations.h"

namespace gateway {

// Adds what is wrong with `message`, which stands at `path`.
void CheckMessage(const llmgateway::v1::Message& message,
                  const std::string& path, Violations* violations);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PART_CHECK_H_
