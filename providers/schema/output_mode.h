// How a model is brought to answer by a schema where its provider has none of
// its own, as a change of the neutral request and answer:
//
//   native       nothing is changed
//   forced tool  the schema becomes the parameters of a tool that must be
//                called; the call's arguments become the answer's text
//   JSON mode    any JSON object is asked for, the schema stands in the prompt
//   prompt       the schema stands in the prompt
//
//   OutputRewrite rewrite(OutputMode::kForcedTool, OutputMode::kPrompt,
//                         *call.request, call.warnings);
//   ... send *rewrite.request() ...
//   rewrite.RestoreAnswer(response);   // Or RestoreEvent for each event.
//
// A tool cannot be forced where the caller has tools, where the model is to
// reason first, or for an answer that is no object; then the fallback is taken.
// Whatever is done is told by a warning.
//
// Thread contract: one thread.

#ifndef PROVIDERS_SCHEMA_OUTPUT_MODE_H_
#define PROVIDERS_SCHEMA_OUTPUT_MODE_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

enum class OutputMode { kNative, kForcedTool, kJsonMode, kPrompt };

class OutputRewrite {
 public:
  // Borrows `request`. `fallback` is used where no tool can be forced:
  // kJsonMode or kPrompt.
  OutputRewrite(OutputMode mode, OutputMode fallback,
                const v1::GenerateRequest& request,
                std::vector<v1::Warning>* warnings);

  OutputRewrite(const OutputRewrite&) = delete;
  OutputRewrite& operator=(const OutputRewrite&) = delete;

  // Returns what is to be sent: the request itself if nothing is changed.
  const v1::GenerateRequest* request() const {
    return rewritten_.has_value() ? &*rewritten_ : &request_;
  }

  // Frees what was to be sent, once it is sent. After this, request() must not
  // be called, and the request itself may go, too.
  void ReleaseRequest() { rewritten_.reset(); }

  // Returns the mode that was applied; kNative if nothing was changed.
  OutputMode mode() const { return mode_; }

  // Turns the forced call of an answer back into text. A stream's events must
  // come in order.
  void RestoreAnswer(v1::GenerateResponse* response) const;
  void RestoreEvent(v1::GenerateEvent* event);

 private:
  using PartKey = std::pair<int, int>;  // Choice and part.

  OutputMode Choose(OutputMode mode, OutputMode fallback, std::string* why);
  void ForceTool();
  void AskForAnyObject();
  void AddToPrompt();
  void RestoreDelta(v1::Delta* delta);

  const v1::GenerateRequest& request_;
  OutputMode mode_ = OutputMode::kNative;
  std::optional<v1::GenerateRequest> rewritten_;
  std::string tool_name_;
  // For a stream: the parts that are forced calls, and the first of each
  // choice, which is the answer.
  std::set<PartKey> calls_;
  std::set<PartKey> answers_;
  std::set<int> answered_;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_OUTPUT_MODE_H_
