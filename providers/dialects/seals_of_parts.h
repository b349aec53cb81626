// Seals of parts that are no thoughts. Google seals what its models say and
// call (`thoughtSignature` of any part), and wants the seal of a call back with
// it. Messages and Responses have no field for that, but sealed reasoning,
// which their clients send back: such reasoning without words stands before the
// part, and is the seal of what follows it when it returns.
//
//   const v1::Message sealed = WithSealsAsReasoning(message);
//   ...
//   const std::string_view seal = SealFromReasoning(part.reasoning());
//
// (Chat Completions have a field of Google's own: openai_chat/part_writer.h.)
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_SEALS_OF_PARTS_H_
#define PROVIDERS_DIALECTS_SEALS_OF_PARTS_H_

#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// The seal of a part, as its provider wrote it; empty if it has none. Views
// into the extensions.
std::string_view SealOfPart(
    const google::protobuf::RepeatedPtrField<v1::Extension>& extensions);

// Whether a part of the message has one.
bool HasSealedParts(const v1::Message& message);

// The same message, in which reasoning stands before each such part and has its
// seal.
v1::Message WithSealsAsReasoning(const v1::Message& message);

// The reasoning that stands before a piece with a seal: a delta of the same
// part. REQUIRES: SealOfPart(delta.extensions()) is not empty.
v1::Delta SealAsReasoning(const v1::Delta& delta);

// The seal that such reasoning brings back; empty if it is none. Views into the
// reasoning.
std::string_view SealFromReasoning(const v1::Reasoning& reasoning);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_SEALS_OF_PARTS_H_
