// Gives the calls of custom tools back as what they were asked for.
//
// A custom tool takes a free text. To a provider that knows functions only, it
// is described as a function whose one argument, `input`, is that text; so its
// calls come back as calls of a function, with `{"input":"..."}`. Callers know
// no such function:
//
//   const CustomCalls custom(*call.request);
//   if (custom.any()) custom.Restore(answer->response);
//
// Calls that are custom already, and calls of functions, stay as they are. So
// does what is no such object: a model may have written what it likes.
//
// Thread-compatible; a stream belongs to its loop.

#ifndef PROVIDERS_CUSTOM_CALLS_H_
#define PROVIDERS_CUSTOM_CALLS_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/event_list.h"
#include "providers/provider.h"

namespace gateway {

class CustomCalls {
 public:
  // Keeps the names of the request's custom tools, so that their calls are
  // known in the answer.
  explicit CustomCalls(const v1::GenerateRequest& request);

  bool any() const { return !names_.empty(); }

  void Restore(v1::GenerateResponse* response) const;

  // Restores the events of one stream, which come in order. What is said of a
  // call is held back until its text is whole, or its choice has ended.
  void Restore(EventList* events);

 private:
  using CallKey = std::pair<int, int>;  // The choice, and the part in it.

  void TakePiece(v1::Delta* delta);
  void EndChoice(int choice, EventList* events);

  std::set<std::string> names_;
  // A call that has not come whole.
  struct Waiting {
    int index = 0;  // Its place among the calls of the turn.
    std::string arguments;
  };
  std::map<CallKey, Waiting> waiting_;
};

// Wraps a stream so that its calls are restored. REQUIRES: `custom` has any.
std::unique_ptr<ProviderStream> WithCustomCalls(
    CustomCalls custom, std::unique_ptr<ProviderStream> stream);

}  // namespace gateway

#endif  // PROVIDERS_CUSTOM_CALLS_H_
