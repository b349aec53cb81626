// AnswerFolding folds the events of a stream into the answer that they make up.
//
//   AnswerFolding folding;
//   for (const v1::GenerateEvent& event : batch.events) folding.Add(event);
//   v1::GenerateResponse response = folding.Finish();
//
// Not thread-safe.

#ifndef SERVICE_PIPELINE_ANSWER_FOLDING_H_
#define SERVICE_PIPELINE_ANSWER_FOLDING_H_

#include <cstdint>
#include <map>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

class AnswerFolding {
 public:
  void Add(const v1::GenerateEvent& event);

  // How many bytes the answer so far has, about.
  int64_t size_bytes() const { return size_bytes_; }

  // The answer so far, which this gives away.
  v1::GenerateResponse Finish();

 private:
  // One of the answers, its parts by their place.
  struct Answer {
    v1::Choice choice;
    std::map<int, v1::Part> parts;
  };

  Answer& AnswerAt(int choice_index);
  void AddDelta(const v1::Delta& delta);

  v1::GenerateResponse response_;
  std::map<int, Answer> answers_;  // By choice.
  int64_t size_bytes_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ANSWER_FOLDING_H_
