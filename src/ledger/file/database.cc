#include "ledger/file/database.h"

#include <array>

namespace tollgate::ledger::file {
namespace {

constexpr size_t kIdBytes = 16;

}  // namespace

bool Database::Open(const std::string& path, int flags) {
  Close();
  ClearError();
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    NoteError(code);
    Close();
    return false;
  }
  sqlite3_extended_result_codes(handle_, 1);
  return true;
}

void Database::Close() {
  if (handle_ == nullptr) return;
  sqlite3_close_v2(std::exchange(handle_, nullptr));
}

void Database::NoteError(int code) {
  if (failed()) return;
  code_ = code;
  // SQLite has a text for what it met itself, and not for what a caller found in the rows.
  const bool own = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code;
  problem_ = own ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
}

bool Database::Run(const char* sql) {
  if (failed() || !is_open()) return false;
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) NoteError(code);
  return code == SQLITE_OK;
}

int64_t Database::Number(const char* sql, int64_t absent) {
  int64_t number = absent;
  Statement(*this, sql).First([&](const Row& row) { number = row.Int(0); });
  return number;
}

payments::Uuid Row::Id(int column) const {
  const std::string_view bytes = Text(column);
  payments::Uuid id;
  if (bytes.size() != kIdBytes) return id;
  for (size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8U | static_cast<unsigned char>(bytes[i]);
    id.low = id.low << 8U | static_cast<unsigned char>(bytes[8 + i]);
  }
  return id;
}

Statement::Statement(Database& database, const std::string& sql) : database_(&database) {
  if (database.failed() || !database.is_open()) return;
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  statement_.reset(prepared);
  if (code != SQLITE_OK) database.NoteError(code);
}

void Statement::Bind(int index, const payments::Uuid& id) {
  std::array<char, kIdBytes> bytes{};
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.high >> (56 - 8 * i) & 0xFFU);
    bytes[8 + i] = static_cast<char>(id.low >> (56 - 8 * i) & 0xFFU);
  }
  sqlite3_bind_blob(statement_.get(), index, bytes.data(), kIdBytes, SQLITE_TRANSIENT);
}

void Statement::Bind(int index, const std::string& text) {
  sqlite3_bind_text(statement_.get(), index, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
}

bool Statement::Step() {
  if (statement_ == nullptr || database_->failed()) return false;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_->NoteError(code);
  return false;
}

void Statement::Reset() {
  if (statement_ != nullptr) sqlite3_reset(statement_.get());
}

}  // namespace tollgate::ledger::file
