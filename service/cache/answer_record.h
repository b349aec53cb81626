// An answer as it is kept outside of the process: a checksum, and an
// AnswerRecord (answer_record.proto). The checksum has the name in it under
// which the record is kept, so that what lies under another one, is cut or was
// changed on the way is no record.
//
//   const std::string bytes = WriteAnswerRecord(name, *answer, now);
//   ...
//   const std::optional<AnswerRecord> record = ReadAnswerRecord(name, bytes);
//   if (!record) ...  // Nothing of ours.
//
// A checksum keeps off mistakes, and not those who can write where records are
// kept.
//
// Writing and reading copies the answer: a large one belongs off the loop
// (base/async/worker_pool.h).
//
// Thread-safe: plain functions.

#ifndef SERVICE_CACHE_ANSWER_RECORD_H_
#define SERVICE_CACHE_ANSWER_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/cache/kept_answer.h"

namespace gateway {

struct AnswerRecord {
  KeptAnswerPtr answer;  // Not null.
  absl::Time kept;
};

// `kept` is when the answer was, to the microsecond.
std::string WriteAnswerRecord(std::string_view name, const KeptAnswer& answer,
                              absl::Time kept);

// Nothing if the bytes are no record of that name.
std::optional<AnswerRecord> ReadAnswerRecord(std::string_view name,
                                             std::string_view bytes);

// What a record begins with: a checksum of all that follows, and of the name.
uint64_t RecordChecksum(std::string_view name, std::string_view rest);

}  // namespace gateway

#endif  // SERVICE_CACHE_ANSWER_RECORD_H_
