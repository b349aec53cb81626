#include "service/pipeline/held_answer.h"

#include "providers/http_faults.h"

namespace gateway {

absl::Status HeldAnswer::NoRoom() { return NoRoomFault(); }

}  // namespace gateway
