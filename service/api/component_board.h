// ComponentBoard knows how what the gateway keeps things in is doing: its
// ledger, its store, a Redis. Whoever shows that reads it here, so that all say
// the same.
//
//   ComponentBoard board;
//   board.Add("ledger", [&writer](v1::ComponentHealth* health) {
//     FillLedgerHealth(writer.counts(), ..., health);
//   });
//   ...
//   for (const v1::ComponentHealth& each : board.Read()) ...
//
// One that is STATE_FAILING has calls refused: then the gateway is not ready.
// What providers do is not in it.
//
// Thread contract: Add before others read; Read and failure from any thread.
// What was added is asked on the reader's thread, must not block, and outlives
// the board's use.

#ifndef SERVICE_API_COMPONENT_BOARD_H_
#define SERVICE_API_COMPONENT_BOARD_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/v1/admin.pb.h"

namespace gateway {

class ComponentBoard {
 public:
  // Says how it is doing: state and problem. Which it is has been filled in,
  // and that it is healthy.
  using Look = std::function<void(llmgateway::v1::ComponentHealth* health)>;

  ComponentBoard() = default;
  ComponentBoard(const ComponentBoard&) = delete;
  ComponentBoard& operator=(const ComponentBoard&) = delete;

  // REQUIRES: none has this name yet.
  void Add(std::string name, Look look);

  // All, sorted by name.
  std::vector<llmgateway::v1::ComponentHealth> Read() const;

  // Why calls are refused, as `ledger: it cannot be written ...`; empty if none
  // is failing.
  std::string failure() const;

 private:
  std::map<std::string, Look> looks_;
};

// The problem of a component with its name before it.
std::string ComponentProblem(const llmgateway::v1::ComponentHealth& health);

// `healthy`, `degraded` or `failing`.
std::string_view ComponentStateName(
    llmgateway::v1::ComponentHealth::State state);

// Whether one that is listed is in this state.
bool AnyComponentIs(llmgateway::v1::ComponentHealth::State state,
                    const std::vector<llmgateway::v1::ComponentHealth>& listed);

}  // namespace gateway

#endif  // SERVICE_API_COMPONENT_BOARD_H_
