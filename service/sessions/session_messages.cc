#include "service/sessions/session_messages.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

int CountInstructions(const SessionMessages& messages) {
  int count = 0;
  while (count < messages.size() &&
         (messages[count].role() == v1::ROLE_SYSTEM ||
          messages[count].role() == v1::ROLE_DEVELOPER)) {
    ++count;
  }
  return count;
}

void ContinueMessages(const SessionMessages& said, SessionMessages* messages) {
  if (CountInstructions(said) == 0) return messages->MergeFrom(said);
  SessionMessages whole;
  const int own = CountInstructions(said);
  for (int i = 0; i < own; ++i) *whole.Add() = said[i];
  for (int i = CountInstructions(*messages); i < messages->size(); ++i) {
    whole.Add()->Swap(messages->Mutable(i));
  }
  for (int i = own; i < said.size(); ++i) *whole.Add() = said[i];
  messages->Swap(&whole);
}

}  // namespace gateway
