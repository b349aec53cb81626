// Checks one message of a request, part by part, and what parts have in common
// with tools and the request itself.
//
// Thread contract: plain function.

#ifndef SERVICE_PIPELINE_PART_CHECK_H_
#define SERVICE_PIPELINE_PART_CHECK_H_

#include "google/protobuf/repeated_field.h"
#include "llmgateway/v1/content.pb.h"
#include "service/pipeline/violations.h"

namespace gateway {

// Adds what is wrong with vendors' fields of what stands at `parent`, which is
// null for the request itself.
void CheckExtensions(const google::protobuf::RepeatedPtrField<
                         llmgateway::v1::Extension>& extensions,
                     const FieldPath* parent, Violations* violations);

// Adds what is wrong with a cache hint that stands at `path`.
void CheckCacheHint(const llmgateway::v1::CacheHint& hint,
                    const FieldPath& path, Violations* violations);

// Both, of a part or a tool that stands at `path`.
template <typename Message>
void CheckExtras(const Message& message, const FieldPath& path,
                 Violations* violations) {
  if (message.has_cache_hint()) {
    CheckCacheHint(message.cache_hint(), {path, "cache_hint"}, violations);
  }
  if (!message.extensions().empty()) {
    CheckExtensions(message.extensions(), &path, violations);
  }
}

// Adds what is wrong with `message`, which stands at `path`.
void CheckMessage(const llmgateway::v1::Message& message, const FieldPath& path,
                  Violations* violations);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PART_CHECK_H_
