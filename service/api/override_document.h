// The overrides of nodes as they are kept on disk, so that they survive a
// restart: JSON, one entry for each.
//
//   store.Write(kOverrideDocument, WriteOverrides(*overrides.Get(), now));
//   GATEWAY_ASSIGN_OR_RETURN(std::vector<NodeOverride> kept,
//                            ReadOverrides(text));
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_OVERRIDE_DOCUMENT_H_
#define SERVICE_API_OVERRIDE_DOCUMENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/routing/selection/node_overrides.h"
#include "service/state/state_store.h"

namespace gateway {

inline constexpr std::string_view kOverrideDocument = "node_overrides.json";

// Those that have expired are left out.
std::string WriteOverrides(const OverrideSet& overrides, absl::Time now);

// INVALID_ARGUMENT if it is no such document.
absl::StatusOr<std::vector<NodeOverride>> ReadOverrides(std::string_view text);

// Puts those that the store has in the place of all; nothing happens if it has
// none. What cannot be read is told by a line of the log. Blocks on the file
// system.
void RestoreOverrides(StateStore& store, NodeOverrides* overrides);

}  // namespace gateway

#endif  // SERVICE_API_OVERRIDE_DOCUMENT_H_
