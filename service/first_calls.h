// The commands that a newcomer tries first, with this gateway's addresses in
// them.
//
// Thread contract: plain function.

#ifndef SERVICE_FIRST_CALLS_H_
#define SERVICE_FIRST_CALLS_H_

#include <string>

#include "service/app.h"

namespace gateway {

// Text for a person at a terminal; each command can be pasted.
std::string FirstCalls(const App::Addresses& at);

}  // namespace gateway

#endif  // SERVICE_FIRST_CALLS_H_
