#include "tests/testing/postgres_server.h"

#include <fcntl.h>
#include <postgresql/libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/string_view.h"
#include "tests/testing/raw_client.h"

extern char** environ;

namespace gateway {
namespace {

constexpr int kPostgresPortsMax = 5;
// Who is nobody, on each Linux.
constexpr uid_t kNobody = 65534;
constexpr std::string_view kReady =
    "database system is ready to accept connections";

[[noreturn]] void DieOfPostgres(std::string_view what) {
  fprintf(stderr, "PostgresServer: %.*s\n", static_cast<int>(what.size()),
          what.data());
  std::abort();
}

// Debian has the programs of each version in a folder of its own.
std::string FindPrograms() {
  std::string found;
  std::error_code ignored;
  for (const auto& version :
       std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string programs = version.path().string() + "/bin";
    if (std::filesystem::exists(programs + "/initdb")) {
      found = std::max(found, programs);
    }
  }
  if (found.empty()) DieOfPostgres("Debian's postgresql is not installed");
  return found;
}

// A folder whose parents everybody may enter.
std::string NewPostgresDirectory() {
  std::string pattern = "/tmp/postgres.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) DieOfPostgres("mkdtemp");
  return pattern;
}

// Starts a program whose output the returned descriptor has.
int StartProgram(std::vector<std::string> command, pid_t* pid) {
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) DieOfPostgres("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  const int failure =
      posix_spawn(pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_fds[1]);
  if (failure != 0) DieOfPostgres(absl::StrCat(command[0], " cannot be run"));
  return pipe_fds[0];
}

// Reads until `text` is there, or to the end.
std::string ReadOutputUntil(int fd, std::string_view text) {
  std::string output;
  char buffer[4096];
  while (output.find(text) == std::string::npos) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    output.append(buffer, static_cast<size_t>(n));
  }
  return output;
}

void AwaitEnd(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

PostgresServer::PostgresServer()
    : programs_(FindPrograms()),
      directory_(NewPostgresDirectory()),
      // In a sandbox nobody else may be there, but by another name.
      may_change_user_(geteuid() == 0 &&
                       chown(directory_.c_str(), kNobody, kNobody) == 0) {
  MakeCluster();
  for (int i = 0; i < kPostgresPortsMax; ++i) {
    port_ = RawListener().port();
    if (Start()) {
      Ask("CREATE ROLE reader LOGIN PASSWORD 'open-sesame'");
      return;
    }
  }
  DieOfPostgres("no port is free");
}

PostgresServer::~PostgresServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> PostgresServer::AsUser(
    std::vector<std::string> command) const {
  const std::string nobody = absl::StrCat(kNobody);
  std::vector<std::string> all;
  if (may_change_user_) {
    all = {"/usr/bin/setpriv", "--reuid", nobody, "--regid", nobody,
           "--clear-groups",   "--"};
  } else if (geteuid() == 0) {
    all = {"/usr/bin/unshare", "--user", absl::StrCat("--map-user=", nobody),
           absl::StrCat("--map-group=", nobody), "--"};
  }
  // However this process ends, the server does, too.
  all.insert(all.end(), {"/usr/bin/setpriv", "--pdeathsig", "QUIT", "--"});
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

void PostgresServer::MakeCluster() {
  pid_t pid = 0;
  const int fd = StartProgram(
      AsUser({programs_ + "/initdb", "-D", directory_ + "/data", "-U",
              "gateway", "--auth", "trust", "--no-sync", "--no-instructions",
              "--encoding", "UTF8", "--locale", "C"}),
      &pid);
  const std::string output = ReadOutputUntil(fd, "Success.");
  close(fd);
  AwaitEnd(pid);
  const std::string rights = directory_ + "/data/pg_hba.conf";
  if (!std::filesystem::exists(rights)) DieOfPostgres(output);
  std::ofstream(rights) << "host all reader 127.0.0.1/32 scram-sha-256\n"
                           "host all all 127.0.0.1/32 trust\n";
}

bool PostgresServer::Start() {
  const int fd = StartProgram(
      AsUser({programs_ + "/postgres", "-D", directory_ + "/data", "-p",
              absl::StrCat(port_), "-c", "listen_addresses=127.0.0.1", "-c",
              "unix_socket_directories=", "-c", "fsync=off", "-c",
              "max_connections=50", "-c", "log_min_messages=warning"}),
      &pid_);
  const std::string output = ReadOutputUntil(fd, kReady);
  if (output.find(kReady) == std::string::npos) {
    close(fd);
    AwaitEnd(pid_);
    pid_ = 0;
    if (output.find("could not bind") != std::string::npos) return false;
    DieOfPostgres(output);
  }
  // What else it says is of no use, but must go somewhere.
  draining_ = std::make_unique<Thread>("postgres", [fd] {
    ReadOutputUntil(fd, "there is no such line");
    close(fd);
  });
  return true;
}

std::string PostgresServer::conninfo() const {
  return absl::StrCat("host=127.0.0.1 port=", port_,
                      " dbname=postgres user=gateway");
}

std::string PostgresServer::Ask(const std::string& sql) {
  PGconn* const db = PQconnectdb(conninfo().c_str());
  PGresult* const result = PQexec(db, sql.c_str());
  std::string answer = PQresultErrorMessage(result);
  if (PQstatus(db) != CONNECTION_OK) answer = PQerrorMessage(db);
  for (int row = 0; row < PQntuples(result); ++row) {
    if (row > 0) answer.push_back('\n');
    for (int column = 0; column < PQnfields(result); ++column) {
      absl::StrAppend(&answer, column > 0 ? "|" : "",
                      PQgetvalue(result, row, column));
    }
  }
  PQclear(result);
  PQfinish(db);
  return answer;
}

void PostgresServer::AskUntil(const std::string& sql,
                              const std::string& answer) {
  constexpr absl::Duration kWaitMax = absl::Seconds(30);
  const absl::Duration until = SystemClock().SteadyTime() + kWaitMax;
  std::string last;
  while (SystemClock().SteadyTime() < until) {
    last = Ask(sql);
    if (last == answer) return;
  }
  DieOfPostgres(absl::StrCat(sql, " never returned ", answer, ", but ", last));
}

void PostgresServer::Kill() {
  if (pid_ == 0) return;
  // All of its processes end, and nothing is written any more.
  kill(pid_, SIGQUIT);
  AwaitEnd(pid_);
  pid_ = 0;
  draining_.reset();
}

void PostgresServer::Restart() {
  if (pid_ != 0) DieOfPostgres("it runs");
  if (!Start()) DieOfPostgres("its port was taken meanwhile");
}

}  // namespace gateway
