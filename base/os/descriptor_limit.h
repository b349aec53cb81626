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

// What the soft limit is raised to at most, where the hard one is higher or
// none: some programs close every descriptor that they could have been
// started with, one by one, and we start programs.
inline constexpr size_t kDescriptorsMax = 1024 * 1024;

// Raises the soft limit and returns what it is now.
size_t RaiseDescriptorLimit();

}  // namespace gateway

#endif  // BASE_OS_DESCRIPTOR_LIMIT_H_
