// ChainCheck verifies entries one after the other: that each has the hash that
// it says, and names that of the one before.
//
//   ChainCheck check;
//   for (const std::string& line : lines) {
//     const ChainCheck::Finding finding = check.Add(line);
//     if (finding.severity == ChainCheck::Severity::kFail) Report(finding);
//   }
//
// What is hashed is an entry's form (python_json.h). A text that has this form
// already, as entries of the gateway's own (entry.h), is not read but hashed as
// it is, at the speed of SHA-256. Those of earlier systems are what json.dumps
// has written of them, with members in any order (IsAsPythonWrites): any other
// text of the same form was altered, and may say other things to who reads it
// otherwise.
//
// Thread-compatible.

#ifndef SERVICE_LEDGER_CHAIN_CHECK_H_
#define SERVICE_LEDGER_CHAIN_CHECK_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

class ChainCheck {
 public:
  enum class Severity {
    kOk,
    // An entry without hashes before all that have one, as older writers have
    // written them: nothing is known of it.
    kWarn,
    // It was altered, or something before it was altered, left out or put in.
    kFail,
  };
  struct Finding {
    Severity severity = Severity::kOk;
    std::string entry_id;  // Empty if it could not be read.
    std::string what;      // For people; empty if all is well.
  };

  // Continues behind an entry of this hash; empty to begin with the first.
  explicit ChainCheck(std::string previous_hash = {})
      : previous_hash_(std::move(previous_hash)),
        begins_(previous_hash_.empty()) {}

  Finding Add(std::string_view entry);

  // Of the last entry that could be read; empty if it had none.
  const std::string& last_hash() const { return previous_hash_; }
  int64_t entries() const { return entries_; }
  int64_t warnings() const { return warnings_; }
  int64_t failures() const { return failures_; }
  // Whether nothing has failed.
  bool valid() const { return failures_ == 0; }

 private:
  Finding Check(std::string_view entry);

  std::string previous_hash_;
  // Whether no entry before had a hash, and whether the last one had none.
  bool begins_ = true;
  bool begins_anew_ = false;
  int64_t entries_ = 0;
  int64_t warnings_ = 0;
  int64_t failures_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_CHAIN_CHECK_H_
