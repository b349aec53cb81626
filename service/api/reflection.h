// ReflectionService tells tools such as grpcurl what a server serves:
// grpc.reflection.v1 and its forerunner v1alpha, for whichever engine serves
// the table.
//
//   ReflectionService reflection;
//   reflection.AddTo(table);  // After all other services.
//
// It tells of the table's services, the files that declare them, the files that
// those import, and the types of error details; of nothing else that happens to
// be linked. Whoever asks need not say who they are, so that answers are made
// of what is at hand: files are serialized once, and names are looked for in
// them alone. (The linked pool of descriptors keeps each name that it was asked
// for in vain.) What one turn of a loop may be spent on answers is bounded.
//
// Thread contract: AddTo by the thread that fills the table. Calls run on
// their loops and only read.

#ifndef SERVICE_API_REFLECTION_H_
#define SERVICE_API_REFLECTION_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "google/protobuf/descriptor.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"

namespace gateway {

class ReflectionService {
 public:
  ReflectionService() = default;

  ReflectionService(const ReflectionService&) = delete;
  ReflectionService& operator=(const ReflectionService&) = delete;

  // Adds the handlers, and learns what the table serves. Must outlive the
  // table's calls.
  void AddTo(MethodTable& table);

  // Adds a service that is served beside the table, if the linked contract has
  // it.
  void AddService(std::string_view service);

 private:
  using File = const google::protobuf::FileDescriptor*;

  template <typename Request, typename Response>
  Task<absl::Status> Answer(CallContext& call, MessageReader& reader,
                            MessageWriter& writer) const;
  // Begins to write `answer`, which may be destroyed when this returns.
  template <typename Request, typename Response>
  auto WriteAnswer(const Request& request, std::set<File>& sent,
                   MessageWriter& writer) const;
  template <typename Request, typename Response>
  void AnswerOne(const Request& request, std::set<File>& sent,
                 Response& response) const;

  // Adds the file asked for, then those of its imports that were not sent
  // before.
  template <typename Response>
  void AddFiles(File file, bool asked_for, std::set<File>& sent,
                Response& response) const;
  void AddFile(File file);
  void AddStatusDetails();

  // Returns NOT_FOUND for what does not exist, or is not served.
  absl::StatusOr<File> FindFile(const std::string& name) const;
  absl::StatusOr<File> FindSymbol(const std::string& symbol) const;
  absl::StatusOr<File> FindExtension(const std::string& type,
                                     int number) const;
  absl::StatusOr<std::vector<int>> ExtensionNumbers(
      const std::string& type) const;
  // Returns null if no file that is served declares it.
  const google::protobuf::Descriptor* FindMessage(
      const std::string& name) const;

  std::set<std::string, std::less<>> services_;
  std::map<File, std::string> files_;  // Serialized.
};

}  // namespace gateway

#endif  // SERVICE_API_REFLECTION_H_
