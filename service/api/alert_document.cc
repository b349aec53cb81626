#include "service/api/alert_document.h"

namespace gateway {

void RestoreAlerts(StateStore& state, AlertBoard* board) {
  state.Restore(
      kAlertDocument,
      "What fires is told again, and no alert is silenced, since how alerts "
      "stood cannot be read",
      [board](std::string_view text) { return board->Read(text); });
}

}  // namespace gateway
