#include "base/postgres/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/os/clock.h"
#include "base/postgres/conninfo.h"
#include "base/postgres/system_roots.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

absl::Duration PostgresNow() { return SystemClock().SteadyTime(); }

// Notices are for people at a terminal.
void IgnoreNotice(void* /*unused*/, const PGresult* /*result*/) {}

// By the class of an SQLSTATE, and some of their own (PostgreSQL, appendix A).
absl::StatusCode CodeOf(std::string_view state) {
  constexpr std::string_view kPassing[] = {
      "08",     // Connections.
      "40",     // Serialization failures and deadlocks.
      "57P",    // The server ends or begins.
      "55P03",  // A lock was not free in time.
      "57014",  // A statement took too long.
      "25006",  // It can only be read: a standby, or a server out of room.
      "25P02",
  };
  for (const std::string_view passing : kPassing) {
    if (state.starts_with(passing)) return absl::StatusCode::kUnavailable;
  }
  // Too many connections pass; a full disk does not by itself.
  if (state == "53300") return absl::StatusCode::kUnavailable;
  if (state.starts_with("53") || state == "58030") {
    return absl::StatusCode::kResourceExhausted;
  }
  if (state.starts_with("28") || state == "42501") {
    return absl::StatusCode::kPermissionDenied;
  }
  if (state == "23505") return absl::StatusCode::kAlreadyExists;
  return absl::StatusCode::kInternal;
}

using Keywords = std::vector<std::pair<std::string, std::string>>;

// What each of several hosts is, where a list of them is given; otherwise one
// that says nothing.
std::vector<Keywords> HostsOf(const Keywords& given) {
  std::vector<Keywords> hosts(1);
  for (const std::string_view keyword : {"host", "hostaddr", "port"}) {
    for (const auto& [each, value] : given) {
      if (each != keyword) continue;
      const std::vector<std::string> parts = absl::StrSplit(value, ',');
      // One port may be for all of them.
      if (parts.size() > hosts.size()) hosts.resize(parts.size());
      for (size_t i = 0; i < hosts.size() && hosts.size() > 1; ++i) {
        const size_t part = parts.size() == 1 ? 0 : i;
        if (part < parts.size()) hosts[i].emplace_back(each, parts[part]);
      }
    }
  }
  return hosts;
}

}  // namespace

PostgresParameters& PostgresParameters::Int64(int64_t value) {
  return Text(absl::StrCat(value));
}

PostgresParameters& PostgresParameters::Text(std::string_view value) {
  const std::string& text = texts_.emplace_back(value);
  values_.push_back(text.c_str());
  lengths_.push_back(0);
  formats_.push_back(0);
  return *this;
}

PostgresParameters& PostgresParameters::Bytes(std::string_view value) {
  // No address is a null.
  values_.push_back(value.empty() ? "" : value.data());
  lengths_.push_back(static_cast<int>(value.size()));
  formats_.push_back(1);
  return *this;
}

int64_t PostgresResult::changed() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

int64_t PostgresResult::Int64(int row, int column) const {
  const std::string_view bytes = Bytes(row, column);
  assert(bytes.size() <= sizeof(int64_t));
  // In the network's order; the first bit is the sign's.
  uint64_t number = 0;
  const bool is_negative =
      bytes.size() > 1 && (static_cast<uint8_t>(bytes[0]) & 0x80u) != 0;
  if (is_negative) number = ~uint64_t{0};
  for (const char byte : bytes) {
    number = number << 8u | static_cast<uint8_t>(byte);
  }
  return static_cast<int64_t>(number);
}

std::string_view PostgresResult::Bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Connect(
    const Options& options, absl::Duration timeout) {
  GATEWAY_ASSIGN_OR_RETURN(const auto given, ReadConninfo(options.conninfo));
  const absl::Duration deadline = PostgresNow() + timeout;
  // libpq would wait for the first host until the time is over.
  const std::vector<Keywords> hosts = HostsOf(given);
  absl::Status failed;
  for (size_t i = 0; i < hosts.size(); ++i) {
    // The last one of a keyword counts.
    Keywords keywords = options.defaults;
    keywords.insert(keywords.end(), given.begin(), given.end());
    keywords.insert(keywords.end(), hosts[i].begin(), hosts[i].end());
    std::string roots = RootsFor(keywords);
    if (!roots.empty()) keywords.emplace_back("sslrootcert", std::move(roots));
    const auto left = static_cast<double>(hosts.size() - i);
    auto db = ConnectTo(keywords, options.password,
                        (deadline - PostgresNow()) / left);
    if (db.ok()) return db;
    // Of a server that is there, and does not let in, somebody is to be told.
    if (failed.ok() || absl::IsUnavailable(failed)) failed = db.status();
  }
  return failed;
}

absl::StatusOr<std::unique_ptr<PostgresConnection>>
PostgresConnection::ConnectTo(const Keywords& given, const Secret& secret,
                              absl::Duration timeout) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : given) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  const std::string password(secret.Reveal());
  if (!password.empty()) {
    keywords.push_back("password");
    values.push_back(password.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const connection =
      PQconnectStartParams(keywords.data(), values.data(), 0);
  if (connection == nullptr) {
    return absl::ResourceExhaustedError("there is no memory for a connection");
  }
  std::unique_ptr<PostgresConnection> db(
      new PostgresConnection(connection, secret));
  GATEWAY_RETURN_IF_ERROR(db->AwaitConnected(PostgresNow() + timeout));
  PQsetnonblocking(connection, 1);
  PQsetNoticeReceiver(connection, IgnoreNotice, nullptr);
  return db;
}

PostgresConnection::~PostgresConnection() { PQfinish(connection_); }

absl::Status PostgresConnection::AwaitConnected(absl::Duration deadline) {
  if (PQstatus(connection_) == CONNECTION_BAD) {
    return Broken("cannot be connected to");
  }
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) return Broken("cannot be connected to");
    GATEWAY_RETURN_IF_ERROR(Await(next == PGRES_POLLING_WRITING, deadline));
    next = PQconnectPoll(connection_);
  }
  return absl::OkStatus();
}

absl::Status PostgresConnection::Await(bool for_writing,
                                       absl::Duration deadline) {
  pollfd socket = {
      .fd = PQsocket(connection_),
      .events = static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN),
      .revents = 0};
  while (true) {
    const absl::Duration left = deadline - PostgresNow();
    const int64_t wait = std::max<int64_t>(
        0, absl::ToInt64Milliseconds(left + absl::Microseconds(999)));
    const int ready =
        poll(&socket, 1, static_cast<int>(std::min<int64_t>(wait, 1'000'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Broken("cannot be waited for");
    if (ready == 0 && PostgresNow() >= deadline) {
      is_broken_ = true;
      return absl::UnavailableError(
          absl::StrCat("PostgreSQL at ", place(), " has not answered in time"));
    }
  }
}

absl::Status PostgresConnection::Prepare(const char* sql,
                                         absl::Duration timeout) {
  if (prepared_.contains(sql)) return absl::OkStatus();
  // Of one that failed the server may have the name all the same.
  const std::string name = absl::StrCat("s", ++names_);
  if (PQsendPrepare(connection_, name.c_str(), sql, 0, nullptr) == 0) {
    return Broken("cannot be asked");
  }
  GATEWAY_RETURN_IF_ERROR(Finish(timeout).status());
  prepared_[sql] = name;
  return absl::OkStatus();
}

absl::StatusOr<PostgresResult> PostgresConnection::Run(
    const char* sql, const PostgresParameters& parameters,
    absl::Duration timeout) {
  const absl::Duration begun = PostgresNow();
  GATEWAY_RETURN_IF_ERROR(Prepare(sql, timeout));
  const int sent = PQsendQueryPrepared(
      connection_, prepared_[sql].c_str(),
      static_cast<int>(parameters.values_.size()), parameters.values_.data(),
      parameters.lengths_.data(), parameters.formats_.data(), 1);
  if (sent == 0) return Broken("cannot be asked");
  return Finish(timeout - (PostgresNow() - begun));
}

absl::Status PostgresConnection::Execute(const std::string& sql,
                                         absl::Duration timeout) {
  if (PQsendQuery(connection_, sql.c_str()) == 0) {
    return Broken("cannot be asked");
  }
  return Finish(timeout).status();
}

absl::StatusOr<PostgresResult> PostgresConnection::Finish(
    absl::Duration timeout) {
  const absl::Duration deadline = PostgresNow() + timeout;
  absl::Status failed;
  PostgresResult last(nullptr);
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(PGresult* const next, NextResult(deadline));
    if (next == nullptr) break;
    last = PostgresResult(next);
    const ExecStatusType status = PQresultStatus(next);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
        failed.ok()) {
      failed = ErrorOf(*next);
    }
  }
  // It may have said why before it has gone.
  if (PQstatus(connection_) == CONNECTION_BAD) {
    is_broken_ = true;
    if (failed.ok()) failed = Broken("has closed the connection");
  }
  if (!failed.ok()) return failed;
  return last;
}

absl::StatusOr<PGresult*> PostgresConnection::NextResult(
    absl::Duration deadline) {
  while (true) {
    const int left = PQflush(connection_);
    if (left < 0) return Broken("has closed the connection");
    if (left == 0 && PQisBusy(connection_) == 0) {
      return PQgetResult(connection_);
    }
    GATEWAY_RETURN_IF_ERROR(Await(left > 0, deadline));
    if (PQconsumeInput(connection_) == 0) {
      return Broken("has closed the connection");
    }
  }
}

absl::Status PostgresConnection::ErrorOf(const PGresult& result) {
  const char* const state = PQresultErrorField(&result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return Broken("has closed the connection");
  // What else it says has values of rows in it.
  const char* const message =
      PQresultErrorField(&result, PG_DIAG_MESSAGE_PRIMARY);
  const absl::StatusCode code = CodeOf(state);
  return absl::Status(
      code, absl::StrCat("PostgreSQL at ", place(),
                         " says: ", Message(message == nullptr ? "" : message),
                         " (SQLSTATE ", state, ")"));
}

absl::Status PostgresConnection::Broken(std::string_view what) {
  is_broken_ = true;
  const std::string why = Message(PQerrorMessage(connection_));
  // Nothing is to be waited for where who asks is not let in.
  const bool is_refused = why.find("authentication") != std::string::npos ||
                          why.find("no pg_hba.conf") != std::string::npos ||
                          why.find("no password") != std::string::npos;
  return absl::Status(is_refused ? absl::StatusCode::kPermissionDenied
                                 : absl::StatusCode::kUnavailable,
                      absl::StrCat("PostgreSQL at ", place(), " ", ToAbsl(what),
                                   why.empty() ? "" : ": ", why));
}

ServerTrust PostgresConnection::trust() const {
  const char* const host = PQhost(connection_);
  const char* const address = PQhostaddr(connection_);
  // A socket in the file system has no address.
  const bool has_address = address != nullptr && address[0] != '\0';
  const char* const where = has_address ? address : host;
  // Kerberos encrypts, and knows the server.
  if (PQgssEncInUse(connection_) != 0) return ServerTrust::kVerified;
  std::string sslmode;
  PQconninfoOption* const options = PQconninfo(connection_);
  for (const PQconninfoOption* each = options;
       each != nullptr && each->keyword != nullptr; ++each) {
    if (std::strcmp(each->keyword, "sslmode") == 0 && each->val != nullptr) {
      sslmode = each->val;
    }
  }
  PQconninfoFree(options);
  // Nor would it have been let in otherwise.
  if (PQsslInUse(connection_) == 0) sslmode.clear();
  return ServerTrustOf(where == nullptr ? "" : where, sslmode);
}

std::string PostgresConnection::place() const {
  const auto text = [](const char* value) {
    return std::string(value == nullptr ? "" : value);
  };
  const std::string host = text(PQhost(connection_));
  const std::string port = text(PQport(connection_));
  if (host.empty()) return "an unknown host";
  return absl::StrCat(host, port.empty() ? "" : ":", port);
}

std::string PostgresConnection::Message(const char* text) const {
  std::string message(absl::StripAsciiWhitespace(text));
  absl::StrReplaceAll({{"\n\t", " "}, {"\n", "; "}}, &message);
  if (!password_.empty()) {
    absl::StrReplaceAll({{ToAbsl(password_.Reveal()), "[password]"}}, &message);
  }
  return message;
}

}  // namespace gateway
