#include "service/api/reflection.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::ServiceDescriptor;

constexpr std::string_view kReflectionService =
    "grpc.reflection.v1.ServerReflection";
constexpr std::string_view kAlphaService =
    "grpc.reflection.v1alpha.ServerReflection";

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

// The file asked for, then those of its imports that were not sent before.
template <typename Response>
void AddFiles(const FileDescriptor* file, bool asked_for,
              std::set<const FileDescriptor*>& sent, Response& response) {
  if (!sent.insert(file).second && !asked_for) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  proto.SerializeToString(response.mutable_file_descriptor_response()
                              ->add_file_descriptor_proto());
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFiles(file->dependency(i), false, sent, response);
  }
}

template <typename Response>
void SetError(const absl::Status& status, Response& response) {
  auto* const error = response.mutable_error_response();
  error->set_error_code(static_cast<int>(status.code()));
  error->set_error_message(std::string(status.message()));
}

}  // namespace

void ReflectionService::AddTo(MethodTable& table) {
  namespace now = ::grpc::reflection::v1;
  namespace then = ::grpc::reflection::v1alpha;
  table.AddBidiStream<now::ServerReflectionRequest,
                      now::ServerReflectionResponse>(
      kReflectionService, "ServerReflectionInfo",
      [this](CallContext&, MessageReader& reader, MessageWriter& writer) {
        return Answer<now::ServerReflectionRequest,
                      now::ServerReflectionResponse>(reader, writer);
      });
  table.AddBidiStream<then::ServerReflectionRequest,
                      then::ServerReflectionResponse>(
      kAlphaService, "ServerReflectionInfo",
      [this](CallContext&, MessageReader& reader, MessageWriter& writer) {
        return Answer<then::ServerReflectionRequest,
                      then::ServerReflectionResponse>(reader, writer);
      });
  table.KeepWhileDraining(kReflectionService);
  table.KeepWhileDraining(kAlphaService);
  for (const std::string& service : table.services()) AddService(service);
  AddStatusDetails();
}

void ReflectionService::AddService(std::string_view service) {
  const ServiceDescriptor* const descriptor =
      Pool().FindServiceByName(std::string(service));
  if (descriptor == nullptr) return;
  services_.emplace(service);
  AddFile(descriptor->file());
}

void ReflectionService::AddStatusDetails() {
  // Tools that print a failure's details look their types up.
  const google::protobuf::Descriptor* const info =
      Pool().FindMessageTypeByName("google.rpc.ErrorInfo");
  if (info != nullptr) AddFile(info->file());
}

void ReflectionService::AddFile(File file) {
  if (!files_.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFile(file->dependency(i));
  }
}

template <typename Request, typename Response>
Task<absl::Status> ReflectionService::Answer(MessageReader& reader,
                                             MessageWriter& writer) {
  std::set<File> sent;
  Request request;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    AnswerOne(request, sent, response);
    const bool written = co_await writer.Write(response);
    if (!written) break;
  }
  co_return absl::OkStatus();
}

template <typename Request, typename Response>
void ReflectionService::AnswerOne(const Request& request, std::set<File>& sent,
                                  Response& response) const {
  absl::StatusOr<File> file = nullptr;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      file = FindFile(request.file_by_filename());
      break;
    case Request::kFileContainingSymbol:
      file = FindSymbol(request.file_containing_symbol());
      break;
    case Request::kFileContainingExtension:
      file = FindExtension(
          request.file_containing_extension().containing_type(),
          request.file_containing_extension().extension_number());
      break;
    case Request::kAllExtensionNumbersOfType: {
      const std::string& type = request.all_extension_numbers_of_type();
      const absl::StatusOr<std::vector<int>> numbers = ExtensionNumbers(type);
      if (!numbers.ok()) return SetError(numbers.status(), response);
      auto* const answer = response.mutable_all_extension_numbers_response();
      answer->set_base_type_name(type);
      for (const int number : *numbers) answer->add_extension_number(number);
      return;
    }
    case Request::kListServices:
      for (const std::string& service : services_) {
        response.mutable_list_services_response()->add_service()->set_name(
            service);
      }
      return;
    default:
      file = absl::InvalidArgumentError("no question was asked");
  }
  if (!file.ok()) return SetError(file.status(), response);
  AddFiles(*file, true, sent, response);
}

absl::StatusOr<ReflectionService::File> ReflectionService::Served(
    File file, std::string_view what) const {
  if (file == nullptr || files_.find(file) == files_.end()) {
    return absl::NotFoundError(absl::StrCat("not found: ", ToAbsl(what)));
  }
  return file;
}

absl::StatusOr<ReflectionService::File> ReflectionService::FindFile(
    const std::string& name) const {
  return Served(Pool().FindFileByName(name), name);
}

absl::StatusOr<ReflectionService::File> ReflectionService::FindSymbol(
    const std::string& symbol) const {
  return Served(Pool().FindFileContainingSymbol(symbol), symbol);
}

absl::StatusOr<ReflectionService::File> ReflectionService::FindExtension(
    const std::string& type, int number) const {
  const Descriptor* const extended = Pool().FindMessageTypeByName(type);
  const FieldDescriptor* const extension =
      extended == nullptr ? nullptr
                          : Pool().FindExtensionByNumber(extended, number);
  return Served(extension == nullptr ? nullptr : extension->file(),
                absl::StrCat("extension ", number, " of ", type));
}

absl::StatusOr<std::vector<int>> ReflectionService::ExtensionNumbers(
    const std::string& type) const {
  const Descriptor* const extended = Pool().FindMessageTypeByName(type);
  const absl::StatusOr<File> file =
      Served(extended == nullptr ? nullptr : extended->file(), type);
  if (!file.ok()) return file.status();
  std::vector<const FieldDescriptor*> extensions;
  Pool().FindAllExtensions(extended, &extensions);
  std::vector<int> numbers;
  for (const FieldDescriptor* const extension : extensions) {
    if (files_.find(extension->file()) != files_.end()) {
      numbers.push_back(extension->number());
    }
  }
  return numbers;
}

}  // namespace gateway
