#include "providers/dialects/told_usage.h"

#include <cstdint>

namespace gateway {

bool ReplaceUsage(const llmgateway::v1::Usage& told,
                  llmgateway::v1::Usage* usage) {
  const int64_t before = usage->output_tokens();
  *usage = told;
  if (before == 0 || told.output_tokens() > 0) return true;
  usage->set_output_tokens(before);
  return false;
}

}  // namespace gateway
