// RaiseDescriptorLimit lets the process have as many descriptors as its hard
// limit allows: most systems start it with a soft limit of 1024, for programs
// that use select().
//
//   const size_t descriptors = RaiseDescriptorLimit();
//
// Thread contract: called at start, before descriptors are counted on.

#ifndef BASE_OS_DESCRIPTOR_LIMIT_H_
#define BASE_OS_DESCRIPTOR_LIMIT_H_

#include <cstddef>

namespace gateway {

// The soft limit is raised to this at most, even where the hard limit is higher
// or infinite: some programs that we start close every descriptor that they
// could have inherited, one by one.
inline constexpr size_t kDescriptorsMax = 1024 * 1024;

// Raises the soft limit and returns what it is afterwards.
size_t RaiseDescriptorLimit();

}  // namespace gateway

#endif  // BASE_OS_DESCRIPTOR_LIMIT_H_
