// What a stream tells of its usage as it goes: some vendors begin with the
// input and a placeholder for the output, some send a running count, some tell
// all of it at the end. ToldOutput knows whether what was told of the output
// counts all that has come.
//
//   told.Take({.has_output = true});  // A piece of text.
//   if (ReplaceUsage(read, &usage)) told.Take({.is_told = true});
//   if (told.counts_all() && every_choice_has_ended) ...
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_TOLD_USAGE_H_
#define PROVIDERS_DIALECTS_TOLD_USAGE_H_

#include "llmgateway/v1/usage.pb.h"

namespace gateway {

class ToldOutput {
 public:
  struct Event {
    bool has_output = false;
    // It tells how much output there is, its own counted.
    bool is_told = false;
    // Every choice has ended, with this event or before.
    bool has_ended = false;
  };
  // What is told at the end stands: what trails it, such as the verdict of a
  // filter, is no output.
  void Take(const Event& event) {
    counts_all_ =
        event.is_told || (counts_all_ && (is_final_ || !event.has_output));
    is_final_ = is_final_ || (event.is_told && event.has_ended);
  }

  // No output has come since it was told how much there is.
  bool counts_all() const { return counts_all_; }

 private:
  bool counts_all_ = false;
  bool is_final_ = false;
};

// Takes what an event tells of all usage in place of what was told before, the
// input and the output each with its parts. A side of which the event has no
// count, or 0, or one that cannot be read, stays as it was told, and so does
// what the provider says that it charged. Returns whether the event tells the
// output.
bool ReplaceUsage(const llmgateway::v1::Usage& told,
                  llmgateway::v1::Usage* usage);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_TOLD_USAGE_H_
