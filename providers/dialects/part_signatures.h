// Signatures of parts that are no thoughts. Google signs what its models
// say and call (`thoughtSignature` of any part), and wants the signature of a
// call back with it. Messages and Responses have no field for that, but signed
// reasoning, which their clients send back: such reasoning without words stands
// before the part, and is the signature of what follows it when it returns.
//
//   const v1::Message copy = WithSignaturesAsReasoning(message);
//   ...
//   const auto signature =
//       SignatureFromReasoning(part.reasoning());
//
// (Chat Completions have a field of Google's own: openai_chat/part_writer.h.)
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_PART_SIGNATURES_H_
#define PROVIDERS_DIALECTS_PART_SIGNATURES_H_

#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Returns the signature of a part, as its provider wrote it; empty if it has
// none. Points into the extensions.
std::string_view PartSignature(
    const google::protobuf::RepeatedPtrField<v1::Extension>& extensions);

// Returns whether any part of the message has a signature.
bool HasSignedParts(const v1::Message& message);

// Returns the message with reasoning before each such part, which holds its
// signature.
v1::Message WithSignaturesAsReasoning(const v1::Message& message);

// Returns the reasoning that is sent before a piece with a signature, as a
// delta of the same part. REQUIRES: PartSignature(delta.extensions()) is not
// empty.
v1::Delta SignatureAsReasoning(const v1::Delta& delta);

// Returns the signature that such reasoning brings back; empty if it is other
// reasoning. Points into the reasoning.
std::string_view SignatureFromReasoning(const v1::Reasoning& reasoning);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_PART_SIGNATURES_H_
