#include "service/pipeline/stored_response.h"

#include <utility>

namespace gateway {

MessageList StoredResponse::Before() const {
  v1::GenerateRequest said;
  said.ParseFromString(before);
  return std::move(*said.mutable_messages());
}

v1::GenerateResponse StoredResponse::Response() const {
  v1::GenerateResponse parsed;
  parsed.ParseFromString(response);
  return parsed;
}

}  // namespace gateway
