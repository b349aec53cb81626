// What an operator does while calls run: how it is drawn and told, and how it
// is said to the gateway's AdminService.
//
// Thread contract: one thread, that of the loop.

#ifndef TESTS_SIMULATION_OPERATOR_DEED_H_
#define TESTS_SIMULATION_OPERATOR_DEED_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "google/protobuf/message.h"
#include "service/api/circuits_admin.h"
#include "service/api/method_table.h"
#include "service/api/policies_admin.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/simulation/drawing.h"
#include "tests/simulation/scenario.h"

namespace gateway {

// Adds some, within `length` of the begin. REQUIRES: all else is drawn.
void DrawDeeds(Drawing& draw, absl::Duration length, Scenario& scenario);

// Models are chosen for all calls, their providers fail, and an operator takes
// one after the other out of use: calls come to where the others only rest.
void DrawTakenOut(Drawing& draw, Scenario& scenario);

// For traces.
std::string DeedText(const OperatorDeed& deed);

class SimulatedOperator {
 public:
  // Borrows all.
  SimulatedOperator(const Scenario& scenario, const CurrentRuntime& runtime,
                    EventLoop& loop);

  // Returns what the gateway has to say against it. What is said is in force
  // before anything else happens.
  Task<absl::Status> Do(const OperatorDeed& deed);

 private:
  Task<absl::Status> Say(std::string_view method,
                         const google::protobuf::Message& request,
                         google::protobuf::Message* response);
  Task<absl::Status> SetEnabled(const OperatorDeed& deed);
  Task<absl::Status> Force(const OperatorDeed& deed);
  Task<absl::Status> Reset(const OperatorDeed& deed);
  Task<absl::Status> Give(const OperatorDeed& deed);

  const Scenario& scenario_;
  EventLoop& loop_;
  StateStore state_;  // Keeps nothing.
  BlockingWorker worker_{BlockingWorker::Options()};
  CircuitsAdmin circuits_;
  PoliciesAdmin policies_;
  MethodTable table_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_OPERATOR_DEED_H_
