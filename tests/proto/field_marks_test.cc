#include "proto/field_marks.h"

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/metrics.pb.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::testing::IsEmpty;

// The contract's messages, those within others included.
void CollectMessages(const Descriptor& type,
                     std::vector<const Descriptor*>* messages) {
  if (type.options().map_entry()) return;
  messages->push_back(&type);
  for (int i = 0; i < type.nested_type_count(); ++i) {
    CollectMessages(*type.nested_type(i), messages);
  }
}

std::vector<const Descriptor*> ContractMessages() {
  std::vector<const Descriptor*> messages;
  for (const FileDescriptor* file :
       {llmgateway::v1::GenerateRequest::descriptor()->file(),
        llmgateway::v1::Message::descriptor()->file(),
        llmgateway::v1::GetConfigRequest::descriptor()->file(),
        llmgateway::v1::RequestRecord::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      CollectMessages(*file->message_type(i), &messages);
    }
  }
  return messages;
}

// Of these, nothing may be shown unasked; what they are made of need not say so
// again.
const std::set<std::string>& ContentTypes() {
  static const auto& types = *new std::set<std::string>{
      "Choice",    "Delta",   "EmbedInput",     "Embedding",
      "Extension", "Message", "ResponseFormat", "Tool"};
  return types;
}

bool IsPartOfContent(const Descriptor& type) {
  return ContentTypes().contains(type.name()) || type.name() == "Part";
}

TEST(FieldMarksTest, WhateverHoldsAPromptOrAnAnswerSaysSo) {
  std::vector<std::string> unmarked;
  for (const Descriptor* type : ContractMessages()) {
    if (IsPartOfContent(*type)) continue;
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor& field = *type->field(i);
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!ContentTypes().contains(field.message_type()->name())) continue;
      if (SensitivityOf(field) != Sensitivity::SENSITIVITY_CONTENT) {
        unmarked.push_back(field.full_name());
      }
    }
  }
  EXPECT_THAT(unmarked, IsEmpty());
  EXPECT_EQ(SensitivityOf(
                *llmgateway::v1::Message::descriptor()->FindFieldByName(
                    "parts")),
            Sensitivity::SENSITIVITY_CONTENT);
  EXPECT_EQ(SensitivityOf(
                *llmgateway::v1::GenerateRequest::descriptor()->FindFieldByName(
                    "model")),
            Sensitivity::SENSITIVITY_UNSPECIFIED);
}

// Requests are only looked at where they begin (service/pipeline/
// served_check.h); a mark further inside would be obeyed by nobody.
TEST(FieldMarksTest, OnlyTheRequestItselfHasFieldsThatAreNotServed) {
  const Descriptor& request = *llmgateway::v1::GenerateRequest::descriptor();
  std::vector<std::string> elsewhere;
  for (const Descriptor* type : ContractMessages()) {
    // What is told of calls is no request.
    if (type == &request || type->name() == "RequestRecord") continue;
    for (int i = 0; i < type->field_count(); ++i) {
      if (IsServed(*type->field(i))) continue;
      elsewhere.push_back(type->field(i)->full_name());
    }
  }
  EXPECT_THAT(elsewhere, IsEmpty());
  EXPECT_TRUE(IsServed(*request.FindFieldByName("messages")));
}

}  // namespace
}  // namespace gateway
