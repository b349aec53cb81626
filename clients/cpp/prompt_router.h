// PromptRouter is the old name of LLMGateway; include clients/cpp/llm_gateway.h
// and use that.
//
//   PromptRouter router({.target = "127.0.0.1:50051"});
//
// Thread contract: that of LLMGateway.

#ifndef CLIENTS_CPP_PROMPT_ROUTER_H_
#define CLIENTS_CPP_PROMPT_ROUTER_H_

#include "clients/cpp/llm_gateway.h"

namespace gateway {

// Deprecated: use LLMGateway.
using PromptRouter = LLMGateway;

}  // namespace gateway

#endif  // CLIENTS_CPP_PROMPT_ROUTER_H_
