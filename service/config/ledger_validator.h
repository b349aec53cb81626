// Where the ledger is by a configuration, and whether it can be there.
//
//   if (config.has_ledger()) Open(PathBeside(config_file, LedgerFile(config)));
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_LEDGER_VALIDATOR_H_
#define SERVICE_CONFIG_LEDGER_VALIDATOR_H_

#include <string>
#include <string_view>

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// The ledger's file, which counts from the configuration file's folder if it
// does not begin with `/`. REQUIRES: there is a `ledger` that is a file, and
// CheckLedger has found nothing wrong with it.
std::string LedgerFile(const llmgateway::config::v1::GatewayConfig& config);

// Has the ledger's file count from this folder, unless it begins with `/`;
// nothing for an empty one, or without a `ledger` that is a
// file. Before defaults are filled in.
void PutLedgerUnder(std::string_view folder,
                    llmgateway::config::v1::GatewayConfig* config);

// Adds what is wrong with `config.ledger()`, and warns of what it leaves open.
void CheckLedger(const llmgateway::config::v1::GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_LEDGER_VALIDATOR_H_
