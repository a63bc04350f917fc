// Database: one connection to SQLite. Statement: one prepared statement of it.
//
// The first error of a transaction stays until ClearError: every later step does nothing and finds
// no row. So code that reads and writes needs no check after each step; who ends the transaction
// checks once, and rolls back.
//
// Thread: one at a time.
// Owns: the connection; a statement its own. A statement is destroyed before its database.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tollgate/payments/uuid.h"

namespace tollgate::ledger::file {

class Database {
 public:
  Database() = default;
  ~Database() { Close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `flags`: of sqlite3_open_v2. False: see problem().
  bool Open(const std::string& path, int flags);
  void Close();
  bool is_open() const { return handle_ != nullptr; }

  // Runs statements without results. False: it failed, or an earlier step of the transaction did.
  bool Run(const char* sql);
  bool Run(const std::string& sql) { return Run(sql.c_str()); }
  // The first integer of the first row; `absent` if there is none.
  int64_t Number(const char* sql, int64_t absent);

  // The extended code of the first error since ClearError; SQLITE_OK: none.
  int code() const { return code_; }
  bool failed() const { return code_ != SQLITE_OK; }
  const std::string& problem() const { return problem_; }
  void ClearError() { code_ = SQLITE_OK; }
  // Keeps the error of the last call, if it is the first.
  void NoteError(int code);

  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
  int code_ = SQLITE_OK;
  std::string problem_;
};

// A row of a result. Valid inside the callback that gets it.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string_view Text(int column) const {
    const void* const bytes = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string_view()
                            : std::string_view(static_cast<const char*>(bytes), size);
  }
  payments::Uuid Id(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement() = default;
  // An `sql` that cannot be prepared is an error of the transaction.
  Statement(Database& database, const std::string& sql);

  // Binds the parameters in their order.
  template <typename... Values>
  Statement& With(const Values&... values) {
    int index = 0;
    (Bind(++index, values), ...);
    return *this;
  }
  // Steps through all rows. Returns their number.
  template <typename Use>
  size_t ForEach(Use use) {
    size_t rows = 0;
    while (Step()) {
      use(Row(statement_.get()));
      ++rows;
    }
    Reset();
    return rows;
  }
  // False: there is no row.
  template <typename Use>
  bool First(Use use) {
    const bool found = Step();
    if (found) use(Row(statement_.get()));
    Reset();
    return found;
  }
  void Run() {
    Step();
    Reset();
  }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void Bind(int index, int64_t value) { sqlite3_bind_int64(statement_.get(), index, value); }
  void Bind(int index, const payments::Uuid& id);
  void Bind(int index, const std::string& text);
  bool Step();
  void Reset();

  Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

}  // namespace tollgate::ledger::file
