#include "base/os/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace gateway {

size_t RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, kDescriptorsMax);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  }
  return std::min<rlim_t>(limit.rlim_cur, kDescriptorsMax);
}

}  // namespace gateway
