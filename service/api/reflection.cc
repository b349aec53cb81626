#include "service/api/reflection.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
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

// The most that all answers in one turn of a loop may have, and what the
// smallest of them counts.
constexpr size_t kAnswerBytesPerTurn = 256 * 1024;
constexpr size_t kAnswerBytesMin = 1024;

// Counts how much of this turn has been used; one for each thread, and so for
// each loop.
class TurnShare {
 public:
  static TurnShare& OfThisThread() {
    thread_local TurnShare share;
    return share;
  }

  bool spent(const EventLoop& loop) {
    if (std::exchange(turn_, loop.turn()) != loop.turn()) bytes_ = 0;
    return bytes_ >= kAnswerBytesPerTurn;
  }
  void Spend(size_t bytes) { bytes_ += std::max(bytes, kAnswerBytesMin); }

 private:
  uint64_t turn_ = 0;
  size_t bytes_ = 0;
};

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

template <typename Response>
void SetError(const absl::Status& status, Response& response) {
  auto* const error = response.mutable_error_response();
  error->set_error_code(static_cast<int>(status.code()));
  error->set_error_message(std::string(status.message()));
}

// Removes the first name from a path such as `Outer.Inner.field`, and returns
// it.
std::string TakeName(std::string_view* path) {
  const size_t dot = std::min(path->find('.'), path->size());
  std::string name(path->substr(0, dot));
  path->remove_prefix(std::min(dot + 1, path->size()));
  return name;
}

// Returns what is left of a full name behind the file's package; null if it is
// of another package.
std::optional<std::string_view> Within(const FileDescriptor& file,
                                       std::string_view name) {
  const std::string& package = file.package();
  if (name.ends_with('.')) return std::nullopt;
  if (package.empty()) return name;
  if (!name.starts_with(package) || name.size() <= package.size() ||
      name[package.size()] != '.') {
    return std::nullopt;
  }
  return name.substr(package.size() + 1);
}

// Returns the message that `path` leads to from `message`; null if there is
// none.
const Descriptor* Nested(const Descriptor* message, std::string_view path) {
  while (message != nullptr && !path.empty()) {
    message = message->FindNestedTypeByName(TakeName(&path));
  }
  return message;
}

const Descriptor* MessageIn(const FileDescriptor& file,
                            std::string_view name) {
  std::optional<std::string_view> path = Within(file, name);
  if (!path.has_value() || path->empty()) return nullptr;
  const Descriptor* const outer = file.FindMessageTypeByName(TakeName(&*path));
  return Nested(outer, *path);
}

// Returns whether a message has a member of that name other than a message.
bool HasMember(const Descriptor& message, const std::string& name) {
  return message.FindFieldByName(name) != nullptr ||
         message.FindOneofByName(name) != nullptr ||
         message.FindEnumTypeByName(name) != nullptr ||
         message.FindEnumValueByName(name) != nullptr ||
         message.FindExtensionByName(name) != nullptr;
}

// As above, for a file or one of its services.
bool HasMember(const FileDescriptor& file, const std::string& name) {
  return file.FindServiceByName(name) != nullptr ||
         file.FindEnumTypeByName(name) != nullptr ||
         file.FindEnumValueByName(name) != nullptr ||
         file.FindExtensionByName(name) != nullptr;
}

bool Declares(const FileDescriptor& file, std::string_view symbol) {
  if (MessageIn(file, symbol) != nullptr) return true;
  const std::optional<std::string_view> path = Within(file, symbol);
  if (!path.has_value() || path->empty()) return false;
  const size_t dot = path->rfind('.');
  if (dot == std::string_view::npos) {
    return HasMember(file, std::string(*path));
  }
  const std::string member(path->substr(dot + 1));
  const std::string outer(path->substr(0, dot));
  const ServiceDescriptor* const service = file.FindServiceByName(outer);
  if (service != nullptr) return service->FindMethodByName(member) != nullptr;
  const Descriptor* const message =
      MessageIn(file, symbol.substr(0, symbol.rfind('.')));
  return message != nullptr && HasMember(*message, member);
}

absl::Status NotServed(std::string_view what) {
  return absl::NotFoundError(absl::StrCat("not found: ", ToAbsl(what)));
}

}  // namespace

void ReflectionService::AddTo(MethodTable& table) {
  namespace v1 = ::grpc::reflection::v1;
  namespace v1alpha = ::grpc::reflection::v1alpha;
  table
      .AddBidiStream<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(
          kReflectionService, "ServerReflectionInfo",
          [this](CallContext& call, MessageReader& reader,
                 MessageWriter& writer) {
            return Answer<v1::ServerReflectionRequest,
                          v1::ServerReflectionResponse>(call, reader, writer);
          });
  table.AddBidiStream<v1alpha::ServerReflectionRequest,
                      v1alpha::ServerReflectionResponse>(
      kAlphaService, "ServerReflectionInfo",
      [this](CallContext& call, MessageReader& reader, MessageWriter& writer) {
        return Answer<v1alpha::ServerReflectionRequest,
                      v1alpha::ServerReflectionResponse>(call, reader, writer);
      });
  for (const std::string_view service : {kReflectionService, kAlphaService}) {
    table.MakePublic(service);
    table.KeepWhileDraining(service);
  }
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
  // Served, too, since tools that print a failure's details look these types
  // up.
  const google::protobuf::Descriptor* const info =
      Pool().FindMessageTypeByName("google.rpc.ErrorInfo");
  if (info != nullptr) AddFile(info->file());
}

void ReflectionService::AddFile(File file) {
  const auto [entry, added] = files_.try_emplace(file);
  if (!added) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  proto.SerializeToString(&entry->second);
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFile(file->dependency(i));
  }
}

template <typename Response>
void ReflectionService::AddFiles(File file, bool asked_for,
                                 std::set<File>& sent,
                                 Response& response) const {
  if (!sent.insert(file).second && !asked_for) return;
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(
      files_.find(file)->second);
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFiles(file->dependency(i), false, sent, response);
  }
}

template <typename Request, typename Response>
auto ReflectionService::WriteAnswer(const Request& request,
                                    std::set<File>& sent,
                                    MessageWriter& writer) const {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  AnswerOne(request, sent, response);
  TurnShare::OfThisThread().Spend(response.ByteSizeLong());
  return writer.Write(response);
}

template <typename Request, typename Response>
Task<absl::Status> ReflectionService::Answer(CallContext& call,
                                             MessageReader& reader,
                                             MessageWriter& writer) const {
  std::set<File> sent;
  Request request;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    while (!call.cancel().cancelled() &&
           TurnShare::OfThisThread().spent(call.loop())) {
      co_await YieldToLoop();
    }
    auto write = WriteAnswer<Request, Response>(request, sent, writer);
    const bool written = co_await write;
    if (!written) break;
  }
  co_return call.cancel().status();
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

absl::StatusOr<ReflectionService::File> ReflectionService::FindFile(
    const std::string& name) const {
  for (const auto& [file, bytes] : files_) {
    if (file->name() == name) return file;
  }
  return NotServed(name);
}

absl::StatusOr<ReflectionService::File> ReflectionService::FindSymbol(
    const std::string& symbol) const {
  for (const auto& [file, bytes] : files_) {
    if (Declares(*file, symbol)) return file;
  }
  return NotServed(symbol);
}

const Descriptor* ReflectionService::FindMessage(
    const std::string& name) const {
  for (const auto& [file, bytes] : files_) {
    const Descriptor* const found = MessageIn(*file, name);
    if (found != nullptr) return found;
  }
  return nullptr;
}

absl::StatusOr<ReflectionService::File> ReflectionService::FindExtension(
    const std::string& type, int number) const {
  const Descriptor* const extended = FindMessage(type);
  const FieldDescriptor* const extension =
      extended == nullptr ? nullptr
                          : Pool().FindExtensionByNumber(extended, number);
  if (extension == nullptr || files_.count(extension->file()) == 0) {
    return NotServed(absl::StrCat("extension ", number, " of ", type));
  }
  return extension->file();
}

absl::StatusOr<std::vector<int>> ReflectionService::ExtensionNumbers(
    const std::string& type) const {
  const Descriptor* const extended = FindMessage(type);
  if (extended == nullptr) return NotServed(type);
  std::vector<const FieldDescriptor*> extensions;
  Pool().FindAllExtensions(extended, &extensions);
  std::vector<int> numbers;
  for (const FieldDescriptor* const extension : extensions) {
    if (files_.count(extension->file()) > 0) {
      numbers.push_back(extension->number());
    }
  }
  return numbers;
}

}  // namespace gateway
