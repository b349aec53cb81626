#include "service/api/reflection.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/testing/echo/echo.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
namespace alpha = ::grpc::reflection::v1alpha;
using ::grpc::reflection::v1::ServerReflectionRequest;
using ::grpc::reflection::v1::ServerReflectionResponse;

class ReflectionServiceTest : public testing::Test {
 protected:
  ReflectionServiceTest() {
    table_.AddService("llmgateway.testing.v1.EchoService");
    reflection_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  template <typename Request, typename Response>
  std::vector<Response> AskAs(const std::string& package,
                              std::vector<Request> questions) {
    ScriptedReader<Request> reader(std::move(questions));
    KeepingWriter<Response> writer;
    const HandlerArguments arguments = {.reader = &reader, .writer = &writer};
    const Method* const method = table_.Find(
        "/" + package + ".ServerReflection/ServerReflectionInfo");
    absl::Status status = absl::UnknownError("has not ended");
    Spawn([](const Method& method, CallContext& call,
             const HandlerArguments& arguments,
             absl::Status& status) -> Task<void> {
      status = co_await method.Run(call, arguments);
    }(*method, call_, arguments, status));
    EXPECT_TRUE(status.ok()) << status;
    return writer.written();
  }

  std::vector<ServerReflectionResponse> Ask(
      std::vector<ServerReflectionRequest> questions) {
    return AskAs<ServerReflectionRequest, ServerReflectionResponse>(
        "grpc.reflection.v1", std::move(questions));
  }

  static ServerReflectionRequest Symbol(const std::string& name) {
    ServerReflectionRequest request;
    request.set_file_containing_symbol(name);
    return request;
  }

  static std::vector<std::string> Files(const ServerReflectionResponse& from) {
    std::vector<std::string> names;
    for (const std::string& bytes :
         from.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  CallContext call_{*loop_, {}};
  MethodTable table_;
  ReflectionService reflection_;
};

TEST_F(ReflectionServiceTest, ListsTheTablesServices) {
  ServerReflectionRequest question;
  question.set_host("here");
  question.set_list_services("*");
  const auto answers = Ask({question});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].valid_host(), "here");
  EXPECT_EQ(answers[0].original_request().list_services(), "*");
  std::vector<std::string> names;
  for (const auto& service : answers[0].list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names,
              ElementsAre("grpc.reflection.v1.ServerReflection",
                          "grpc.reflection.v1alpha.ServerReflection",
                          "llmgateway.testing.v1.EchoService"));
}

TEST_F(ReflectionServiceTest, FindsFilesByNameAndBySymbol) {
  ServerReflectionRequest by_name;
  by_name.set_file_by_filename("tests/testing/echo/echo.proto");
  for (const auto& question :
       {by_name, Symbol("llmgateway.testing.v1.EchoService"),
        Symbol("llmgateway.testing.v1.EchoService.Echo"),
        Symbol("llmgateway.testing.v1.EchoRequest.text")}) {
    EXPECT_THAT(Files(Ask({question}).at(0)),
                ElementsAre("tests/testing/echo/echo.proto"));
  }
}

TEST_F(ReflectionServiceTest, AnswersWhatIsAskedAgain) {
  const auto answers = Ask({Symbol("llmgateway.testing.v1.EchoRequest"),
                            Symbol("llmgateway.testing.v1.EchoResponse")});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(Files(answers[0]), Files(answers[1]));
}

TEST_F(ReflectionServiceTest, TellsNothingOfWhatIsNotServed) {
  const auto answers =
      Ask({Symbol("google.protobuf.FileDescriptorProto"), Symbol("no.such"),
           ServerReflectionRequest(),
           Symbol("grpc.reflection.v1.ErrorResponse")});
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0].error_response().error_code(), 5);
  EXPECT_EQ(answers[1].error_response().error_code(), 5);
  EXPECT_EQ(answers[1].error_response().error_message(), "not found: no.such");
  EXPECT_EQ(answers[2].error_response().error_code(), 3);
  EXPECT_THAT(Files(answers[3]),
              ElementsAre("grpc/reflection/v1/reflection.proto"));
}

TEST_F(ReflectionServiceTest, FindsWhateverAFileDeclares) {
  for (const char* symbol :
       {"grpc.reflection.v1.ErrorResponse.error_code",
        "grpc.reflection.v1.ServerReflectionRequest.message_request",
        "grpc.reflection.v1.ServerReflection.ServerReflectionInfo"}) {
    EXPECT_THAT(Files(Ask({Symbol(symbol)}).at(0)),
                ElementsAre("grpc/reflection/v1/reflection.proto"))
        << symbol;
  }
  for (const char* symbol :
       {"", ".", "grpc", "grpc.reflection.v1", "grpc.reflection.v1.",
        "grpc.reflection.v1.ErrorResponse.",
        "grpc.reflection.v1.ErrorResponse.x",
        "grpc.reflection.v1.ErrorResponse.error_code.x",
        "grpc.reflection.v1.ServerReflection.x", "ErrorResponse"}) {
    EXPECT_EQ(Ask({Symbol(symbol)}).at(0).error_response().error_code(), 5)
        << symbol;
  }
}

TEST_F(ReflectionServiceTest, KnowsThatAMessageHasNoExtensions) {
  ServerReflectionRequest numbers;
  numbers.set_all_extension_numbers_of_type(
      "llmgateway.testing.v1.EchoRequest");
  ServerReflectionRequest extension;
  extension.mutable_file_containing_extension()->set_containing_type(
      "llmgateway.testing.v1.EchoRequest");
  extension.mutable_file_containing_extension()->set_extension_number(7);
  const auto answers = Ask({numbers, extension});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].all_extension_numbers_response().base_type_name(),
            "llmgateway.testing.v1.EchoRequest");
  EXPECT_EQ(
      answers[0].all_extension_numbers_response().extension_number_size(), 0);
  EXPECT_EQ(answers[1].error_response().error_code(), 5);
}

TEST_F(ReflectionServiceTest, AnswersTheAlphaAlike) {
  ServerReflectionRequest question =
      Symbol("llmgateway.testing.v1.EchoService");
  alpha::ServerReflectionRequest old_question;
  ASSERT_TRUE(old_question.ParseFromString(question.SerializeAsString()));
  const auto old_answers =
      AskAs<alpha::ServerReflectionRequest, alpha::ServerReflectionResponse>(
          "grpc.reflection.v1alpha", {old_question});
  ASSERT_EQ(old_answers.size(), 1u);
  EXPECT_EQ(old_answers[0].SerializeAsString(),
            Ask({question}).at(0).SerializeAsString());
}

}  // namespace
}  // namespace gateway
