#include "providers/dialects/ollama/errors.h"

#include "providers/dialects/error_reason.h"

namespace gateway::ollama {

absl::Status ReadError(const HttpFailure& failure, absl::Time now) {
  return ReadHttpFailure(failure, now);
}

absl::Status ReadErrorLine(std::string_view line) {
  return ReadErrorReport(line);
}

}  // namespace gateway::ollama
