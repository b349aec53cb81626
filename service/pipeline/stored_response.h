// StoredResponse is one answer that its caller may go on from, and what was
// said before it; or, of one whose bytes were only forwarded, which provider
// has it and by which of its credentials it was asked for.
//
// Messages are held serialized: as messages, short ones take thirty times as
// much memory.

#ifndef SERVICE_PIPELINE_STORED_RESPONSE_H_
#define SERVICE_PIPELINE_STORED_RESPONSE_H_

#include <string>

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

using MessageList = google::protobuf::RepeatedPtrField<v1::Message>;

struct StoredResponse {
  std::string provider;  // Empty: the answer is here.
  std::string credential;
  std::string before;  // A GenerateRequest with nothing but messages.
  std::string response;

  // Parse what is held, at each call.
  MessageList Before() const;
  v1::GenerateResponse Response() const;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_STORED_RESPONSE_H_
