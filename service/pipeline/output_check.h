// OutputCheck knows what form a call's answer must have, and checks the answer
// by it once that is complete: whole, or gathered from a stream's events.
//
//   GATEWAY_RETURN_IF_ERROR(check.Expect(request, schemas, false));
//   check.Add(response);              // Or each event of a stream.
//   if (!check.ValidateBriefly()) co_await check.ValidateOffLoop();
//   check.Describe(&response);         // output_valid, output_errors
//   GATEWAY_RETURN_IF_ERROR(check.Result());
//
// All choices must be as asked. One that calls tools has not answered yet and
// is not checked; one that was refused, filtered or cut off is not valid,
// whatever its text.
//
// Thread contract: one call, by one thread at a time; may run off the loop.

#ifndef SERVICE_PIPELINE_OUTPUT_CHECK_H_
#define SERVICE_PIPELINE_OUTPUT_CHECK_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/schema/json_schema.h"
#include "providers/schema/schema_cache.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

class OutputCheck {
 public:
  // Longer answers are not checked, and count as not valid.
  static constexpr size_t kTextBytesMax = 4 * 1024 * 1024;
  // How many errors a fault tells, and how much of each.
  static constexpr size_t kFaultErrorsMax = 5;
  static constexpr size_t kFaultErrorBytesMax = 200;

  // Takes what `request` asks for; `strict` asks for strict_output besides.
  // INVALID_REQUEST names `response_format.schema` and the place within.
  absl::Status Expect(const v1::GenerateRequest& request, SchemaCache& schemas,
                      bool strict);

  // How much work that may be, for OffLoop: the schema may have to be compiled.
  static size_t BytesToExpect(const v1::GenerateRequest& request,
                              const SchemaCache& schemas);

  // There is something to check answers by.
  bool asked() const { return schema_ != nullptr; }

  // Gather what the answer says. Both do nothing unless asked().
  void Add(const v1::GenerateResponse& response);
  void Add(const v1::GenerateEvent& event);

  // How many bytes of the answer are held, about.
  size_t held_bytes() const { return held_bytes_; }

  // Checks what was added, however long that takes: some 100 ms at worst.
  void Validate() { ValidateWithin(JsonSchema::kStepsMax); }
  // Does so if it takes no more than a millisecond or two, as it nearly always
  // does. False if nothing is checked yet.
  bool ValidateBriefly();

  // The same as Validate, off the loop. To be awaited on it.
  Task<bool> ValidateOffLoop();

  // The answer was checked.
  bool validated() const { return validated_; }
  // And is as it was asked for. REQUIRES: validated().
  bool valid() const { return errors_.empty(); }
  // Fills in output_valid and output_errors, if the answer was checked.
  template <typename Message>
  void Describe(Message* message) const {
    if (!validated_) return;
    message->set_output_valid(valid());
    for (const std::string& error : errors_) message->add_output_errors(error);
  }

  // RESPONSE_VALIDATION with the first errors, if the answer was to be strictly
  // valid and is not.
  absl::Status Result() const;

 private:
  // What of a choice matters.
  struct Answer {
    std::string text;
    bool refused = false;
    bool too_long = false;
    v1::FinishReason finish_reason = v1::FINISH_REASON_UNSPECIFIED;

    // Returns how much longer the text is then.
    size_t Append(std::string_view piece);
  };

  // Steps for all choices of the call. False if they did not suffice.
  bool ValidateWithin(size_t steps);
  std::vector<std::string> ErrorsOf(const Answer& answer,
                                    JsonSchema::Budget& budget) const;

  std::shared_ptr<const JsonSchema> schema_;
  bool strict_ = false;
  std::map<int, Answer> answers_;  // By choice.
  size_t held_bytes_ = 0;          // Of a stream.
  bool validated_ = false;
  std::vector<std::string> errors_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_OUTPUT_CHECK_H_
