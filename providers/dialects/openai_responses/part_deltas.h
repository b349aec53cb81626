// Delivers a part that is known as a whole as the deltas of a stream, adds to a
// part what deltas carry beside their pieces, and says how much of a part a
// delta makes.
//
//   AppendPart(part, /*part_index=*/3, /*call_index=*/0, &events);
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_PART_DELTAS_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_PART_DELTAS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "proto/piece_bytes.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

// Appends a part as deltas. `call_index` counts tool calls only.
inline void AppendPart(const v1::Part& part, int32_t part_index,
                       int32_t call_index, EventList* events) {
  const auto add = [&] {
    v1::Delta* delta = events->emplace_back().mutable_delta();
    delta->set_part_index(part_index);
    return delta;
  };
  v1::Delta* delta = add();
  *delta->mutable_extensions() = part.extensions();
  if (part.has_refusal()) {
    delta->set_refusal(part.refusal());
  } else if (part.has_tool_call()) {
    v1::ToolCallDelta* call = delta->mutable_tool_call();
    call->set_id(part.tool_call().id());
    call->set_name(part.tool_call().name());
    call->set_arguments(part.tool_call().arguments());
    call->set_kind(part.tool_call().kind());
    call->set_index(call_index);
  } else if (part.has_opaque()) {
    *delta->mutable_opaque() = part.opaque();
  } else if (part.has_reasoning()) {
    const v1::Reasoning& reasoning = part.reasoning();
    delta->set_reasoning(reasoning.text());
    if (!reasoning.signature().empty()) {
      add()->set_reasoning_signature(reasoning.signature());
    } else if (!reasoning.redacted_data().empty()) {
      add()->set_redacted_reasoning(reasoning.redacted_data());
    }
  } else {
    delta->set_text(part.text());
  }
}

// Adds an extension unless one of its name is there.
inline void AddOnce(const v1::Extension& extension, ExtensionList* extensions) {
  if (extension.dialect() != kDialect) return;
  if (FindExtension(*extensions, extension.name()) != nullptr) return;
  *extensions->Add() = extension;
}

// Appends logprobs to the extension that a part's are written from. Returns how
// many bytes that takes.
inline size_t AddLogprobs(const v1::Logprobs& logprobs, v1::Part* part) {
  if (logprobs.content().empty()) return 0;
  std::string list;
  JsonWriter json(&list);
  chat::WriteTokenLogprobs(logprobs.content(), json);
  for (v1::Extension& known : *part->mutable_extensions()) {
    if (known.dialect() != kDialect || known.name() != "logprobs") continue;
    known.mutable_json()->back() = ',';
    known.mutable_json()->append(list.substr(1));
    return list.size();
  }
  AddExtension(part->mutable_extensions(), "logprobs", list);
  return list.size();
}

// Returns how many bytes extensions and citations take besides their texts.
template <typename Holder>
size_t ListBytesOf(const Holder& holder) {
  return static_cast<size_t>(holder.extensions_size()) * sizeof(v1::Extension) +
         static_cast<size_t>(holder.citations_size()) * sizeof(v1::Citation);
}

// Returns how many bytes the deltas of a part have added to its item, about.
inline size_t BytesOf(const v1::Part& part) {
  return part.ByteSizeLong() + ListBytesOf(part);
}

// Returns how many bytes a delta adds to its item, about: those of its text,
// without what frames it in the stream, which may be more.
inline size_t BytesOf(const v1::Delta& delta) {
  if (!delta.extensions().empty() || !delta.citations().empty() ||
      delta.has_logprobs()) {
    return delta.ByteSizeLong() + ListBytesOf(delta);
  }
  return PieceBytes(delta);
}

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_PART_DELTAS_H_
