// RefusalCount says which refusals one kind of record tells of one by one: to
// be refused costs a caller nothing, and disks are finite. Of callers who are
// not known it is so many a second of all together, of the others so many of
// each; the next that is told of says for how many it stands.
//
//   RefusalCount count;                       // One for each loop and record.
//   const RefusalCount::Limits limits = {.of_caller = 10, .of_unknown = 10};
//   int64_t others = 0;
//   if (count.Take(call, limits, &others)) Write(entry, others);
//
// Thread-compatible.

#ifndef SERVICE_PIPELINE_REFUSAL_COUNT_H_
#define SERVICE_PIPELINE_REFUSAL_COUNT_H_

#include <cstdint>

#include "service/observability/caller_paces.h"
#include "service/observability/second_count.h"
#include "service/pipeline/call.h"

namespace gateway {

class RefusalCount {
 public:
  // In a second.
  struct Limits {
    int of_caller = 0;   // Of each who is known, with what it has saved.
    int of_unknown = 0;  // Of all who are not.
  };

  // Whether the refusal is told of. If so, sets `others` to how many before it
  // were not.
  bool Take(const PlannedCall& call, const Limits& limits, int64_t* others);

 private:
  SecondCount unknown_;
  CallerPaces callers_;
};

// The same number for all calls of a caller: of one without a name, for all of
// its address. What a call says of itself, such as its user, is not in it.
uint64_t CallerNumber(const PlannedCall& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_REFUSAL_COUNT_H_
