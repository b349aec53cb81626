// An event of an alert as people read it: in a webhook's `text`, which chats
// show, and as a line of the log.
//
//   AlertText(event);  // "high_error_rate fires: error_rate > 5%, it is 7.5"
//
// Thread-safe: plain functions.

#ifndef SERVICE_ALERTS_ALERT_TEXT_H_
#define SERVICE_ALERTS_ALERT_TEXT_H_

#include <string>

#include "service/alerts/alert_rule.h"

namespace gateway {

// In one line.
std::string AlertText(const AlertEvent& event);

// Writes the line that the action `log` is.
void WriteAlertLine(const AlertEvent& event);

}  // namespace gateway

#endif  // SERVICE_ALERTS_ALERT_TEXT_H_
