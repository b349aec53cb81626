// How gatewayctl shows what a gateway answers: tables for people, or the
// message as JSON.
//
//   Table({{"ID", "OWNER"}, {"k1", "search"}})  // Columns as wide as needed.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_ANSWER_TEXT_H_
#define CLIENTS_CLI_ANSWER_TEXT_H_

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace gateway {

using Row = std::vector<std::string>;

// An answer that may be bad news: then gatewayctl exits with 1.
struct Findings {
  bool good = true;
  std::string text;  // For people, or JSON.
};

// Columns as wide as they have to be, two spaces between them, a line each.
// Cells are shown in one line.
std::string Table(const std::vector<Row>& rows);

// Fields have their names of the contract. What JSON cannot say, such as a time
// behind the year 9999, makes it an object with an `error`, for WriteAnswer.
std::string AsJson(const google::protobuf::Message& message);
// The same in one line.
std::string AsJsonLine(const google::protobuf::Message& message);

// Writes what is to be shown. Fails, and writes nothing, if it is JSON of what
// JSON cannot say.
absl::Status WriteAnswer(std::string_view text, std::ostream& out);

// As in 2027-01-31T00:00:00Z.
std::string TimeText(const google::protobuf::Timestamp& time);

// An enum value's name in lower case, without the prefix.
std::string ValueText(const std::string& name, std::string_view prefix);

// What a cell of a table has in place of nothing.
std::string OrDash(const std::string& text);

}  // namespace gateway

#endif  // CLIENTS_CLI_ANSWER_TEXT_H_
