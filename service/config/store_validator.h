// Where what operators and callers leave with the gateway is kept: what a
// configuration comes to, and whether that can be.
//
//   if (RecordStoreEngine(config) == StoreConfig::ENGINE_SQLITE) {
//     Open(PathBeside(config_file, RecordStoreFile(config)));
//   }
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_STORE_VALIDATOR_H_
#define SERVICE_CONFIG_STORE_VALIDATOR_H_

#include <string>

#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/config/v1/store.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Whether answers that callers go on from (`response_store`) outlast the
// process: where `store` says what keeps records, and that is not memory.
bool KeepsResponses(const llmgateway::config::v1::GatewayConfig& config);

// Whether there is anything to be kept: keys that operators issue, sessions, or
// answers.
bool NeedsRecordStore(const llmgateway::config::v1::GatewayConfig& config);

// What keeps it: what is named, or else SQLite if there is a folder or a file
// for it, or else memory.
llmgateway::config::v1::StoreConfig::Engine RecordStoreEngine(
    const llmgateway::config::v1::GatewayConfig& config);

// SQLite's file, which counts from the configuration file's folder if it does
// not begin with `/`; empty if there is none.
std::string RecordStoreFile(
    const llmgateway::config::v1::GatewayConfig& config);

// Adds what is wrong with `config.store()`, and with what needs another one
// than it is. Warns of what a restart forgets.
void CheckStore(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_STORE_VALIDATOR_H_
