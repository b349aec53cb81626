// SelectionState is what the choice of models goes by and no configuration
// says: what operators have given to nodes, and how the calls of models went.
// It outlives the configurations under which that was.
//
// Thread-safe.

#ifndef SERVICE_ROUTING_SELECTION_SELECTION_STATE_H_
#define SERVICE_ROUTING_SELECTION_SELECTION_STATE_H_

#include "service/routing/selection/model_performance.h"
#include "service/routing/selection/node_overrides.h"

namespace gateway {

struct SelectionState {
  // `shards` as of ModelPerformance: one for each event loop.
  explicit SelectionState(int shards) : performance(shards) {}

  NodeOverrides overrides;
  ModelPerformance performance;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_SELECTION_STATE_H_
