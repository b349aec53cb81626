// What stands behind `gatewayctl ledger` - verify, query, get, export, archive
// and others, and of which ledger - and what it comes to.
//
//   OperatorWords words;
//   words.words = {"query"};
//   words.flags = {{"--caller", "search"}, {"--since", "24h"}};
//   GATEWAY_ASSIGN_OR_RETURN(const LedgerFilter filter,
//                            LedgerFilterOf(words, now));
//
// Thread-safe: plain functions. INVALID_ARGUMENT says which word or flag is
// wrong.

#ifndef CLIENTS_CLI_LEDGER_WORDS_H_
#define CLIENTS_CLI_LEDGER_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/operator_words.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_filter.h"

namespace gateway {

// What `ledger` does.
extern const OperatorCommand kLedgerCommand;

// INVALID_ARGUMENT if a chain is named and files are read, which are of one or
// do not say of which.
absl::Status CheckChainOfFiles(const OperatorWords& words, bool reads_files);

// INVALID_ARGUMENT for places of which one alone would be read, as --file
// beside
// --postgres: what is not read is not passed over in silence.
absl::Status CheckLedgerFlags(const OperatorWords& words);

// The files that it is to read; none if a gateway is to be asked.
std::vector<std::string> LedgerFilesOf(const OperatorWords& words);

// Times may be given as how long ago they were.
absl::StatusOr<LedgerFilter> LedgerFilterOf(const OperatorWords& words,
                                            absl::Time now);
llmgateway::v1::LedgerFilter ToMessage(const LedgerFilter& filter);

// The types and decisions that a filter names and no gateway writes. A ledger
// that was taken over may have them all the same, so entries that are read are
// shown to it.
class ForeignNames {
 public:
  explicit ForeignNames(const LedgerFilter& filter);

  // What is empty needs no entries.
  bool empty() const { return types_.empty() && decision_.empty(); }
  void See(const EntryFacts& facts);
  // Once all were read: INVALID_ARGUMENT if there is one that none has.
  absl::Status Check() const;

 private:
  std::vector<std::string> types_;
  std::string decision_;
};

// How many entries a query is to show, and from which end.
struct LedgerListing {
  int64_t limit = 100;
  bool newest_first = true;
};
absl::StatusOr<LedgerListing> LedgerListingOf(const OperatorWords& words);

// Behind which entry a gateway's check is to begin; 0 for the first.
absl::StatusOr<int64_t> AfterEntryOf(const OperatorWords& words);

// The hash behind a flag, such as `--noted` or `--root`, which somebody has
// noted elsewhere, in small letters; empty if the flag is not there.
absl::StatusOr<std::string> NotedHashOf(const OperatorWords& words,
                                        const std::string& flag);

// What a check tells of dispatches that have no exchange; empty if there are
// none.
std::string OpenDispatchesText(int64_t open);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_WORDS_H_
