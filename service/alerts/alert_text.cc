#include "service/alerts/alert_text.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"

namespace gateway {

std::string AlertText(const AlertEvent& event) {
  std::string text =
      absl::StrCat(event.alert, event.firing ? " fires" : " is resolved");
  if (!event.subject.empty()) absl::StrAppend(&text, " for ", event.subject);
  absl::StrAppend(&text, ": ", event.condition);
  if (event.firing) absl::StrAppend(&text, ", it is ", event.value);
  return text;
}

void WriteAlertLine(const AlertEvent& event) {
  Log(event.firing ? LogLevel::kWarn : LogLevel::kInfo, "alerts",
      event.firing ? "An alert fires" : "An alert is resolved",
      {{"alert", event.alert},
       {"condition", event.condition},
       {"subject", event.subject},
       {"value", event.value},
       {"id", event.id}});
}

}  // namespace gateway
