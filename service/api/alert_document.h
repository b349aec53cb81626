// How alerts stand as it is kept on disk, so that it survives a restart: the
// AlertBoard's own text.
//
//   store.WriteSoon(kAlertDocument, [&board] { return board.Write(); });
//   ...
//   RestoreAlerts(store, &board);  // At the start.
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_ALERT_DOCUMENT_H_
#define SERVICE_API_ALERT_DOCUMENT_H_

#include <string_view>

#include "service/alerts/alert_board.h"
#include "service/state/state_store.h"

namespace gateway {

inline constexpr std::string_view kAlertDocument = "alerts.json";

// One line of the log tells if the document cannot be read: then all is well
// until the conditions say otherwise. Blocks on the file system. REQUIRES: the
// board has its rules.
void RestoreAlerts(StateStore& state, AlertBoard* board);

}  // namespace gateway

#endif  // SERVICE_API_ALERT_DOCUMENT_H_
