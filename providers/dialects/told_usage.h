// What a stream tells of its usage as it goes: some vendors begin with the
// input and a placeholder for the output, some send a running count, some tell
// all of it at the end. ToldOutput knows whether what was told of the output
// counts all that has come.
//
//   told.Take(/*has_output=*/true, /*is_told=*/false);  // A piece of text.
//   if (ReplaceUsage(read, &usage)) told.Take(false, true);
//   if (told.counts_all() && every_choice_has_ended) ...
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_TOLD_USAGE_H_
#define PROVIDERS_DIALECTS_TOLD_USAGE_H_

#include "llmgateway/v1/usage.pb.h"

namespace gateway {

class ToldOutput {
 public:
  // Takes an event, which may carry output, tell how much there is, or both:
  // then that is counted.
  void Take(bool has_output, bool is_told) {
    counts_all_ = is_told || (counts_all_ && !has_output);
  }

  // No output has come since it was told how much there is.
  bool counts_all() const { return counts_all_; }

 private:
  bool counts_all_ = false;
};

// Takes what an event tells of all usage in place of what was told before. Of
// the output that stays if the event has no count of it, or one that cannot be
// read. Returns whether the event tells it.
bool ReplaceUsage(const llmgateway::v1::Usage& told,
                  llmgateway::v1::Usage* usage);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_TOLD_USAGE_H_
